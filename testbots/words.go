package testbots

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// pairs reads lines of a word and what stands for it, parted by the first
// blank.
func pairs(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			m[from] = to
		}
	}
	return m
}

// words yields where each word of a text begins and ends, in bytes.
func words(text string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		start := -1
		for i, r := range text {
			letter := unicode.IsLetter(r) || r == '\''
			if letter && start < 0 {
				start = i
			}
			if !letter && start >= 0 {
				if !yield(start, i) {
					return
				}
				start = -1
			}
		}
		if start >= 0 {
			yield(start, len(text))
		}
	}
}

// capital writes word with a capital if model has one.
func capital(model, word string) string {
	if first, _ := utf8.DecodeRuneInString(model); !unicode.IsUpper(first) {
		return word
	}
	first, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(first)) + word[size:]
}

// units is the length of s in UTF-16 units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// tail is the last n characters of s on one line, from the start of a word,
// with an ellipsis if something was cut off.
func tail(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "…", "")), " ")
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	end := string(runes[len(runes)-n:])
	if _, rest, ok := strings.Cut(end, " "); ok {
		end = rest
	}
	return "…" + end
}

// local is the part of an address before the "@".
func local(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return name
}
