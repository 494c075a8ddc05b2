package richtext

import "slices"

// Sizes of a leaf, in bytes of text and in runs. A leaf is built up to its
// target and may then grow by typing to twice of that.
const (
	leafTarget = 1024
	leafMax    = 2 * leafTarget
	leafMin    = leafTarget / 4
	runsTarget = 32
	runsMin    = runsTarget / 4
)

// leaf is one chunk of a document: its text, with [EmbedRune] for each embed,
// and the runs that divide it. Leaves are shared between a document and its
// clones; only the owner may write to one.
type leaf struct {
	owner *owner
	units int
	text  gapText
	runs  []run
}

// owner identifies the document that may write to a leaf. It has a size so that
// every one has its own address.
type owner struct{ _ byte }

// run is a stretch of a leaf that is text of equal attributes, or one embed.
type run struct {
	units, bytes int
	attrs        Attributes
	embed        Embed
}

// span is a place inside a leaf: a run, and the units and bytes before it.
type span struct {
	run, units, bytes int
}

// span returns the run that holds the n units after at; if n is 0, the run that
// at is inside or at the end of. It reports whether there is one.
func (l *leaf) span(at, n int) (span, bool) {
	var s span
	for s.run < len(l.runs) {
		r := &l.runs[s.run]
		if end := s.units + r.units; at < end || at == end && n == 0 {
			return s, at+n <= end
		}
		s.units += r.units
		s.bytes += r.bytes
		s.run++
	}
	return s, false
}

// splits reports whether a unit of the leaf is the second half of a pair.
func (l *leaf) splits(unit int) bool {
	if l.units == l.text.len() {
		return false
	}
	s, _ := l.span(unit, 0)
	_, split := l.text.after(s.bytes, unit-s.units)
	return split
}

// copy returns a copy of l that belongs to o.
func (l *leaf) copy(o *owner) *leaf {
	return &leaf{owner: o, units: l.units, text: l.text.copy(), runs: slices.Clone(l.runs)}
}

// split cuts a leaf that its owner may write to in the middle. The leaf becomes
// the first half; split returns the second.
func (l *leaf) split() *leaf {
	middle := l.units / 2
	s, _ := l.span(middle, 1)
	r := &l.runs[s.run]
	units := middle - s.units
	at, pair := l.text.after(s.bytes, units)
	if pair {
		units--
	}
	bytes := at - s.bytes
	second := &leaf{owner: l.owner, units: l.units - s.units - units, text: l.text.cut(at)}
	second.runs = append(second.runs, run{r.units - units, r.bytes - bytes, r.attrs, r.embed})
	second.runs = append(second.runs, l.runs[s.run+1:]...)

	r.units, r.bytes = units, bytes
	l.runs = l.runs[:s.run+1]
	if units == 0 {
		l.runs = l.runs[:s.run]
	}
	l.units = s.units + units
	return second
}

// replace puts the text of in in the place of the bytes from..to, of gone units,
// all inside the run with the given index.
func (l *leaf) replace(run, from, to int, in *Op, gone int) {
	r := &l.runs[run]
	r.units += in.n - gone
	r.bytes += len(in.text) - (to - from)
	l.units += in.n - gone
	l.text.replace(from, to, in.text)
}

// add appends a run to the leaf, to its last run if that is alike.
func (l *leaf) add(r run, text []byte) {
	l.text.append(text)
	l.units += r.units
	if n := len(l.runs); n > 0 && r.embed.IsZero() {
		if last := &l.runs[n-1]; last.embed.IsZero() && last.attrs.Equal(r.attrs) {
			last.units += r.units
			last.bytes += r.bytes
			return
		}
	}
	l.runs = append(l.runs, r)
}

// append appends another leaf.
func (l *leaf) append(other *leaf) {
	text := other.text.all()
	for _, r := range other.runs {
		l.add(r, text[:r.bytes])
		text = text[r.bytes:]
	}
}

// small reports whether a leaf of so many bytes and runs is better joined with
// another.
func small(bytes, runs int) bool { return bytes < leafMin && runs < runsMin }

// fit reports whether so many bytes and runs are well kept in one leaf.
func fit(bytes, runs int) bool { return bytes <= leafTarget && runs <= runsTarget }
