package governor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"weir/wavelet"
)

// archive writes or reads values one after the other, by the same calls: what
// is listed once is kept both ways. Numbers are varints, and a string that was
// seen before is a number.
type archive struct {
	reading bool
	data    []byte // written so far, or still to be read
	err     error  // of reading; the values are then zero
	known   []string
	numbers map[string]uint64 // of known, when writing
	seats   []*seat
	places  map[*seat]uint64 // in seats from 1, when writing
}

var errTruncated = errors.New("the data ends too early or is damaged")

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
	a.data = nil
}

func (a *archive) uvarint(v uint64) uint64 {
	if !a.reading {
		a.data = binary.AppendUvarint(a.data, v)
		return v
	}
	v, n := binary.Uvarint(a.data)
	if n <= 0 {
		a.fail(errTruncated)
		return 0
	}
	a.data = a.data[n:]
	return v
}

// number keeps an integer.
func number[T ~int | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](a *archive, p *T) {
	v := int64(*p)
	got := a.uvarint(uint64(v)<<1 ^ uint64(v>>63))
	if a.reading {
		*p = T(int64(got>>1) ^ -int64(got&1))
	}
}

// fraction keeps a float64 exactly.
func (a *archive) fraction(p *float64) {
	if v := a.uvarint(math.Float64bits(*p)); a.reading {
		*p = math.Float64frombits(v)
	}
}

// flag keeps a bool.
func (a *archive) flag(p *bool) {
	v := uint64(0)
	if *p {
		v = 1
	}
	*p = a.uvarint(v) == 1
}

// text keeps a string.
func text[T ~string](a *archive, p *T) {
	if !a.reading {
		n, seen := a.numbers[string(*p)]
		a.uvarint(n)
		if !seen {
			a.numbers[string(*p)] = uint64(len(a.numbers)) + 1
			a.uvarint(uint64(len(*p)))
			a.data = append(a.data, *p...)
		}
		return
	}
	switch n := a.uvarint(0); {
	case n > uint64(len(a.known)):
		a.fail(fmt.Errorf("string %d of %d", n, len(a.known)))
		*p = ""
	case n > 0:
		*p = T(a.known[n-1])
	default:
		size := a.uvarint(0)
		if size > uint64(len(a.data)) {
			a.fail(errTruncated)
			size = 0
		}
		s := string(a.data[:size])
		a.data = a.data[size:]
		a.known = append(a.known, s)
		*p = T(s)
	}
}

// name keeps a wavelet's name.
func (a *archive) name(n *wavelet.Name) {
	text(a, &n.Wave)
	text(a, &n.Wavelet)
}

// optional keeps what may be there or not.
func optional[T any](a *archive, p **T, keep func(*T)) {
	there := *p != nil
	if a.flag(&there); !there {
		*p = nil
		return
	}
	if a.reading {
		*p = new(T)
	}
	keep(*p)
}

// list keeps a slice, by keeping each of its items.
func list[T any](a *archive, p *[]T, item func(*T)) {
	n := a.length(len(*p))
	if a.reading {
		*p = nil
	}
	for i := 0; i < n && a.err == nil; i++ {
		if a.reading {
			*p = append(*p, *new(T))
		}
		item(&(*p)[i])
	}
}

// length keeps a number of items that each take a byte at least.
func (a *archive) length(n int) int {
	v := a.uvarint(uint64(n))
	if a.reading && v > uint64(len(a.data)) {
		a.fail(errTruncated)
		return 0
	}
	return int(v)
}

// seat keeps a reference to a seat, nil for one that is not in the archive.
func (a *archive) seat(p **seat) {
	if !a.reading {
		a.uvarint(a.places[*p])
		return
	}
	*p = nil
	if n := a.uvarint(0); n > uint64(len(a.seats)) {
		a.fail(fmt.Errorf("seat %d of %d", n, len(a.seats)))
	} else if n > 0 {
		*p = a.seats[n-1]
	}
}
