package grants

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

// MaxCallback is the length of a callback URL that is accepted.
const MaxCallback = 1000

// maxRequest is the length of a request token that is worth reading.
const maxRequest = 4 << 10

// ErrCallback says that a callback is no place to send a person to.
var ErrCallback = errors.New("oauth_callback has to be an http or https URL, or oob")

// Request is what a request token says.
type Request struct {
	Program  string    `json:"p"`          // its consumer key
	Callback string    `json:"c,omitzero"` // as the program named it, "oob" for none to go to; "": it did not say
	Expires  time.Time `json:"e"`
	Nonce    string    `json:"n"`
	Secret   string    `json:"-"`
}

// sealer signs request tokens.
type sealer struct{ key []byte }

// mac is a signature over a purpose and a text.
func (s sealer) mac(purpose, text string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// CheckCallback reports whether people can be sent to a callback.
func CheckCallback(callback string) error {
	u, err := url.Parse(callback)
	if callback == "" || callback == "oob" {
		return nil
	}
	if err != nil || len(callback) > MaxCallback || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ErrCallback
	}
	return nil
}

// NewRequest makes a request token for a program. The callback is the one that
// the program named, "" if it named none.
func (b *Book) NewRequest(program, callback string) (Token, error) {
	if err := CheckCallback(callback); err != nil {
		return Token{}, err
	}
	text, err := json.Marshal(Request{Program: program, Callback: callback, Expires: b.now().Add(requestLife).UTC(), Nonce: rand.Text()})
	if err != nil {
		return Token{}, err
	}
	payload := "wq_" + base64.RawURLEncoding.EncodeToString(text)
	token := payload + "." + b.sealer.mac("token", payload)
	return Token{Key: token, Secret: b.sealer.mac("secret", token)}, nil
}

// Request reads a request token, or returns ErrToken.
func (b *Book) Request(token string) (Request, error) {
	payload, sum, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxRequest || !hmac.Equal([]byte(sum), []byte(b.sealer.mac("token", payload))) {
		return Request{}, ErrToken
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(payload, "wq_"))
	if err != nil {
		return Request{}, ErrToken
	}
	var r Request
	if err := json.Unmarshal(text, &r); err != nil || !b.now().Before(r.Expires) {
		return Request{}, ErrToken
	}
	r.Secret = b.sealer.mac("secret", token)
	return r, nil
}
