package events

import (
	"slices"

	"weir/wavelet/richtext"
)

// findings is what a net change does to a document, sorted by what a robot
// distinguishes.
type findings struct {
	text        bool         // something was inserted or deleted
	properties  []string     // keys that changed on lines and on elements other than gadgets
	annotations []Annotation // keys that changed on text, each value once, in order
	known       map[Annotation]bool
	gadgets     []gadget
}

// gadget is a gadget whose state changed.
type gadget struct {
	index int               // where it is now, as robots count
	keys  []string          // the attributes that changed
	old   map[string]string // the state before
}

// surveyor walks along a change, through the document before and after it.
type surveyor struct {
	findings
	before *richtext.Doc
	pos    int                        // in before
	now    int                        // in the document after
	left   func() richtext.Attributes // of what stands left of now
}

// survey sorts out what d does to before. D really changes whatever it names.
func survey(before *richtext.Doc, d richtext.Delta) findings {
	s := surveyor{before: before}
	s.left = func() richtext.Attributes { return richtext.Attributes{} }
	for _, op := range d {
		switch op.Kind() {
		case richtext.KindInsert, richtext.KindEmbed:
			s.insert(op)
		case richtext.KindDelete:
			s.text = true
			s.pos += op.Len()
		case richtext.KindRetain:
			s.retain(op)
		}
	}
	return s.findings
}

// insert takes note of new text. Its annotations are news unless they only carry
// on those of the text to the left.
func (s *surveyor) insert(op richtext.Op) {
	s.text = true
	s.now += op.Len()
	if op.Kind() == richtext.KindInsert && !op.Attributes().IsZero() {
		left := s.left()
		for key, value := range op.Attributes().All() {
			if have, ok := left.Get(key); !ok || have != value {
				s.annotate(key, value)
			}
		}
	}
	s.left = op.Attributes
}

func (s *surveyor) retain(op richtext.Op) {
	if !op.Attributes().IsZero() {
		at := s.now
		for _, kept := range s.before.Slice(s.pos, s.pos+op.Len()) {
			s.mark(at, kept, op.Attributes())
			at += kept.Len()
		}
	}
	s.pos += op.Len()
	s.now += op.Len()
	end := s.pos
	s.left = func() richtext.Attributes {
		last := s.before.Slice(end-1, end)
		if len(last) == 0 {
			return op.Attributes()
		}
		return last[0].Attributes().Compose(op.Attributes(), false)
	}
}

// mark takes note of attributes that change on kept, which now stands at pos.
func (s *surveyor) mark(pos int, kept richtext.Op, changes richtext.Attributes) {
	if kept.Kind() == richtext.KindEmbed {
		s.markElement(pos, kept, changes)
		return
	}
	for key, value := range changes.All() {
		if isLineKey(key) {
			s.property(key)
		} else {
			s.annotate(key, value)
		}
	}
}

func (s *surveyor) markElement(pos int, kept richtext.Op, changes richtext.Attributes) {
	g := gadget{index: pos + 1, old: map[string]string{}}
	for key := range changes.All() {
		if kept.Embed().Key() == "gadget" && isGadgetState(key) {
			g.keys = append(g.keys, key)
		} else {
			s.property(key)
		}
	}
	if len(g.keys) == 0 {
		return
	}
	for key, value := range kept.Attributes().All() {
		if isGadgetState(key) {
			g.old[key[len(gadgetState):]] = textOf(value)
		}
	}
	s.gadgets = append(s.gadgets, g)
}

func (s *surveyor) property(key string) {
	if !slices.Contains(s.properties, key) {
		s.properties = append(s.properties, key)
	}
}

func (s *surveyor) annotate(key, value string) {
	if isLineKey(key) {
		return
	}
	a := Annotation{Name: key, Null: value == "null"}
	if !a.Null {
		a.Value = textOf(value)
	}
	if !s.known[a] {
		if s.known == nil {
			s.known = map[Annotation]bool{}
		}
		s.known[a] = true
		s.annotations = append(s.annotations, a)
	}
}
