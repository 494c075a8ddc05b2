package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"weir/governor"
	"weir/wavelet"
)

// signer makes and reads the tokens of bundles. A token says which bundle was
// sent to which seat, when, at which version and with what lineage. It is base64
// of JSON, a dot, and base64 of an HMAC-SHA256 over what stands before the dot.
type signer struct{ secret []byte }

// claim is what a token says.
type claim struct {
	Bundle  governor.Delivery `json:"b"`
	Version wavelet.Version   `json:"v"`
}

// maxToken is the length of a token that is worth reading: one with all parts a
// bundle can have is shorter.
const maxToken = 16 << 10

func (s signer) sign(c claim) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("gateway: a claim does not encode: " + err.Error())
	}
	payload := base64.RawURLEncoding.EncodeToString(text)
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.mac(payload))
}

// open reads a token; false if it is not one that sign made.
func (s signer) open(token string) (claim, bool) {
	payload, sum, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxToken {
		return claim{}, false
	}
	mac, err := base64.RawURLEncoding.DecodeString(sum)
	if err != nil || !hmac.Equal(mac, s.mac(payload)) {
		return claim{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return claim{}, false
	}
	var c claim
	if json.Unmarshal(text, &c) != nil {
		return claim{}, false
	}
	return c, true
}

// seed is the Seed of a bundle.
func (s signer) seed(bundle string) string {
	return base64.RawURLEncoding.EncodeToString(s.mac("seed " + bundle))
}

func (s signer) mac(payload string) []byte {
	h := hmac.New(sha256.New, s.secret)
	h.Write([]byte(payload))
	return h.Sum(nil)
}
