package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"weir/robots/vault"
)

func open(t testing.TB, key string) *vault.Vault {
	t.Helper()
	v, err := vault.New([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestASecretOpensForItsOwnerAlone(t *testing.T) {
	v, other := open(t, strings.Repeat("k", 32)), open(t, strings.Repeat("o", 40))
	for _, secret := range []string{"", "wr_secret", strings.Repeat("long ", 1000)} {
		sealed := v.Seal("echo@example.com", secret)
		if !vault.Sealed(sealed) || secret != "" && strings.Contains(sealed, secret) {
			t.Errorf("sealed as %q", sealed)
		}
		if got, err := v.Open("echo@example.com", sealed); err != nil || got != secret {
			t.Errorf("opens as %q, %v", got, err)
		}
		if sealed == v.Seal("echo@example.com", secret) {
			t.Error("sealed twice alike")
		}
		for name, open := range map[string]func() (string, error){
			"another owner": func() (string, error) { return v.Open("spelly@example.com", sealed) },
			"another key":   func() (string, error) { return other.Open("echo@example.com", sealed) },
			"cut off":       func() (string, error) { return v.Open("echo@example.com", sealed[:len(sealed)-2]) },
			"plain":         func() (string, error) { return v.Open("echo@example.com", secret) },
			"empty":         func() (string, error) { return v.Open("echo@example.com", "sealed1:") },
		} {
			if got, err := open(); !errors.Is(err, vault.ErrSealed) || got != "" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	if _, err := vault.New(make([]byte, vault.MinKey-1)); !errors.Is(err, vault.ErrKey) {
		t.Errorf("a short key: %v", err)
	}
	key := []byte(strings.Repeat("k", 32))
	v := open(t, string(key))
	a, b := v.Derive("a"), v.Derive("b")
	if len(a) != 32 || bytes.Equal(a, b) || !bytes.Equal(a, open(t, string(key)).Derive("a")) {
		t.Errorf("derived %x and %x", a, b)
	}
}

func FuzzOpen(f *testing.F) {
	v := open(f, strings.Repeat("k", 32))
	f.Add("echo@example.com", v.Seal("echo@example.com", "secret"))
	f.Add("", "sealed1:AAAA")
	f.Fuzz(func(t *testing.T, owner, sealed string) {
		if secret, err := v.Open(owner, sealed); err == nil && (owner != "echo@example.com" || secret != "secret") {
			t.Errorf("%q opens for %q", sealed, owner)
		}
	})
}
