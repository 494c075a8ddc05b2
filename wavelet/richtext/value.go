package richtext

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// reserved reports whether key may not be used: the empty key, and those that
// reach a browser's object prototypes.
func reserved(key string) bool {
	switch key {
	case "", "__proto__", "constructor", "prototype":
		return true
	}
	return false
}

// checkKey refuses keys that no decoder would accept.
func checkKey(key string) error {
	if reserved(key) {
		return refuse(ErrReserved, -1, "", "the key %q is reserved", key)
	}
	return nil
}

// encodeValue returns the canonical JSON of any value that encoding/json can
// encode.
func encodeValue(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	s := scanner{data: raw, op: -1, depth: maxDepth}
	return s.value("")
}

// value reads one JSON value and returns its canonical form: objects sorted by
// key, no white space, the shortest strings and numbers.
func (s *scanner) value(field string) (string, error) {
	s.peek()
	if word := s.literal(); word != "" {
		s.pos += len(word)
		return word, nil
	}
	if text := s.plainString(); text != "" {
		return text, nil
	}
	canonical, err := s.appendValue(nil, field, 0)
	return string(canonical), err
}

// plainString reads a string of printable ASCII without escapes and returns it
// with its quotes, as which it is canonical. It returns "" for anything else.
func (s *scanner) plainString() string {
	if s.peek() != '"' {
		return ""
	}
	for i := s.pos + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			text := string(s.data[s.pos : i+1])
			s.pos = i + 1
			return text
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return ""
		}
	}
	return ""
}

func (s *scanner) appendValue(dst []byte, field string, depth int) ([]byte, error) {
	switch c := s.peek(); {
	case c == '"':
		text, _, err := s.text(field)
		return appendString(dst, text), err
	case c == '{' || c == '[':
		if depth == s.depth {
			return nil, s.fail(ErrTooLarge, field, "a value is nested more than %d deep", s.depth)
		}
		if c == '{' {
			return s.appendObject(dst, field, depth+1)
		}
		return s.appendArray(dst, field, depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return s.number(dst, field)
	}
	if word := s.literal(); word != "" {
		s.pos += len(word)
		return append(dst, word...), nil
	}
	return nil, s.unexpected(field, "a value")
}

func (s *scanner) appendArray(dst []byte, field string, depth int) ([]byte, error) {
	s.pos++
	dst = append(dst, '[')
	if s.peek() == ']' {
		s.pos++
		return append(dst, ']'), nil
	}
	for {
		var err error
		if dst, err = s.appendValue(dst, field, depth); err != nil {
			return nil, err
		}
		switch s.peek() {
		case ',', ']':
			c := s.data[s.pos]
			dst = append(dst, c)
			if s.pos++; c == ']' {
				return dst, nil
			}
		default:
			return nil, s.fail(ErrSyntax, field, "expected a comma or the end of an array")
		}
	}
}

func (s *scanner) appendObject(dst []byte, field string, depth int) ([]byte, error) {
	var list []attribute
	err := s.members("an object", func(key string) error {
		if reserved(key) {
			return s.fail(ErrReserved, field, "the key %q is reserved", key)
		}
		value, err := s.appendValue(nil, field, depth)
		list = append(list, attribute{key, string(value)})
		return err
	})
	if err != nil {
		return nil, err
	}
	if key, twice := sortAttributes(list); twice {
		return nil, s.fail(ErrDuplicate, field, "the key %q occurs twice", key)
	}
	return makeAttributes(list).appendJSON(dst), nil
}

// sortAttributes sorts list by key and returns a key that occurs twice, if any.
func sortAttributes(list []attribute) (key string, twice bool) {
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(list); i++ {
		if list[i].key == list[i-1].key {
			return list[i].key, true
		}
	}
	return "", false
}
