// Package vault seals secrets that have to be read again, such as the keys that
// requests are signed with, so that whoever gets hold of the data alone, a
// backup or a disk, has none of them.
//
// # Data model
//
// A [Vault] is made of one key, which is kept apart from the data. A sealed
// secret is text, safe in JSON: a format, and in base64 a random nonce and what
// AES-256-GCM makes of the secret. Each is sealed about something, the name of
// its owner; it opens for that one only, so that nobody who can write the data
// gives one robot the secret of another.
//
// A Vault is immutable and safe for concurrent use.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// MinKey is how many bytes a key needs at least.
const MinKey = 32

// Errors of this package.
var (
	// ErrKey says that a key is too short.
	ErrKey = errors.New("the key is too short")
	// ErrSealed says that a text was not sealed with this key about this owner, or
	// not sealed at all.
	ErrSealed = errors.New("sealed with another key, or damaged")
)

// format begins every sealed secret.
const format = "sealed1:"

// Vault seals and opens.
type Vault struct {
	aead cipher.AEAD
	key  []byte
}

// New makes a vault of a key, which should be random; ErrKey if it is shorter
// than MinKey.
func New(key []byte) (*Vault, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("%w: it has %d bytes and needs %d", ErrKey, len(key), MinKey)
	}
	v := &Vault{key: append([]byte(nil), key...)}
	block, err := aes.NewCipher(v.Derive("seal"))
	if err != nil {
		return nil, err
	}
	v.aead, err = cipher.NewGCMWithRandomNonce(block)
	return v, err
}

// Seal makes a secret unreadable, for its owner to have it opened.
func (v *Vault) Seal(owner, secret string) string {
	return format + base64.RawURLEncoding.EncodeToString(v.aead.Seal(nil, nil, []byte(secret), []byte(owner)))
}

// Open is the secret that was sealed about owner, or ErrSealed.
func (v *Vault) Open(owner, sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, format)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", ErrSealed
	}
	secret, err := v.aead.Open(nil, nil, raw, []byte(owner))
	if err != nil {
		return "", ErrSealed
	}
	return string(secret), nil
}

// Sealed reports whether a text looks like what Seal gives, by whatever key.
func Sealed(text string) bool { return strings.HasPrefix(text, format) }

// Derive is a key of 32 bytes for one purpose, always the same, from which
// neither the vault's own nor that for another purpose can be told.
func (v *Vault) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, v.key, nil, "weir "+purpose, 32)
	if err != nil {
		panic("vault: " + err.Error()) // only for lengths beyond 255 hashes
	}
	return key
}
