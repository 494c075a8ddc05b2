package richtext

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Attributes is an immutable map from key to JSON value: the formatting of text
// or the state of an embed. Values are canonical JSON and are replaced whole,
// never merged. The value null means that the key is to be removed; it occurs
// only on retains. The zero Attributes is empty.
type Attributes struct {
	set *[]attribute // in key order, never empty
}

type attribute struct{ key, value string }

const null = "null"

// NewAttributes returns the attributes in m. Values may be anything that
// encoding/json can encode, nil being null. It fails if a value cannot be
// encoded or if a key, in m or in an object among the values, is reserved.
func NewAttributes(m map[string]any) (Attributes, error) {
	list := make([]attribute, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := checkKey(key); err != nil {
			return Attributes{}, fmt.Errorf("attribute %q: %w", key, err)
		}
		value, err := encodeValue(m[key])
		if err != nil {
			return Attributes{}, fmt.Errorf("attribute %q: %w", key, err)
		}
		list = append(list, attribute{key, value})
	}
	return makeAttributes(list), nil
}

// Attr returns the attributes {key: value}. It is for keys and values written
// out in a program, and panics where [NewAttributes] would fail.
func Attr(key string, value any) Attributes {
	a, err := NewAttributes(map[string]any{key: value})
	if err != nil {
		panic("richtext: " + err.Error())
	}
	return a
}

// makeAttributes takes ownership of list, which is in key order.
func makeAttributes(list []attribute) Attributes {
	if len(list) == 0 {
		return Attributes{}
	}
	return Attributes{&list}
}

func (a Attributes) list() []attribute {
	if a.set == nil {
		return nil
	}
	return *a.set
}

func (a Attributes) find(key string) (int, bool) {
	return slices.BinarySearchFunc(a.list(), key, func(x attribute, key string) int {
		return strings.Compare(x.key, key)
	})
}

// Get returns the value of key as canonical JSON, and whether there is one.
func (a Attributes) Get(key string) (value string, ok bool) {
	if i, ok := a.find(key); ok {
		return a.list()[i].value, true
	}
	return "", false
}

// Text returns the value of key if it is a string, decoded.
func (a Attributes) Text(key string) (text string, ok bool) {
	value, _ := a.Get(key)
	if !strings.HasPrefix(value, `"`) {
		return "", false
	}
	if err := json.Unmarshal([]byte(value), &text); err != nil {
		return "", false
	}
	return text, true
}

// Len returns the number of keys.
func (a Attributes) Len() int { return len(a.list()) }

// IsZero reports whether there are no attributes.
func (a Attributes) IsZero() bool { return a.set == nil }

// All yields every key with its value as canonical JSON, in key order.
func (a Attributes) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, x := range a.list() {
			if !yield(x.key, x.value) {
				return
			}
		}
	}
}

// Equal reports whether a and b have the same keys and values.
func (a Attributes) Equal(b Attributes) bool {
	return a.set == b.set || a.set != nil && b.set != nil && slices.Equal(*a.set, *b.set)
}

// String returns the attributes as a JSON object.
func (a Attributes) String() string { return string(a.appendJSON(nil)) }

// withoutNulls returns a without the keys whose value is null.
func (a Attributes) withoutNulls() Attributes {
	isNull := func(x attribute) bool { return x.value == null }
	if !slices.ContainsFunc(a.list(), isNull) {
		return a
	}
	return makeAttributes(slices.DeleteFunc(slices.Clone(a.list()), isNull))
}

// hash returns a hash of all keys and values (FNV-1a).
func (a Attributes) hash() uint32 {
	h := uint32(2166136261)
	for _, x := range a.list() {
		for _, s := range [...]string{x.key, x.value} {
			for i := 0; i < len(s); i++ {
				h = (h ^ uint32(s[i])) * 16777619
			}
		}
	}
	return h
}
