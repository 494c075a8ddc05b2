package richtext

import "slices"

// gapText is the text of a leaf: UTF-8 with a gap where it was edited last, so
// that whoever goes on typing there moves nothing. The gap lies between code
// points. Indexes count bytes of text, without the gap.
type gapText struct {
	buf      []byte
	gap, end int // buf[gap:end] is the gap
}

func (t *gapText) len() int { return len(t.buf) - (t.end - t.gap) }

// parts returns the text before and after the gap.
func (t *gapText) parts() (head, tail []byte) { return t.buf[:t.gap], t.buf[t.end:] }

// last returns the last byte, 0 if there is none.
func (t *gapText) last() byte {
	switch head, tail := t.parts(); {
	case len(tail) > 0:
		return tail[len(tail)-1]
	case len(head) > 0:
		return head[len(head)-1]
	}
	return 0
}

// all returns the text in one piece, a copy if need be.
func (t *gapText) all() []byte {
	head, tail := t.parts()
	switch {
	case len(tail) == 0:
		return head
	case len(head) == 0:
		return tail
	}
	return slices.Concat(head, tail)
}

func (t *gapText) copy() gapText {
	return gapText{buf: slices.Clone(t.buf), gap: t.gap, end: t.end}
}

// append appends text.
func (t *gapText) append(text []byte) {
	t.move(t.len())
	t.buf = append(t.buf[:t.gap], text...)
	t.gap = len(t.buf)
	t.end = t.gap
}

// replace puts text in the place of the bytes from..to.
func (t *gapText) replace(from, to int, text string) {
	if to == t.gap {
		t.gap = from
	} else {
		t.move(from)
		t.end += to - from
	}
	if len(text) > t.end-t.gap {
		t.grow(len(text))
	}
	if len(text) == 1 { // a keystroke
		t.buf[t.gap] = text[0]
	} else {
		copy(t.buf[t.gap:], text)
	}
	t.gap += len(text)
}

// move moves the gap.
func (t *gapText) move(to int) {
	switch n := to - t.gap; {
	case n < 0:
		copy(t.buf[t.end+n:t.end], t.buf[to:t.gap])
		t.gap, t.end = to, t.end+n
	case n > 0:
		copy(t.buf[t.gap:], t.buf[t.end:t.end+n])
		t.gap, t.end = to, t.end+n
	}
}

// grow makes the gap at least n bytes wide.
func (t *gapText) grow(n int) {
	head, tail := t.parts()
	buf := make([]byte, max(leafMax, len(head)+n+len(tail)))
	copy(buf, head)
	t.end = len(buf) - len(tail)
	copy(buf[t.end:], tail)
	t.buf = buf
}

// cut removes the text from at on and returns it.
func (t *gapText) cut(at int) gapText {
	t.move(at)
	tail := slices.Clone(t.buf[t.end:])
	t.end = len(t.buf)
	return gapText{buf: tail, gap: len(tail), end: len(tail)}
}

// after returns the index that lies the given units after another, and whether
// that splits a surrogate pair; then it is the index of the pair.
func (t *gapText) after(at, units int) (to int, split bool) {
	if at < t.gap {
		n, left := offsetOf(t.buf[at:t.gap], units)
		if left <= 0 {
			return at + n, left < 0
		}
		at, units = t.gap, left
	}
	n, left := offsetOf(t.buf[t.end+at-t.gap:], units)
	return at + n, left < 0
}

// before is after, the other way.
func (t *gapText) before(at, units int) (to int, split bool) {
	if at > t.gap {
		n, left := offsetBefore(t.buf[t.end:t.end+at-t.gap], units)
		if left <= 0 {
			return t.gap + n, left < 0
		}
		at, units = t.gap, left
	}
	n, left := offsetBefore(t.buf[:at], units)
	return n, left < 0
}
