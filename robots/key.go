package robots

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// keyPrefix starts every robot key, so that one is recognised where it should
// not be.
const keyPrefix = "wr_"

// keyBytes is the length of what is random in a key.
const keyBytes = 32

// keyHash is the SHA-256 of a key.
type keyHash [sha256.Size]byte

// newKey makes a key of 256 random bits.
func newKey() (string, keyHash) {
	random := make([]byte, keyBytes)
	rand.Read(random) // never fails
	key := keyPrefix + base64.RawURLEncoding.EncodeToString(random)
	return key, hashKey(key)
}

func hashKey(key string) keyHash { return sha256.Sum256([]byte(key)) }

// looksLikeKey reports whether a text can be a key at all.
func looksLikeKey(key string) bool {
	return strings.HasPrefix(key, keyPrefix) && len(key) == len(keyPrefix)+base64.RawURLEncoding.EncodedLen(keyBytes)
}

func (h keyHash) equal(other keyHash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// MarshalText writes the hash in hexadecimal.
func (h keyHash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText reads what MarshalText writes.
func (h *keyHash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text[:min(len(text), 2*len(h))]); err != nil || n != len(h) || len(text) != 2*len(h) {
		return fmt.Errorf("a key hash is %d hexadecimal digits", 2*len(h))
	}
	return nil
}

// Bearer is the key or login token that a request carries as a bearer token, ""
// if it carries none.
func Bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
