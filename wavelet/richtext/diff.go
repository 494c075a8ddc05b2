package richtext

import (
	"slices"
	"unicode/utf8"
)

// maxEdits bounds the work of Diff: beyond this many single insertions and
// deletions it replaces what differs as a whole.
const maxEdits = 512

// Diff returns a delta that turns the document a into the document b: Compose(a,
// Diff(a, b)) has the content of b. It never cuts a surrogate pair. Where the
// documents differ much the delta is correct but need not be the shortest. Ops
// that do not insert are ignored.
func Diff(a, b Delta) Delta {
	var names embedNames
	x, y := names.symbols(a), names.symbols(b)
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	w := diffWriter{old: read(inserts(a)), new: read(inserts(b))}
	w.keep(x[:head])
	x, y = x[head:], y[head:]
	common := matches(x[:len(x)-tail], y[:len(y)-tail])
	common = append(common, match{len(x) - tail, len(y) - tail, tail})
	i, j := 0, 0
	for _, m := range common {
		w.replace(x[i:m.i], y[j:m.j])
		i, j = m.i+m.n, m.j+m.n
		w.keep(x[m.i:i])
	}
	return w.out.delta().Chop()
}

// inserts returns the ops of d that insert.
func inserts(d Delta) Delta {
	other := func(op Op) bool { return !op.kind.inserts() }
	if !slices.ContainsFunc(d, other) {
		return d
	}
	return slices.DeleteFunc(slices.Clone(d), other)
}

// symbol is one thing to compare: a code point, or an embed by a number above
// all code points.
type symbol int32

func (s symbol) units() int {
	if s >= 0x10000 && s <= utf8.MaxRune {
		return 2
	}
	return 1
}

func unitsOfSymbols(list []symbol) int {
	n := 0
	for _, s := range list {
		n += s.units()
	}
	return n
}

// embedNames numbers embeds, equal ones alike.
type embedNames map[embedValue]symbol

func (names *embedNames) symbols(d Delta) []symbol {
	list := make([]symbol, 0, d.Len())
	for i := range d {
		switch op := &d[i]; op.kind {
		case KindInsert:
			list = appendSymbols(list, op.text)
		case KindEmbed:
			if *names == nil {
				*names = embedNames{}
			}
			name, ok := (*names)[*op.embed.v]
			if !ok {
				name = utf8.MaxRune + 1 + symbol(len(*names))
				(*names)[*op.embed.v] = name
			}
			list = append(list, name)
		}
	}
	return list
}

func appendSymbols(list []symbol, text string) []symbol {
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 && len(text) >= 3 { // half of a pair
			r, size = 0xD000|rune(text[1]&0x3F)<<6|rune(text[2]&0x3F), 3
		}
		list = append(list, symbol(r))
		text = text[size:]
	}
	return list
}

// match is a run of n symbols that x has at i and y has at j.
type match struct{ i, j, n int }

// matches returns what x and y have in common, in order, by the algorithm of
// E. W. Myers, "An O(ND) difference algorithm and its variations" (1986). It
// returns nothing if that takes more than maxEdits insertions and deletions.
func matches(x, y []symbol) []match {
	limit := min(len(x)+len(y), maxEdits)
	f := frontier{mid: limit + 1, reach: make([]int, 2*limit+3)}
	var rounds [][]int // reach of the diagonals -d..d before round d
	for d := 0; d <= limit; d++ {
		rounds = append(rounds, slices.Clone(f.reach[f.mid-d:f.mid+d+1]))
		for k := -d; k <= d; k += 2 {
			_, i := f.step(d, k)
			for i < len(x) && i-k < len(y) && x[i] == y[i-k] {
				i++
			}
			f.reach[f.mid+k] = i
			if i >= len(x) && i-k >= len(y) {
				return traceBack(rounds, len(x), len(y))
			}
		}
	}
	return nil
}

// frontier is how far into x the best paths have come, by diagonal: the place in
// x less the place in y.
type frontier struct {
	reach []int
	mid   int // index of diagonal 0
}

// step returns the diagonal from which round d enters diagonal k, and where in x
// it arrives: by deleting from the diagonal below or inserting from that above.
func (f frontier) step(d, k int) (from, i int) {
	below, above := f.mid+k-1, f.mid+k+1
	if k == -d || k != d && f.reach[below] < f.reach[above] {
		return k + 1, f.reach[above]
	}
	return k - 1, f.reach[below] + 1
}

// traceBack collects the matches on the path that ends at i and j.
func traceBack(rounds [][]int, i, j int) []match {
	var list []match
	for d := len(rounds) - 1; d > 0; d-- {
		k := i - j
		from, start := frontier{reach: rounds[d], mid: d}.step(d, k)
		list = append(list, match{start, start - k, i - start})
		i = start
		if from < k {
			i--
		}
		j = i - from
	}
	list = append(list, match{0, 0, i})
	slices.Reverse(list)
	return list
}

// diffWriter writes a delta while it walks through both documents.
type diffWriter struct {
	old, new reader
	out      writer
}

// replace deletes some of the old document and inserts some of the new one.
func (w *diffWriter) replace(gone, added []symbol) {
	for _, op := range w.new.collect(nil, unitsOfSymbols(added)) {
		w.out.push(op)
	}
	n := unitsOfSymbols(gone)
	w.old.skip(n)
	w.out.delete(n)
}

// keep retains what both documents have, with the change of its attributes.
func (w *diffWriter) keep(list []symbol) {
	for left := unitsOfSymbols(list); left > 0; {
		n := min(left, w.old.len(), w.new.len())
		p, q := w.old.take(n), w.new.take(n)
		w.out.retain(n, p.attrs.Diff(q.attrs))
		left -= n
	}
}
