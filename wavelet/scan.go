package wavelet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"weir/wavelet/richtext"
)

// fail refuses what is at the present position.
func (d *opsDecoder) fail(field, format string, args ...any) *Refusal {
	return d.refuse(CodeBadDelta, field, format, args...)
}

func (d *opsDecoder) refuse(code Code, field, format string, args ...any) *Refusal {
	reason := fmt.Sprintf(format, args...)
	return refuse(code, field, "", "%s (at byte %d)", reason, d.pos).at(d.op)
}

// peek skips white space and returns the next byte, 0 at the end.
func (d *opsDecoder) peek() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect reads one character.
func (d *opsDecoder) expect(c byte, field string) *Refusal {
	if d.peek() != c {
		return d.fail(field, "expected %q", string(c))
	}
	d.pos++
	return nil
}

// text reads a string.
func (d *opsDecoder) text(field string) (string, *Refusal) {
	if d.peek() != '"' {
		return "", d.fail(field, "expected a string")
	}
	end, ok := stringEnd(d.data, d.pos)
	if !ok {
		return "", d.fail(field, "a string does not end")
	}
	raw := d.data[d.pos:end]
	if plainString(raw) {
		d.pos = end
		return string(raw[1 : len(raw)-1]), nil
	}
	if !utf8.Valid(raw) || loneSurrogate(raw) {
		return "", d.fail(field, "the text is not well-formed Unicode")
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", d.fail(field, "%v", err)
	}
	d.pos = end
	return s, nil
}

// richtext reads an array of richtext ops.
func (d *opsDecoder) richtext(m *members, field string) *Refusal {
	if d.peek() != '[' {
		return d.fail(field, "expected an array of ops")
	}
	end, ok := arrayEnd(d.data, d.pos)
	if !ok {
		return d.fail(field, "an array does not end")
	}
	var err error
	if m.ops, err = richtext.DecodeOps(d.data[d.pos:end]); err != nil {
		if e := (*richtext.Error)(nil); errors.As(err, &e) {
			d.pos += max(e.Offset, 0)
		}
		r := fromRichtext(field[:len(field)-len(".ops")], err).at(d.op)
		r.Reason = fmt.Sprintf("%s (at byte %d)", r.Reason, d.pos)
		return r
	}
	d.pos = end
	return nil
}

// stringEnd returns the index behind the string that starts at data[at].
func stringEnd(data []byte, at int) (end int, ok bool) {
	for i := at + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return 0, false
}

// plainString reports whether a JSON string stands for the very bytes between
// its quotes.
func plainString(raw []byte) bool {
	for _, c := range raw {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// arrayEnd returns the index behind the array that starts at data[at], taking
// it for well-formed.
func arrayEnd(data []byte, at int) (end int, ok bool) {
	depth := 0
	for i := at; i < len(data); i++ {
		switch data[i] {
		case '"':
			if i, ok = stringEnd(data, i); !ok {
				return 0, false
			}
			i--
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}

// loneSurrogate reports whether a JSON string escapes half of a surrogate pair.
func loneSurrogate(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 == len(raw) {
			return false
		}
		raw = raw[i:]
		r, ok := escaped(raw)
		switch {
		case !ok:
			raw = raw[2:]
		case !utf16.IsSurrogate(r):
			raw = raw[6:]
		default:
			low, ok := escaped(raw[6:])
			if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
				return true
			}
			raw = raw[12:]
		}
	}
}

// escaped returns the unit that raw starts with if it starts with an escape of
// the form \u0041.
func escaped(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	r := rune(0)
	for _, c := range raw[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
