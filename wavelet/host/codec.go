package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// encoder writes the pieces that stored forms are made of. Whole numbers are
// varints; strings and lists start with their length.
type encoder struct{ buf []byte }

func (e *encoder) byte(b byte)     { e.buf = append(e.buf, b) }
func (e *encoder) uint(n uint64)   { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) int(n int)       { e.uint(uint64(n)) }
func (e *encoder) string(s string) { e.int(len(s)); e.buf = append(e.buf, s...) }

// time writes an instant to the nanosecond; the zero time keeps its meaning.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.byte(0)
		return
	}
	e.byte(1)
	e.buf = binary.AppendVarint(e.buf, t.UnixNano())
}

// Forms of a richtext delta.
const (
	plainForm = 0 // ops of text without attributes, in normal form
	jsonForm  = 1 // anything else, as the client protocol writes it
)

// delta writes a richtext delta so that the very same ops come back.
func (e *encoder) delta(d richtext.Delta) {
	if !plain(d) {
		e.byte(jsonForm)
		e.string(string(d.AppendOps(nil)))
		return
	}
	e.byte(plainForm)
	e.int(len(d))
	for _, op := range d {
		switch op.Kind() {
		case richtext.KindInsert:
			e.byte('i')
			e.string(op.Text())
		case richtext.KindRetain:
			e.byte('r')
			e.int(op.Len())
		default:
			e.byte('d')
			e.int(op.Len())
		}
	}
}

// plain reports whether d can be rebuilt from texts and lengths alone.
func plain(d richtext.Delta) bool {
	built := make(richtext.Delta, 0, len(d))
	for _, op := range d {
		if !op.Attributes().IsZero() || op.Kind() == richtext.KindEmbed {
			return false
		}
		built = push(built, op.Kind(), op.Text(), op.Len())
	}
	return built.Equal(d)
}

func push(d richtext.Delta, kind richtext.Kind, text string, n int) richtext.Delta {
	switch kind {
	case richtext.KindInsert:
		return d.Insert(text, richtext.Attributes{})
	case richtext.KindRetain:
		return d.Retain(n, richtext.Attributes{})
	case richtext.KindDelete:
		return d.Delete(n)
	}
	return d
}

// decoder reads what an encoder wrote. The first fault ends it: what is read
// then is zero, and err says what was wrong.
type decoder struct {
	buf []byte
	err error
}

var errShort = errors.New("ends too early")

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.buf = nil
}

func (d *decoder) byte() byte {
	if len(d.buf) == 0 {
		d.fail(errShort)
		return 0
	}
	b := d.buf[0]
	d.buf = d.buf[1:]
	return b
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.buf)
	if size <= 0 {
		d.fail(errShort)
		return 0
	}
	d.buf = d.buf[size:]
	return n
}

// int reads a length or a count, which cannot be more than what is left unless
// it counts units of a document.
func (d *decoder) int() int {
	n := d.uint()
	if n > 1<<31 {
		d.fail(fmt.Errorf("a length of %d", n))
		return 0
	}
	return int(n)
}

// count reads how many things follow, each of at least one byte.
func (d *decoder) count() int {
	n := d.int()
	if n > len(d.buf) {
		d.fail(errShort)
		return 0
	}
	return n
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.buf[:n])
	d.buf = d.buf[n:]
	return s
}

func (d *decoder) time() time.Time {
	if d.byte() == 0 {
		return time.Time{}
	}
	n, size := binary.Varint(d.buf)
	if size <= 0 {
		d.fail(errShort)
		return time.Time{}
	}
	d.buf = d.buf[size:]
	return time.Unix(0, n).UTC()
}

func (d *decoder) delta() richtext.Delta {
	if d.byte() == jsonForm {
		delta, err := richtext.Limits{}.DecodeOps([]byte(d.string()))
		if err != nil {
			d.fail(err)
		}
		return delta
	}
	n := d.count()
	if n == 0 {
		return nil
	}
	delta := make(richtext.Delta, 0, n)
	for range n {
		switch kind := d.byte(); kind {
		case 'i':
			delta = push(delta, richtext.KindInsert, d.string(), 0)
		case 'r':
			delta = push(delta, richtext.KindRetain, "", d.int())
		case 'd':
			delta = push(delta, richtext.KindDelete, "", d.int())
		default:
			d.fail(fmt.Errorf("unknown richtext op %d", kind))
		}
	}
	return delta
}

func (e *encoder) participant(p wavelet.Participant) { e.string(string(p)) }
func (d *decoder) participant() wavelet.Participant  { return wavelet.Participant(d.string()) }

// format checks the number that every stored form begins with.
func (d *decoder) format(known byte, what string) {
	if got := d.byte(); d.err == nil && got != known {
		d.fail(fmt.Errorf("%s of format %d, this version reads format %d", what, got, known))
	}
}

// end is the fault that was met, or that something is left.
func (d *decoder) end(what string) error {
	if d.err == nil && len(d.buf) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.buf))
	}
	if d.err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, what, d.err)
	}
	return nil
}
