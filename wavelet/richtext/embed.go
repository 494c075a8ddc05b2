package richtext

import (
	"encoding/json"
	"fmt"
)

// Embed is an object inside the text, one unit long: a type key and a JSON value
// that identifies it, as in {"image":"https://example.com/a.png"}. It never
// changes; what may change about the object belongs in attributes. The zero
// Embed is none.
type Embed struct {
	v *embedValue
}

type embedValue struct{ key, value string }

// NewEmbed returns the embed {key: value}. The value may be anything that
// encoding/json can encode. It fails if it cannot be encoded, holds a reserved
// key, or if key itself is reserved.
func NewEmbed(key string, value any) (Embed, error) {
	if err := checkKey(key); err != nil {
		return Embed{}, fmt.Errorf("embed %q: %w", key, err)
	}
	canonical, err := encodeValue(value)
	if err != nil {
		return Embed{}, fmt.Errorf("embed %q: %w", key, err)
	}
	return makeEmbed(key, canonical), nil
}

func makeEmbed(key, value string) Embed { return Embed{&embedValue{key, value}} }

// Key returns the embed's type, such as "image"; "" for the zero Embed.
func (e Embed) Key() string {
	if e.v == nil {
		return ""
	}
	return e.v.key
}

// Value returns the embed's value as canonical JSON; "" for the zero Embed.
func (e Embed) Value() string {
	if e.v == nil {
		return ""
	}
	return e.v.value
}

// Decode stores the embed's value in what into points to, as encoding/json does.
func (e Embed) Decode(into any) error {
	if err := json.Unmarshal([]byte(e.Value()), into); err != nil {
		return fmt.Errorf("embed %q: %w", e.Key(), err)
	}
	return nil
}

// IsZero reports whether there is no embed.
func (e Embed) IsZero() bool { return e.v == nil }

// Equal reports whether two embeds have the same type and value.
func (e Embed) Equal(f Embed) bool {
	if e.v == f.v {
		return true
	}
	return e.v != nil && f.v != nil && *e.v == *f.v
}
