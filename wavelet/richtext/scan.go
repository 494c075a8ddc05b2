package richtext

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON tokens and values, strictly: UTF-8 must be well-formed,
// escapes must not leave half a surrogate pair, keys must not repeat.
type scanner struct {
	data  []byte
	pos   int
	op    int // index of the op being read, for errors
	depth int // how deep a value may nest
}

func (s *scanner) fail(reason error, field, format string, args ...any) *Error {
	e := refuse(reason, s.op, field, format, args...)
	e.Offset = s.pos
	return e
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// unexpected says that something else was wanted here. It is a syntax error if
// what is here cannot start any JSON value.
func (s *scanner) unexpected(field, wanted string) *Error {
	switch c := s.peek(); {
	case s.pos == len(s.data):
		return s.fail(ErrSyntax, field, "the text ends where %s is expected", wanted)
	case c == '{', c == '[', c == '"', c == '-', c >= '0' && c <= '9', s.literal() != "":
		return s.fail(ErrShape, field, "expected %s", wanted)
	}
	return s.fail(ErrSyntax, field, "expected %s", wanted)
}

// members reads an object and calls member with each key, to read its value.
func (s *scanner) members(what string, member func(key string) error) error {
	if s.peek() != '{' {
		return s.unexpected("", what+" as an object")
	}
	s.pos++
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		key, err := s.key(what)
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.fail(ErrSyntax, "", "expected a comma or the end of %s", what)
		}
	}
}

// key reads a key and the colon behind it.
func (s *scanner) key(what string) (string, error) {
	if s.peek() != '"' {
		return "", s.fail(ErrSyntax, "", "expected a key of %s", what)
	}
	key, ok := s.commonKey()
	if !ok {
		var err error
		if key, _, err = s.text(""); err != nil {
			return "", err
		}
	}
	if s.peek() != ':' {
		return "", s.fail(ErrSyntax, key, "expected a colon")
	}
	s.pos++
	return key, nil
}

// commonKey reads the keys that make up nearly every delta, without allocating.
func (s *scanner) commonKey() (string, bool) {
	if s.pos+1 == len(s.data) {
		return "", false
	}
	key := ""
	switch s.data[s.pos+1] {
	case 'i':
		key = `"insert"`
	case 'r':
		key = `"retain"`
	case 'd':
		key = `"delete"`
	case 'a':
		key = `"attributes"`
	case 'o':
		key = `"ops"`
	}
	end := s.pos + len(key)
	if key == "" || end > len(s.data) || string(s.data[s.pos:end]) != key {
		return "", false
	}
	s.pos = end
	return key[1 : len(key)-1], true
}

// text reads a string and returns it with its length in UTF-16 units.
func (s *scanner) text(field string) (string, int, error) {
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return string(s.data[start:i]), i - start, nil
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return s.slowText(field, start, i)
		}
	}
	s.pos = len(s.data)
	return "", 0, s.fail(ErrSyntax, field, "a string does not end")
}

// slowText reads the rest of a string that has more in it than plain ASCII.
func (s *scanner) slowText(field string, start, from int) (string, int, error) {
	var buf []byte // what has been read, once an escape made it differ from data
	copied := start
	units := from - start
	s.pos = from
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			end := s.pos
			s.pos++
			if buf == nil {
				return string(s.data[start:end]), units, nil
			}
			return string(append(buf, s.data[copied:end]...)), units, nil
		case c == '\\':
			if buf == nil {
				buf = make([]byte, 0, s.pos-start+1+bytes.IndexByte(s.data[s.pos:], '"'))
			}
			buf = append(buf, s.data[copied:s.pos]...)
			r, err := s.escape(field)
			if err != nil {
				return "", 0, err
			}
			buf = utf8.AppendRune(buf, r)
			units += utf16.RuneLen(r)
			copied = s.pos
		case c < ' ':
			return "", 0, s.fail(ErrSyntax, field, "a control character in a string must be escaped")
		case c < utf8.RuneSelf:
			s.pos++
			units++
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", 0, s.fail(ErrIllFormed, field, "the text is not well-formed UTF-8")
			}
			s.pos += size
			units += utf16.RuneLen(r)
		}
	}
	return "", 0, s.fail(ErrSyntax, field, "a string does not end")
}

// escape reads one escape, or the two that make a surrogate pair.
func (s *scanner) escape(field string) (rune, error) {
	if s.pos+1 < len(s.data) {
		switch c := s.data[s.pos+1]; c {
		case 'u':
			return s.unicodeEscape(field)
		case '"', '\\', '/':
			s.pos += 2
			return rune(c), nil
		default:
			if i := strings.IndexByte("bfnrt", c); i >= 0 {
				s.pos += 2
				return rune("\b\f\n\r\t"[i]), nil
			}
		}
	}
	return 0, s.fail(ErrSyntax, field, "unknown escape in a string")
}

func (s *scanner) unicodeEscape(field string) (rune, error) {
	r, ok := s.hex4()
	if !ok {
		return 0, s.fail(ErrSyntax, field, "an escape \\u takes four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	low, ok := s.hex4()
	if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
		return pair, nil
	}
	return 0, s.fail(ErrIllFormed, field, "half of a surrogate pair stands alone")
}

// hex4 reads an escape of the form \u0041 and moves behind it only if it is one.
func (s *scanner) hex4() (rune, bool) {
	if s.pos+6 > len(s.data) || s.data[s.pos] != '\\' || s.data[s.pos+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.data[s.pos+2 : s.pos+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	s.pos += 6
	return r, true
}

// literal returns true, false or null if that comes next, without moving.
func (s *scanner) literal() string {
	for _, word := range [...]string{"true", "false", null} {
		if end := s.pos + len(word); end <= len(s.data) && string(s.data[s.pos:end]) == word {
			return word
		}
	}
	return ""
}

// number reads a number and appends its shortest form, that of ECMAScript.
func (s *scanner) number(dst []byte, field string) ([]byte, error) {
	start, simple := s.pos, true
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > from
	}
	at := func(a, b byte) bool {
		return s.pos < len(s.data) && (s.data[s.pos] == a || s.data[s.pos] == b)
	}
	if at('-', '-') {
		s.pos++
	}
	first := s.pos
	ok := digits() && (s.data[first] != '0' || s.pos == first+1)
	if ok && at('.', '.') {
		s.pos++
		ok, simple = digits(), false
	}
	if ok && at('e', 'E') {
		s.pos++
		if at('+', '-') {
			s.pos++
		}
		ok, simple = digits(), false
	}
	if !ok {
		return nil, s.fail(ErrSyntax, field, "a number is malformed")
	}
	raw := s.data[start:s.pos]
	if simple && len(raw) <= 15 && string(raw) != "-0" {
		return append(dst, raw...), nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, s.fail(ErrTooLarge, field, "a number is too large")
	}
	return appendNumber(dst, f), nil
}

// appendNumber appends f as ECMAScript prints it: the shortest digits that give
// f again, with an exponent only if it is very large or very small.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
