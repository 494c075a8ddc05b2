package robots_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/events"
	"weir/policies"
	"weir/robots"
	"weir/robots/oauth"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
)

// sealed opens a directory whose keys are kept in the vault of a key; "" for
// none.
func sealed(t testing.TB, kv robots.KV, key string) (*robots.Directory, error) {
	t.Helper()
	o := robots.Options{Domain: "example.com", Profiles: func() policies.Set { return policies.Builtin() }, Guard: wire.Guard{Allow: wire.Loopback()}}
	if key != "" {
		var err error
		if o.Vault, err = vault.New([]byte(strings.Repeat(key, vault.MinKey))); err != nil {
			t.Fatal(err)
		}
	}
	d, err := robots.Open(context.Background(), kv, o)
	if err == nil {
		t.Cleanup(d.Close)
	}
	return d, err
}

func TestAKeyIsKeptSealed(t *testing.T) {
	s := store.NewMemory()
	kv := bucket(t, s)
	d, err := sealed(t, kv, "a")
	if err != nil {
		t.Fatal(err)
	}
	robot, key := register(t, d, robots.Registration{Address: echo})
	for _, name := range []string{"echo@example.com", "google.com:echo@example.com", "echo%40example.com", "google.com:echo%40example.com"} {
		if r, secret, err := d.Consumer(name); err != nil || secret != key || r.Address != robot.Address {
			t.Errorf("%s signs with %q, %v", name, secret, err)
		}
	}
	for _, name := range []string{"", "google.com:", "other@example.com", "echo@example.com ", "%zz"} {
		if _, _, err := d.Consumer(name); codeOf(t, err) != robots.CodeBadKey {
			t.Errorf("%q: %v", name, err)
		}
	}
	for r, err := range s.Scan("robot", nil, nil) {
		if err != nil || strings.Contains(string(r.Value), key[3:]) {
			t.Errorf("stored: %s, %v", r.Value, err)
		}
	}
	_, second, err := d.RotateKey(t.Context(), echo)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = sealed(t, kv, "a"); err != nil {
		t.Fatal(err)
	}
	if _, secret, err := d.Consumer(string(echo)); err != nil || secret != second {
		t.Errorf("after a restart it signs with %q, %v; want %q", secret, err, second)
	}
	if _, err := sealed(t, kv, "b"); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("opened with another key: %v", err)
	}
}

// TestBundlesAreSignedWithTheKey delivers, rotates the key and delivers again.
func TestBundlesAreSignedWithTheKey(t *testing.T) {
	signed := make(chan oauth.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>7</version><capability name="DOCUMENT_CHANGED"/></robot>`)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		signed <- oauth.Request{Method: r.Method, URL: "http://" + r.Host + r.URL.Path, Params: r.URL.Query(), Body: body, Hashed: true}
	}))
	defer server.Close()
	d, err := sealed(t, bucket(t, store.NewMemory()), "a")
	if err != nil {
		t.Fatal(err)
	}
	_, key := register(t, d, robots.Registration{Address: echo, Callback: server.URL})
	state := wavelet.NewState(wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"})
	for range 2 {
		robot, _, _ := d.InService(echo)
		b := events.Bundle{Seat: wavelet.Seat{Wavelet: state.Name(), Robot: echo}, State: state, Events: []events.Event{{Type: events.WaveletSelfAdded}}}
		if _, err := robot.Receive(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		r := <-signed
		if err := r.Verify(oauth.Credentials{Key: string(echo), Secret: key}); err != nil || r.Params.Get(oauth.ConsumerKey) != string(echo) {
			t.Errorf("%v: %v", r.Params, err)
		}
		if _, key, err = d.RotateKey(t.Context(), echo); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAKeyOfBeforeTheVault takes over a robot of which only a hash is kept.
func TestAKeyOfBeforeTheVault(t *testing.T) {
	kv := bucket(t, store.NewMemory())
	d, err := sealed(t, kv, "")
	if err != nil {
		t.Fatal(err)
	}
	_, key := register(t, d, robots.Registration{Address: echo})
	if d, err = sealed(t, kv, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(key); err != nil {
		t.Errorf("the key opens no more: %v", err)
	}
	if _, _, err := d.Consumer(string(echo)); codeOf(t, err) != robots.CodeBadKey || !strings.Contains(err.Error(), "rotate-key "+string(echo)) {
		t.Errorf("it signs: %v", err)
	}
	if r, _ := d.Get(echo); !r.Unsigned {
		t.Error("nothing says that it has no signatures")
	}
	if _, _, err := d.RotateKey(t.Context(), echo); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Consumer(string(echo)); err != nil {
		t.Errorf("with a new key it does not sign: %v", err)
	}
	if r, _ := d.Get(echo); r.Unsigned {
		t.Error("it is still said to have no signatures")
	}
}
