package richtext

import (
	"strconv"
)

// MarshalJSON returns the delta as {"ops":[...]}, the form that [Decode] takes.
// Attributes follow what they belong to, in key order.
func (d Delta) MarshalJSON() ([]byte, error) {
	return d.AppendJSON(make([]byte, 0, 16+40*len(d))), nil
}

// AppendJSON appends what MarshalJSON returns to dst.
func (d Delta) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"ops":`...)
	dst = d.AppendOps(dst)
	return append(dst, '}')
}

// AppendOps appends the bare array of ops, the form that [DecodeOps] takes.
func (d Delta) AppendOps(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range d {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = d[i].appendJSON(dst)
	}
	return append(dst, ']')
}

func (o *Op) appendJSON(dst []byte) []byte {
	switch o.kind {
	case KindInsert:
		dst = appendString(append(dst, `{"insert":`...), o.text)
	case KindEmbed:
		dst = appendString(append(dst, `{"insert":{`...), o.embed.v.key)
		dst = append(append(append(dst, ':'), o.embed.v.value...), '}')
	case KindRetain:
		dst = strconv.AppendInt(append(dst, `{"retain":`...), int64(o.n), 10)
	case KindDelete:
		dst = strconv.AppendInt(append(dst, `{"delete":`...), int64(o.n), 10)
	default:
		return append(dst, "{}"...)
	}
	if !o.attrs.IsZero() {
		dst = o.attrs.appendJSON(append(dst, `,"attributes":`...))
	}
	return append(dst, '}')
}

func (a Attributes) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, x := range a.list() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, x.key), ':')
		dst = append(dst, x.value...)
	}
	return append(dst, '}')
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string in its shortest form: nothing is
// escaped but quotes, backslashes, control characters and lone surrogates.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b != 0xED {
			continue
		}
		if b == 0xED {
			if i+2 < len(s) && s[i+1] >= 0xA0 {
				dst = append(dst, s[done:i]...)
				dst = append(dst, '\\', 'u', 'd', hex[s[i+1]>>2&0xF], hex[s[i+1]&3<<2|s[i+2]>>4&3], hex[s[i+2]&0xF])
				done = i + 3
				i += 2
			}
			continue
		}
		dst = appendEscape(append(dst, s[done:i]...), b)
		done = i + 1
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xF])
}
