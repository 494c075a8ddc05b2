package testbots

import (
	_ "embed"
	"slices"
	"strings"

	"weir/robots/kit"
)

//go:embed misspellings.txt
var misspellings string

// spelly puts misspelled words right, in place, in what anybody has just
// written. It answers nearly every bundle of a bad speller and is no loop: a
// corrected word gives it nothing more to do.
func spelly() kind {
	corrections := pairs(misspellings)
	return kind{
		name:  "spelly",
		about: "puts misspelled words right, in place",
		hears: writing(),
		hear: func(b *Bot, in *kit.Bundle, out *kit.Reply) {
			for _, blip := range in.Written() {
				for _, m := range slices.Backward(mistakes(blip.Content, corrections)) { // from the end, so that offsets hold
					out.Edit(blip.ID, kit.Between(m.start, m.end)).Replace(m.right)
				}
			}
			if len(out.Operations()) > 0 {
				b.count.Add(1)
			}
		},
	}
}

// mistake is a misspelled word: where it stands, in UTF-16 units, and what is
// right.
type mistake struct {
	start, end int
	right      string
}

// mistakes finds the misspelled words of a text. A word that ends the text may
// still be being typed, and is left alone.
func mistakes(content string, corrections map[string]string) []mistake {
	var found []mistake
	for start, end := range words(content) {
		word := content[start:end]
		right, ok := corrections[strings.ToLower(word)]
		if !ok || end == len(content) {
			continue
		}
		at := units(content[:start])
		found = append(found, mistake{at, at + units(word), capital(word, right)})
	}
	return found
}
