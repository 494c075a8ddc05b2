package web_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/web"
)

const loginSecret = "a secret of thirty-two bytes or more"

// sign makes a login token.
func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoginTokens(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := web.NewAuthenticator(web.AuthOptions{
		Keys: []web.LoginKey{
			{ID: "h", Algorithm: "HS256", Key: []byte(loginSecret)},
			{ID: "e", Algorithm: "EdDSA", Key: public},
		},
		Issuer:    "https://login.example.com",
		NotPeople: func(p wavelet.Participant) bool { return p == "echo@example.com" },
	})
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte(loginSecret)
	good := func(change ...string) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "ann@example.com", "iss": "https://login.example.com", "exp": time.Now().Add(time.Hour).Unix()}
		if len(change) == 2 {
			c[change[0]] = change[1]
		}
		return c
	}
	late := good()
	late["exp"] = time.Now().Add(-time.Minute).Unix()
	endless := good()
	delete(endless, "exp")
	tests := []struct {
		name, user, token string
		code              int // 0: let in
	}{
		{"HS256", "ann@example.com", sign(t, jwt.SigningMethodHS256, secret, "h", good()), 0},
		{"EdDSA", "ann@example.com", sign(t, jwt.SigningMethodEdDSA, private, "e", good()), 0},
		{"the token names the user", "", sign(t, jwt.SigningMethodHS256, secret, "h", good()), 0},
		{"somebody else's token", "bob@example.com", sign(t, jwt.SigningMethodHS256, secret, "h", good()), client.CodeUnauthorized},
		{"expired", "ann@example.com", sign(t, jwt.SigningMethodHS256, secret, "h", late), client.CodeExpired},
		{"no expiry", "ann@example.com", sign(t, jwt.SigningMethodHS256, secret, "h", endless), client.CodeUnauthorized},
		{"another issuer", "ann@example.com", sign(t, jwt.SigningMethodHS256, secret, "h", good("iss", "x")), client.CodeUnauthorized},
		{"another secret", "ann@example.com", sign(t, jwt.SigningMethodHS256, []byte("wrong"), "h", good()), client.CodeUnauthorized},
		{"unknown key", "ann@example.com", sign(t, jwt.SigningMethodHS256, secret, "x", good()), client.CodeUnauthorized},
		// The public key is no secret: it must not be taken for one.
		{"public key as secret", "ann@example.com", sign(t, jwt.SigningMethodHS256, []byte(public), "e", good()), client.CodeUnauthorized},
		{"unsigned", "ann@example.com", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "h", good()), client.CodeUnauthorized},
		{"a robot", "", sign(t, jwt.SigningMethodHS256, secret, "h", good("sub", "echo@example.com")), client.CodeNotAPerson},
		{"a robot's alias", "", sign(t, jwt.SigningMethodHS256, secret, "h", good("sub", "echo+ann@example.com")), client.CodeNotAPerson},
		{"no address", "", sign(t, jwt.SigningMethodHS256, secret, "h", good("sub", "ann")), client.CodeBadField},
		{"nothing", "ann@example.com", "", client.CodeUnauthorized},
		{"noise", "ann@example.com", "a.b.c", client.CodeUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			login, err := auth.Login(httptest.NewRequest("POST", "/connect", nil), wavelet.Participant(test.user), test.token)
			if test.code == 0 {
				if err != nil || login.User != ann || login.Until.IsZero() {
					t.Fatalf("Login = %+v, %v; want ann let in for a time", login, err)
				}
				return
			}
			e, ok := err.(*client.Error)
			if !ok || e.Code != test.code {
				t.Fatalf("error %v, want code %d", err, test.code)
			}
		})
	}
}

