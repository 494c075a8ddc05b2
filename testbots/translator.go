package testbots

import (
	_ "embed"
	"strings"
)

//go:embed dictionary.txt
var dictionary string

// translator repeats in French, word by word, what people write. It never
// answers a robot, so that two of it in a wavelet leave each other alone.
func translator() kind {
	french := pairs(dictionary)
	return kind{
		name:   "translator",
		about:  "repeats in toy French what people write, in one blip of its own; never answers a robot",
		events: []string{"WAVELET_SELF_ADDED", "WAVELET_BLIP_CREATED", "DOCUMENT_CHANGED"},
		hear: func(b *Bot, in *Bundle, out *Reply) error {
			_, blip, ok := in.Heard()
			if !ok || in.Bundle.Lane == "robot" {
				return nil
			}
			own, _ := in.Own()
			text := translate(tail(blip.Content, 120), french)
			if strings.TrimSpace(own.Content) == text {
				return nil // nothing new to say
			}
			b.count.Add(1)
			out.Say(own, text)
			return nil
		},
	}
}

// translate puts each word that the dictionary knows into the other language
// and leaves the rest.
func translate(text string, dictionary map[string]string) string {
	var out strings.Builder
	last := 0
	for start, end := range words(text) {
		out.WriteString(text[last:start])
		word := text[start:end]
		if known, ok := dictionary[strings.ToLower(word)]; ok {
			word = capital(word, known)
		}
		out.WriteString(word)
		last = end
	}
	out.WriteString(text[last:])
	return out.String()
}
