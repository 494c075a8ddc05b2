package enginebench

import (
	"math/rand/v2"
	"strings"
)

// Typed returns a trace of the given number of keystrokes by an imaginary typist,
// the same for the same seed: mostly typing on, sometimes erasing the last few
// letters or a selection, now and then going elsewhere, near or far.
func Typed(seed uint64, edits int) Trace {
	t := typist{random: rand.New(rand.NewPCG(seed, 0))}
	for len(t.edits) < edits {
		switch n := t.random.IntN(100); {
		case n < 70:
			t.word()
		case n < 88:
			t.erase(1 + t.random.IntN(6))
		case n < 90:
			t.replaceSelection()
		case n < 97:
			t.at = max(0, min(len(t.text), t.at+t.random.IntN(200)-100))
		default:
			t.at = t.random.IntN(len(t.text) + 1)
		}
	}
	t.edits = t.edits[:edits]
	return Trace{Name: "built-in typist", Edits: t.edits, End: replayed(t.edits)}
}

// typist is at a place of a text. The text is only kept to know its length and
// what can be erased.
type typist struct {
	random *rand.Rand
	text   []byte
	at     int
	edits  []Edit
}

const letters = "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllcccuuummwwffggyyppbbvk"

func (t *typist) word() {
	for range 1 + t.random.IntN(9) {
		t.edit(0, letters[t.random.IntN(len(letters)):][:1])
	}
	switch n := t.random.IntN(60); {
	case n == 0:
		t.edit(0, ".")
		t.edit(0, "\n")
	case n < 5:
		t.edit(0, ",")
	}
	t.edit(0, " ")
}

func (t *typist) erase(n int) {
	for range min(n, t.at) {
		t.at--
		t.edit(1, "")
	}
}

func (t *typist) replaceSelection() {
	n := min(t.random.IntN(60), len(t.text)-t.at)
	t.edit(n, strings.Repeat("pasted ", t.random.IntN(5)))
}

// edit replaces gone letters by text and goes behind it.
func (t *typist) edit(gone int, text string) {
	if gone == 0 && text == "" {
		return
	}
	t.edits = append(t.edits, Edit{At: t.at, Gone: gone, Text: text})
	t.text = append(t.text[:t.at], append([]byte(text), t.text[t.at+gone:]...)...)
	t.at += len(text)
}

// replayed returns the text that edits come to.
func replayed(edits []Edit) string {
	g := newGapBuffer("")
	for _, e := range edits {
		g.edit(e.At, e.Gone, e.Text)
	}
	return g.text()
}
