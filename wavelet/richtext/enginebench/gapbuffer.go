package enginebench

import (
	"unicode/utf16"

	"weir/wavelet/richtext"
)

// gapBuffer is the yardstick: the simplest structure that editors of plain text
// use, UTF-16 units in one array with a gap where the last edit was. It knows no
// attributes and checks nothing.
type gapBuffer struct {
	units      []uint16
	start, end int // the gap
}

func newGapBuffer(text string) *gapBuffer {
	g := &gapBuffer{units: make([]uint16, 64)}
	g.end = len(g.units)
	g.edit(0, 0, text)
	return g
}

// apply applies a delta of plain text.
func (g *gapBuffer) apply(d richtext.Delta) {
	at := 0
	for i := range d {
		switch op := &d[i]; op.Kind() {
		case richtext.KindRetain:
			at += op.Len()
		case richtext.KindInsert:
			g.edit(at, 0, op.Text())
			at += op.Len()
		case richtext.KindDelete:
			g.edit(at, op.Len(), "")
		}
	}
}

// edit replaces gone units at the position at by text.
func (g *gapBuffer) edit(at, gone int, text string) {
	g.move(at)
	g.end += gone
	if need := len(text); g.end-g.start < need {
		g.grow(need)
	}
	for _, r := range text {
		if r < 0x10000 {
			g.units[g.start] = uint16(r)
			g.start++
			continue
		}
		high, low := utf16.EncodeRune(r)
		g.units[g.start], g.units[g.start+1] = uint16(high), uint16(low)
		g.start += 2
	}
}

// move moves the gap to a position.
func (g *gapBuffer) move(at int) {
	switch {
	case at < g.start:
		n := g.start - at
		copy(g.units[g.end-n:g.end], g.units[at:g.start])
		g.start, g.end = at, g.end-n
	case at > g.start:
		n := at - g.start
		copy(g.units[g.start:], g.units[g.end:g.end+n])
		g.start, g.end = at, g.end+n
	}
}

// grow makes room for at least n more units.
func (g *gapBuffer) grow(n int) {
	bigger := make([]uint16, 2*len(g.units)+n)
	copy(bigger, g.units[:g.start])
	tail := len(g.units) - g.end
	copy(bigger[len(bigger)-tail:], g.units[g.end:])
	g.units, g.end = bigger, len(bigger)-tail
}

// text returns the whole text.
func (g *gapBuffer) text() string {
	return string(utf16.Decode(g.units[:g.start])) + string(utf16.Decode(g.units[g.end:]))
}
