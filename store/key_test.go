package store_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"weir/store"
)

func TestKey(t *testing.T) {
	key := store.Key(1, 1<<63|2)
	if got := fmt.Sprintf("%x", key); got != "00000000000000018000000000000002" {
		t.Errorf("key is %s", got)
	}
	if store.KeyPart(key, 0) != 1 || store.KeyPart(key, 1) != 1<<63|2 {
		t.Errorf("parts are %d and %d", store.KeyPart(key, 0), store.KeyPart(key, 1))
	}
}

func TestKeyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]uint64{0, 1, 255, 256, math.MaxUint64 - 1, math.MaxUint64})
		a, b := [2]uint64{part.Draw(t, "a0"), part.Draw(t, "a1")}, [2]uint64{part.Draw(t, "b0"), part.Draw(t, "b1")}
		less := a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
		if got := bytes.Compare(store.Key(a[:]...), store.Key(b[:]...)) < 0; got != less {
			t.Fatalf("key of %d before key of %d: %t, want %t", a, b, got, less)
		}
	})
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{
		"a":               "b",
		"ab":              "ac",
		"a\xff":           "b",
		"a\xff\xff":       "b",
		"a\xffb":          "a\xffc",
		"\x00":            "\x01",
		"\xff":            "",
		"\xff\xff":        "",
		"":                "",
		"wavelet\x00\xfe": "wavelet\x00\xff",
	} {
		given := []byte(prefix)
		got := store.PrefixEnd(given)
		if string(got) != want || (got == nil) != (want == "") {
			t.Errorf("prefix %q ends at %q, want %q", prefix, got, want)
		}
		if string(given) != prefix {
			t.Errorf("prefix %q was changed to %q", prefix, given)
		}
	}
}