func TestNamesAloneAreForLoopback(t *testing.T) {
	auth, err := web.NewAuthenticator(web.AuthOptions{DevLogin: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		remote, host string
		in           bool
	}{
		{"127.0.0.1:4000", "127.0.0.1:8080", true},
		{"[::1]:4000", "localhost:8080", true},
		{"[::1]:4000", "[::1]:8080", true},
		{"192.0.2.7:4000", "127.0.0.1:8080", false},
		{"192.0.2.7:4000", "example.com", false},
		{"127.0.0.1:4000", "rebound.example.com:8080", false},
	} {
		r := httptest.NewRequest("POST", "/connect", nil)
		r.RemoteAddr, r.Host = test.remote, test.host
		if _, err := auth.Login(r, ann, ""); (err == nil) != test.in {
			t.Errorf("from %s to %s: %v, want in = %v", test.remote, test.host, err, test.in)
		}
	}
}

func TestTheOperatorsPerson(t *testing.T) {
	const drill, admin = wavelet.Participant("drill@example.com"), "the operators' token"
	auth, err := web.NewAuthenticator(web.AuthOptions{
		Keys:     []web.LoginKey{{Algorithm: "HS256", Key: []byte(loginSecret)}},
		DevLogin: true, AdminToken: admin, Operator: drill,
	})
	if err != nil {
		t.Fatal(err)
	}
	none, err := web.NewAuthenticator(web.AuthOptions{AdminToken: admin})
	if err != nil {
		t.Fatal(err)
	}
	signed := sign(t, jwt.SigningMethodHS256, []byte(loginSecret), "", jwt.MapClaims{"sub": string(drill), "exp": time.Now().Add(time.Hour).Unix()})
	for _, test := range []struct {
		name  string
		auth  *web.Authenticator
		user  wavelet.Participant
		token string
		code  int // 0: let in as drill
	}{
		{"the operators' token", auth, drill, admin, 0},
		{"it names the person too", auth, "", admin, 0},
		{"it is good for nobody else", auth, ann, admin, client.CodeUnauthorized},
		{"a name alone", auth, drill, "", client.CodeNotAPerson},
		{"a login token", auth, drill, signed, client.CodeNotAPerson},
		{"no such person", none, drill, admin, client.CodeUnauthorized},
	} {
		r := httptest.NewRequest("POST", "/connect", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:4000", "127.0.0.1:8080"
		login, err := test.auth.Login(r, test.user, test.token)
		if test.code == 0 {
			if err != nil || login.User != drill {
				t.Errorf("%s: Login = %+v, %v; want %s let in", test.name, login, err, drill)
			}
			continue
		}
		if e, ok := err.(*client.Error); !ok || e.Code != test.code {
			t.Errorf("%s: error %v, want code %d", test.name, err, test.code)
		}
	}
}

func TestBadKeysAreRefusedAtTheStart(t *testing.T) {
	for _, key := range []web.LoginKey{
		{Algorithm: "HS256", Key: []byte("short")},
		{Algorithm: "EdDSA", Key: []byte("not 32 bytes")},
		{Algorithm: "RS256", Key: []byte(loginSecret)},
	} {
		if _, err := web.NewAuthenticator(web.AuthOptions{Keys: []web.LoginKey{key}}); err == nil {
			t.Errorf("a key of %d bytes for %s was taken", len(key.Key), key.Algorithm)
		}
	}
}

func TestTicketsAreSpentOnce(t *testing.T) {
	h := build(t, nil)
	ticket := h.ticket(ann)
	for i, want := range []int{101, 401} {
		if got := upgrade(t, h, ticket); got != want {
			t.Errorf("use %d of a ticket: status %d, want %d", i+1, got, want)
		}
	}
	fresh := h.ticket(ann)
	forged := fresh[:len(fresh)-4] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, fresh[len(fresh)-4:])
	for _, bad := range []string{"", "x", forged, strings.Repeat("A", 90)} {
		if got := upgrade(t, h, bad); got != 401 {
			t.Errorf("ticket %q: status %d, want 401", bad, got)
		}
	}
}

// upgrade tries a ticket and gives the status.
func upgrade(t *testing.T, h *house, ticket string) int {
	t.Helper()
	status, err := dialStatus(t, h, ticket, "")
	if err != nil && status == 0 {
		t.Fatal(err)
	}
	return status
}

func TestConnectRefusesStrictly(t *testing.T) {
	h := build(t, nil)
	if _, _, err := h.directory.Register(t.Context(), registration("echo")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		body   string
		status int
		code   int
	}{
		{`{"user":"ann@example.com"}`, 200, 0},
		{``, 400, client.CodeMalformed},
		{`[]`, 400, client.CodeMalformed},
		{`{}`, 400, client.CodeMissingField},
		{`{"User":"ann@example.com"}`, 400, client.CodeUnknownField},
		{`{"user":"ann@example.com","user":"bob@example.com"}`, 400, client.CodeMalformed},
		{`{"user":7}`, 400, client.CodeBadField},
		{`{"user":"ann"}`, 400, client.CodeBadField},
		{`{"user":"echo@example.com"}`, 403, client.CodeNotAPerson},
		{`{"user":"ann@example.com","token":"x"}`, 401, client.CodeUnauthorized},
		{`{"user":"` + strings.Repeat("a", 2<<20) + `"}`, 400, client.CodeMalformed},
	} {
		status, _, answer := h.rest("", "POST", "/connect", test.body)
		if status != test.status || test.code != 0 && !strings.Contains(answer, fmt.Sprintf(`"code":%d`, test.code)) {
			t.Errorf("POST /connect %.60s: %d %s, want %d with code %d", test.body, status, answer, test.status, test.code)
		}
	}
}
