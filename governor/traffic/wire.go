package traffic

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// errDamaged means that a row does not read.
var errDamaged = errors.New("the record is damaged")

// wire writes or reads rows by the same calls: what is listed once is kept both
// ways. Numbers are varints, instants microseconds since the one before, and a
// string that was seen lately is the number of strings since.
type wire struct {
	reading bool
	data    []byte // written so far, or still to be read
	err     error  // of reading; the values are then zero
	clock   int64  // the last instant
	seen    [remembered]string
	count   uint64            // of strings seen so far
	numbers map[string]uint64 // of those that are remembered, when writing
	inner   bool              // in a string that is part of another
}

// remembered is how many strings can be referred to.
const remembered = 1 << 13

// longest is how long a string may be.
const longest = 1 << 16

// restart forgets the strings: a segment is read by itself.
func (w *wire) restart() {
	w.clock, w.count = 0, 0
	clear(w.seen[:])
	if !w.reading {
		w.numbers = make(map[string]uint64, remembered)
	}
}

func (w *wire) fail() {
	w.err, w.data = errDamaged, nil
}

func (w *wire) uvarint(v uint64) uint64 {
	if !w.reading {
		w.data = binary.AppendUvarint(w.data, v)
		return v
	}
	v, n := binary.Uvarint(w.data)
	if n <= 0 {
		w.fail()
		return 0
	}
	w.data = w.data[n:]
	return v
}

// bytes writes raw bytes, or reads n of them.
func (w *wire) bytes(raw []byte, n uint64) []byte {
	if !w.reading {
		w.data = append(w.data, raw...)
		return raw
	}
	if n > uint64(len(w.data)) {
		w.fail()
		return nil
	}
	raw = w.data[:n]
	w.data = w.data[n:]
	return raw
}

// number keeps an integer.
func number[T ~int | ~int64 | ~uint8 | ~uint64](w *wire, p *T) {
	v := int64(*p)
	got := w.uvarint(uint64(v)<<1 ^ uint64(v>>63))
	if w.reading {
		*p = T(int64(got>>1) ^ -int64(got&1))
	}
}

// flags keeps eight bools in a byte.
func (w *wire) flags(list ...*bool) {
	var bits [1]byte
	for i, p := range list {
		if *p {
			bits[0] |= 1 << i
		}
	}
	got := w.bytes(bits[:], 1)
	if w.reading && w.err == nil {
		for i, p := range list {
			*p = got[0]&(1<<i) != 0
		}
	}
}

// instant keeps an instant to the microsecond, as the time since base.
func (w *wire) instant(p *time.Time, base int64) int64 {
	v := p.UnixMicro() - base
	number(w, &v)
	if w.reading {
		*p = unix(base + v)
	}
	return base + v
}

// span keeps a duration to the microsecond, rounded up.
func (w *wire) span(p *time.Duration) {
	v := int64((*p + time.Microsecond - 1) / time.Microsecond)
	number(w, &v)
	if w.reading {
		*p = time.Duration(v) * time.Microsecond
	}
}

// The forms of a string that was not seen lately.
const (
	plain    = iota // its length and its bytes
	hexed           // 32 hexadecimal digits: 16 bytes
	uuid            // the same with dashes
	numbered        // another string, a slash and a number
	forms
)

// text keeps a string.
func text[T ~string](w *wire, p *T) {
	if got := w.text(string(*p)); w.reading {
		*p = T(got)
	}
}

func (w *wire) text(s string) string {
	s = s[:min(len(s), longest)]
	if !w.reading {
		if n, ok := w.numbers[s]; ok {
			w.uvarint(w.count - n)
			return s
		}
		w.uvarint(0)
		w.spell(s)
		w.remember(s)
		return s
	}
	ago := w.uvarint(0)
	switch {
	case ago > w.count || ago > remembered:
		w.fail()
		return ""
	case ago > 0:
		return w.seen[(w.count-ago)%remembered]
	}
	s = w.read()
	w.remember(s)
	return s
}

// remember gives a string its number, in the place of the oldest one.
func (w *wire) remember(s string) {
	at := w.count % remembered
	if !w.reading {
		if w.count >= remembered {
			delete(w.numbers, w.seen[at])
		}
		w.numbers[s] = w.count
	}
	w.seen[at] = s
	w.count++
}

// spell writes a string that was not seen lately.
func (w *wire) spell(s string) {
	var raw [16]byte
	switch form := formOf(s, &raw); {
	case form == numbered && !w.inner:
		at := strings.LastIndexByte(s, '/')
		w.uvarint(digits(s[at+1:])*forms + numbered)
		w.inner = true
		w.text(s[:at])
		w.inner = false
	case form == hexed, form == uuid:
		w.uvarint(uint64(form))
		w.data = append(w.data, raw[:]...)
	default:
		w.uvarint(uint64(len(s))*forms + plain)
		w.data = append(w.data, s...)
	}
}

// read reads what spell wrote.
func (w *wire) read() string {
	head := w.uvarint(0)
	switch form := head % forms; {
	case form == plain && head/forms <= longest:
		return string(w.bytes(nil, head/forms))
	case form == numbered && !w.inner:
		w.inner = true
		s := w.text("")
		w.inner = false
		return s + "/" + strconv.FormatUint(head/forms, 10)
	case head == hexed, head == uuid:
		raw := w.bytes(nil, 16)
		if w.err != nil {
			return ""
		}
		s := hex.EncodeToString(raw)
		if form == uuid {
			s = s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
		}
		return s
	}
	w.fail()
	return ""
}

// formOf is the shortest form of a string, with the bytes of a hexed one.
func formOf(s string, raw *[16]byte) int {
	switch {
	case len(s) == 32 && unhex(raw[:], s):
		return hexed
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		unhex(raw[:4], s[:8]) && unhex(raw[4:6], s[9:13]) && unhex(raw[6:8], s[14:18]) && unhex(raw[8:10], s[19:23]) && unhex(raw[10:], s[24:]):
		return uuid
	}
	if at := strings.LastIndexByte(s, '/'); at >= 0 && counts(s[at+1:]) {
		return numbered
	}
	return plain
}

// unhex reads lower-case hexadecimal digits, two for each byte of out.
func unhex(out []byte, s string) bool {
	for i := range out {
		hi, lo := strings.IndexByte(hexDigits, s[2*i]), strings.IndexByte(hexDigits, s[2*i+1])
		if hi < 0 || lo < 0 {
			return false
		}
		out[i] = byte(hi<<4 | lo)
	}
	return true
}

const hexDigits = "0123456789abcdef"

// counts reports whether s is a number of at most nine digits as they are
// usually written.
func counts(s string) bool {
	if s == "" || len(s) > 9 || s[0] == '0' && s != "0" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func digits(s string) (n uint64) {
	for i := range len(s) {
		n = 10*n + uint64(s[i]-'0')
	}
	return n
}

// unix is the instant so many microseconds after 1970.
func unix(micro int64) time.Time { return time.UnixMicro(micro).UTC() }
