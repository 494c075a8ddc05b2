package oauth_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"weir/robots/oauth"
)

// query reads parameters.
func query(t testing.TB, raw string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSignaturesOfTheStandard checks the signed requests that RFC 5849 shows in
// its section 1.2, and a base string with the traps of its section 3.4.1.1.
func TestSignaturesOfTheStandard(t *testing.T) {
	consumer := oauth.Credentials{Key: "dpf43f3p2l4k3l03", Secret: "kd94hf93k423kf44"}
	withToken := consumer
	withToken.Token, withToken.TokenSecret = "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"
	for _, tt := range []struct {
		method, url, params string
		c                   oauth.Credentials
	}{
		{"POST", "https://photos.example.net/initiate", "oauth_consumer_key=dpf43f3p2l4k3l03&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131200" +
			"&oauth_nonce=wIjqoS&oauth_callback=http%3A%2F%2Fprinter.example.com%2Fready&oauth_signature=74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D", consumer},
		{"GET", "http://photos.example.net/photos", "file=vacation.jpg&size=original&oauth_consumer_key=dpf43f3p2l4k3l03&oauth_token=nnch734d00sl2jdk" +
			"&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131202&oauth_nonce=chapoH&oauth_signature=MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D", withToken},
	} {
		r := oauth.Request{Method: tt.method, URL: tt.url, Params: query(t, tt.params)}
		if err := r.Verify(tt.c); err != nil {
			t.Errorf("%s: %v", tt.url, err)
		}
		if err := r.Verify(oauth.Credentials{Key: tt.c.Key, Secret: "another"}); !errors.Is(err, oauth.ErrSignature) {
			t.Errorf("%s with another secret: %v", tt.url, err)
		}
	}
	got := oauth.BaseString("post", "http://example.com/request", query(t, "b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2&a3=2+q&oauth_token=kkk9d7dh3k39sjv7&oauth_signature=x"))
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("base string is\n%s, want\n%s", got, want)
	}
	if got := oauth.BodyHash([]byte("Hello World!")); got != "Lve95gjOVATpfV8EL5X4nxwjKHE=" {
		t.Errorf("body hash is %s", got)
	}
}

// arrived is a signed URL as a server sees it.
func arrived(t testing.TB, signed string, body []byte) oauth.Request {
	t.Helper()
	base, raw, _ := strings.Cut(signed, "?")
	return oauth.Request{Method: "POST", URL: base, Params: query(t, raw), Body: body, Hashed: true}
}

func TestWhatWasSignedIsVerified(t *testing.T) {
	c := oauth.Credentials{Key: "echo@example.com", Secret: "a secret & more"}
	body := []byte(`[{"method":"robot.notify","id":"1","params":{}}]`)
	at := time.Unix(1_700_000_000, 0)
	for _, target := range []string{
		"http://127.0.0.1:8080/_wave/robot/jsonrpc",
		"https://Robots.Example.COM:443/a%20b/é?x=1+2&y=%26",
		"http://example.com:80/rpc",
		"http://[::1]:9000",
	} {
		signed, err := oauth.Sign("POST", target, body, c, at)
		if err != nil {
			t.Fatal(err)
		}
		r := arrived(t, signed, body)
		if err := r.Verify(c); err != nil {
			t.Errorf("%s: %v", signed, err)
		}
		if r.Params.Get(oauth.ConsumerKey) != c.Key || r.Params.Get(oauth.Timestamp) != "1700000000" || r.Params.Has(oauth.Token) {
			t.Errorf("%s lacks a parameter", signed)
		}
		again, err := oauth.Sign("POST", target, body, c, at)
		if err != nil || again == signed {
			t.Errorf("a request has the nonce of another one: %s, %v", again, err)
		}
	}
	if _, err := oauth.Sign("POST", "http://a b/", nil, c, at); err == nil {
		t.Error("what is no URL is signed")
	}
}

// TestWhatWasChangedIsRefused changes one thing at a time of a signed request.
func TestWhatWasChangedIsRefused(t *testing.T) {
	c := oauth.Credentials{Key: "k", Secret: "s", Token: "t", TokenSecret: "ts"}
	body := []byte("[]")
	signed, err := oauth.Sign("POST", "http://example.com/rpc", body, c, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*oauth.Request)
		want   error
	}{
		"nothing":         {func(*oauth.Request) {}, nil},
		"explicit port":   {func(r *oauth.Request) { r.URL = "http://EXAMPLE.com:80/rpc?a=b" }, nil},
		"body":            {func(r *oauth.Request) { r.Body = []byte("[ ]") }, oauth.ErrHash},
		"method":          {func(r *oauth.Request) { r.Method = "GET" }, oauth.ErrSignature},
		"host":            {func(r *oauth.Request) { r.URL = "http://example.org/rpc" }, oauth.ErrSignature},
		"scheme":          {func(r *oauth.Request) { r.URL = "https://example.com/rpc" }, oauth.ErrSignature},
		"timestamp":       {func(r *oauth.Request) { r.Params.Set(oauth.Timestamp, "2") }, oauth.ErrSignature},
		"one more":        {func(r *oauth.Request) { r.Params.Set("more", "") }, oauth.ErrSignature},
		"no hash":         {func(r *oauth.Request) { r.Params.Del(oauth.Hash) }, oauth.ErrNoHash},
		"hash not needed": {func(r *oauth.Request) { r.Params.Del(oauth.Hash); r.Hashed = false }, oauth.ErrSignature},
		"no signature":    {func(r *oauth.Request) { r.Params.Del(oauth.Signature) }, oauth.ErrSignature},
		"plain text":      {func(r *oauth.Request) { r.Params.Set(oauth.SignatureMethod, "PLAINTEXT") }, oauth.ErrMethod},
		"version":         {func(r *oauth.Request) { r.Params.Set(oauth.Version, "2.0") }, oauth.ErrVersion},
		"nonce twice":     {func(r *oauth.Request) { r.Params.Add(oauth.Nonce, "x") }, oauth.ErrTwice},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := arrived(t, signed, body)
			tt.change(&r)
			if err := r.Verify(c); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
		})
	}
}

// TestAURLMayBeSignedAsItIsSpelt takes a signature over the scheme's own port,
// which some clients keep.
func TestAURLMayBeSignedAsItIsSpelt(t *testing.T) {
	c := oauth.Credentials{Key: "k", Secret: "s"}
	const spelt = "http://example.com:80/rpc"
	params := url.Values{oauth.ConsumerKey: {"k"}, oauth.SignatureMethod: {oauth.HMACSHA1}}
	params.Set(oauth.Signature, c.Signature(oauth.BaseString("POST", spelt, params)))
	r := oauth.Request{Method: "POST", URL: spelt, Params: params}
	if err := r.Verify(c); err != nil {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("POST", "http://example.com/", "oauth_nonce=1&a=b", []byte("x"))
	f.Add("", "://", "%zz", []byte(nil))
	f.Fuzz(func(t *testing.T, method, target, raw string, body []byte) {
		params, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		c := oauth.Credentials{Key: "k", Secret: "s"}
		r := oauth.Request{Method: method, URL: target, Params: params, Body: body}
		if r.Verify(c) == nil && params.Get(oauth.Signature) != c.Signature(oauth.BaseString(method, strings.Split(target, "?")[0], params)) &&
			params.Get(oauth.Signature) != c.Signature(oauth.BaseString(method, oauth.Normal(target), params)) {
			t.Error("a signature that is not ours fits")
		}
	})
}
