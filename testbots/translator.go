package testbots

import (
	_ "embed"
	"strings"

	"weir/robots/kit"
)

//go:embed dictionary.txt
var dictionary string

// translator repeats in French, word by word, what people write. It never
// answers a robot, so that two of it in a wavelet leave each other alone.
func translator() kind {
	french := pairs(dictionary)
	return kind{
		name:  "translator",
		about: "repeats in toy French what people write, in one blip of its own; never answers a robot",
		hears: writing(),
		hear: func(b *Bot, in *kit.Bundle, out *kit.Reply) {
			if in.Label.Lane == kit.Robots {
				return
			}
			own, _ := in.Own()
			for _, blip := range in.Written() { // the latest is enough
				if text := translate(tail(blip.Content, 120), french); strings.TrimSpace(own.Content) != text {
					b.count.Add(1)
					out.Say(own.ID, text)
				}
				return
			}
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
