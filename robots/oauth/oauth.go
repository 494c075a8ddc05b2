// Package oauth signs requests and checks the signatures of others, as OAuth 1.0
// has it (RFC 5849): with HMAC-SHA1, and with the hash of the body among the
// parameters that are signed, for a body that is JSON is bound by nothing else.
//
// It holds the arithmetic alone. Who may call, which instants are near enough
// and which nonces were seen before is for the doors to decide.
//
// # Data model
//
// [Sign] makes the URL of an outbound request, with all that OAuth needs in its
// query. A [Request] is an inbound one, whose parameters the caller has gathered
// from the query, the Authorization header (without its realm) and a form body;
// its Verify says whether it was signed with given [Credentials]. Parameters are
// decoded; [BaseString] encodes them anew.
//
// Everything is a pure function of its arguments, except that a nonce is random.
package oauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parameters of a signed request.
const (
	ConsumerKey     = "oauth_consumer_key"
	Token           = "oauth_token"
	SignatureMethod = "oauth_signature_method"
	Signature       = "oauth_signature"
	Timestamp       = "oauth_timestamp"
	Nonce           = "oauth_nonce"
	Version         = "oauth_version"
	Hash            = "oauth_body_hash"
)

// HMACSHA1 is the only signature method that is spoken here.
const HMACSHA1 = "HMAC-SHA1"

// Why a request is not what its signer sent.
var (
	ErrMethod    = errors.New("oauth_signature_method is not " + HMACSHA1)
	ErrVersion   = errors.New("oauth_version is not 1.0")
	ErrTwice     = errors.New("an OAuth parameter is given twice")
	ErrHash      = errors.New("oauth_body_hash does not fit the body")
	ErrNoHash    = errors.New("oauth_body_hash is missing")
	ErrSignature = errors.New("oauth_signature does not fit the request")
)

// Credentials are what a request is signed with. Token and TokenSecret are empty
// where nobody but the consumer signs.
type Credentials struct {
	Key, Secret        string
	Token, TokenSecret string
}

// Sign returns rawURL with the parameters of OAuth behind those that its query
// has, among them the hash of body and the signature. At is now.
func Sign(method, rawURL string, body []byte, c Credentials, at time.Time) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", fmt.Errorf("sign a request: %w", err)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("sign a request: %w", err)
	}
	params.Set(ConsumerKey, c.Key)
	params.Set(SignatureMethod, HMACSHA1)
	params.Set(Timestamp, strconv.FormatInt(at.Unix(), 10))
	params.Set(Nonce, rand.Text())
	params.Set(Version, "1.0")
	params.Set(Hash, BodyHash(body))
	if c.Token != "" {
		params.Set(Token, c.Token)
	}
	params.Set(Signature, c.Signature(BaseString(method, Normal(rawURL), params)))
	u.RawQuery = params.Encode()
	return u.String(), nil
}

// Request is a request as it arrived.
type Request struct {
	Method string
	URL    string     // as its signer spells it, but for the query, which is not read
	Params url.Values // all of them, decoded, the signature among them
	Body   []byte     // nil for a form, whose fields are among Params
	Hashed bool       // the body must be hashed; else a hash that is absent is no error
}

// Verify returns nil if the request was signed with c. Whether Params name the
// key and the token of c is for the caller to see, who found c by them. A URL
// with its scheme's own port may have been signed with it or without.
func (r Request) Verify(c Credentials) error {
	for name, values := range r.Params {
		if strings.HasPrefix(name, "oauth_") && len(values) != 1 {
			return fmt.Errorf("%w: %q", ErrTwice, name)
		}
	}
	if r.Params.Get(SignatureMethod) != HMACSHA1 {
		return ErrMethod
	}
	if r.Params.Has(Version) && r.Params.Get(Version) != "1.0" {
		return ErrVersion
	}
	switch hash := r.Params.Get(Hash); {
	case hash == "" && r.Hashed:
		return ErrNoHash
	case hash != "" && !equal(hash, BodyHash(r.Body)):
		return ErrHash
	}
	given := r.Params.Get(Signature)
	spelt, _, _ := strings.Cut(r.URL, "?")
	if !equal(given, c.Signature(BaseString(r.Method, spelt, r.Params))) && !equal(given, c.Signature(BaseString(r.Method, Normal(r.URL), r.Params))) {
		return ErrSignature
	}
	return nil
}

// BaseString is the text that is signed. BaseURL goes in as it is, see [Normal];
// of params, all but the signature do.
func BaseString(method, baseURL string, params url.Values) string {
	var pairs [][2]string
	for name, values := range params {
		if name == Signature {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, [2]string{encode(name), encode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var list strings.Builder
	for i, p := range pairs {
		if i > 0 {
			list.WriteByte('&')
		}
		list.WriteString(p[0] + "=" + p[1])
	}
	return strings.ToUpper(method) + "&" + encode(baseURL) + "&" + encode(list.String())
}

// BodyHash is the hash of a body that is no form.
func BodyHash(body []byte) string {
	sum := sha1.Sum(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Normal is a URL as it is signed: without query and fragment, scheme and host
// in lower case, without the port that the scheme has anyhow, with a path. What
// is no URL comes back as it is.
func Normal(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch {
	case scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

// Signature is that of a base string.
func (c Credentials) Signature(base string) string {
	mac := hmac.New(sha1.New, []byte(encode(c.Secret)+"&"+encode(c.TokenSecret)))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// encode leaves letters, digits and - . _ ~ as they are and writes every other
// byte as % and two upper-case digits.
func encode(s string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("-._~", b) >= 0:
			out.WriteByte(b)
		default:
			out.Write([]byte{'%', hex[b>>4], hex[b&15]})
		}
	}
	return out.String()
}
