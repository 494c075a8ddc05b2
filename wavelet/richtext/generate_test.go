package richtext_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"weir/wavelet/richtext"
)

// source turns bytes into choices, so that the fuzzer's mutations become other
// deltas. When the bytes run out every choice is the first one.
type source struct{ data []byte }

func (s *source) choose(n int) int {
	if len(s.data) == 0 {
		return 0
	}
	c := int(s.data[0]) % n
	s.data = s.data[1:]
	return c
}

var (
	words  = []string{"a", "b", "ab", "\n", "é", "中文", "😀", "😀😀", "x😁y", "\U00010348", "\u0301", "\x00", "\uFFFC", "quite a bit longer ", "\"\\\t"}
	values = []any{true, false, "", "red", "😀", 1.5, 0, map[string]any{"id": "c1", "at": []any{1, nil}}, []any{}, nil}
	names  = []string{"bold", "color", "link", "g/score"}
)

func (s *source) attributes(nulls bool) richtext.Attributes {
	m := map[string]any{}
	for range s.choose(4) {
		value := values[s.choose(len(values))]
		if value == nil && !nulls {
			continue
		}
		m[names[s.choose(len(names))]] = value
	}
	a, err := richtext.NewAttributes(m)
	if err != nil {
		panic(err)
	}
	return a
}

func (s *source) embed() richtext.Embed {
	kinds := []string{"image", "gadget"}
	e, err := richtext.NewEmbed(kinds[s.choose(2)], values[s.choose(len(values))])
	if err != nil {
		panic(err)
	}
	return e
}

// text appends an insertion of text or of an embed.
func (s *source) text(d richtext.Delta) richtext.Delta {
	switch n := s.choose(20); {
	case n < 15:
		return d.Insert(words[s.choose(len(words))], s.attributes(false))
	case n < 18:
		return d.InsertEmbed(s.embed(), s.attributes(false))
	default: // enough to fill leaves
		return d.Insert(strings.Repeat(words[s.choose(len(words))], 1+s.choose(80)), s.attributes(false))
	}
}

// document returns a document that ends in a newline.
func (s *source) document() richtext.Delta {
	var d richtext.Delta
	for range s.choose(12) {
		d = s.text(d)
	}
	return d.Insert("\n", s.attributes(false))
}

// change returns a delta for a document that Check accepts.
func (s *source) change(doc richtext.Delta) richtext.Delta {
	var d richtext.Delta
	left := strings.TrimSuffix(doc.Text(), "\n")
	for range s.choose(8) {
		if s.choose(3) == 0 {
			d = s.text(d)
			continue
		}
		n := s.choose(6)
		if s.choose(4) == 0 {
			n = s.choose(256) * 8
		}
		var units int
		left, units = skipRunes(left, n)
		switch s.choose(3) {
		case 0:
			d = d.Retain(units, richtext.Attributes{})
		case 1:
			d = d.Retain(units, s.attributes(true))
		case 2:
			d = d.Delete(units)
		}
	}
	return d
}

// skipRunes drops n code points from text and returns how many units they were.
func skipRunes(text string, n int) (rest string, units int) {
	for i, r := range text {
		if n == 0 {
			return text[i:], units
		}
		units++
		if r > 0xFFFF {
			units++
		}
		n--
	}
	return "", units
}

// wild returns any delta, which may reach past a document or cut pairs.
func (s *source) wild() richtext.Delta {
	var d richtext.Delta
	for range s.choose(8) {
		switch s.choose(4) {
		case 0:
			d = s.text(d)
		case 1:
			d = d.Retain(s.choose(12), richtext.Attributes{})
		case 2:
			d = d.Retain(s.choose(12), s.attributes(true))
		case 3:
			d = d.Delete(s.choose(12))
		}
	}
	return d
}

// law runs a property on random bytes, or on the fuzzer's when fuzzing.
func law(f *testing.F, property func(t *testing.T, s *source)) {
	for seed := range uint64(300) {
		f.Add(randomSource(seed, 20+int(seed)).data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip("longer inputs only repeat")
		}
		property(t, &source{data})
	})
}

// randomSource returns n random choices.
func randomSource(seed uint64, n int) *source {
	random := rand.New(rand.NewPCG(seed, 0))
	s := &source{make([]byte, n)}
	for i := range s.data {
		s.data[i] = byte(random.Uint32())
	}
	return s
}
