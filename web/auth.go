package web

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"weir/admission/blocks"
	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// LoginKey verifies login tokens. HS256 takes a secret of at least 32 bytes,
// EdDSA an Ed25519 public key of 32.
type LoginKey struct {
	ID        string // the "kid" of the tokens it verifies; "" verifies any, and a token without one is tried with every key
	Algorithm string // HS256 or EdDSA
	Key       []byte
}

// AuthOptions say who is let in. With no keys and no DevLogin nobody is.
type AuthOptions struct {
	Keys     []LoginKey
	Issuer   string // required of a token if set
	Audience string // required of a token if set
	// DevLogin lets a person in by name alone, from a loopback address to a
	// loopback host. It is for one machine, never for a network.
	DevLogin bool
	// AdminToken opens the operators' API as a bearer token; "" closes it.
	AdminToken string
	// Operator is the one person whom the operators' token lets in too, so that
	// an operator can try the server without an account. Nobody else can log in
	// as Operator; "" is no person.
	Operator wavelet.Participant
	// NotPeople tells the addresses that cannot log in as persons: robots and
	// the server's own.
	NotPeople func(wavelet.Participant) bool
	// Blocked tells who is not let in, and why; nil: nobody is kept out.
	Blocked func(wavelet.Participant) (blocks.Block, bool)
	// Since tells from when on a person's login tokens count; nil, or zero, is
	// always. One without an "iat" is as old as can be.
	Since func(wavelet.Participant) time.Time
}

// Authenticator decides who a request comes from. It is immutable and safe for
// concurrent use.
type Authenticator struct {
	o      AuthOptions
	parser *jwt.Parser
	admin  [sha256.Size]byte
}

// Login is a person who has proved who they are, until then if it is set.
type Login struct {
	User  wavelet.Participant
	Until time.Time
	At    time.Time // when they began to
}

// NewAuthenticator checks the keys.
func NewAuthenticator(o AuthOptions) (*Authenticator, error) {
	for _, k := range o.Keys {
		switch {
		case k.Algorithm == "HS256" && len(k.Key) < 32:
			return nil, fmt.Errorf("login key %q: an HS256 secret needs at least 32 bytes, this has %d", k.ID, len(k.Key))
		case k.Algorithm == "EdDSA" && len(k.Key) != ed25519.PublicKeySize:
			return nil, fmt.Errorf("login key %q: an Ed25519 public key has 32 bytes, this has %d", k.ID, len(k.Key))
		case k.Algorithm != "HS256" && k.Algorithm != "EdDSA":
			return nil, fmt.Errorf("login key %q: algorithm %q is neither HS256 nor EdDSA", k.ID, k.Algorithm)
		}
	}
	options := []jwt.ParserOption{jwt.WithValidMethods([]string{"HS256", "EdDSA"}), jwt.WithExpirationRequired()}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	if o.NotPeople == nil {
		o.NotPeople = func(wavelet.Participant) bool { return false }
	}
	if o.Blocked == nil {
		o.Blocked = func(wavelet.Participant) (blocks.Block, bool) { return blocks.Block{}, false }
	}
	if o.Since == nil {
		o.Since = func(wavelet.Participant) time.Time { return time.Time{} }
	}
	return &Authenticator{o: o, parser: jwt.NewParser(options...), admin: sha256.Sum256([]byte(o.AdminToken))}, nil
}

// Login checks a claim to be user, with a token or, where names are enough,
// without; the operators' token is good for Operator. From is the request that
// makes the claim; it may be nil if there is a token.
func (a *Authenticator) Login(from *http.Request, user wavelet.Participant, token string) (Login, error) {
	login := Login{User: user, At: time.Now()}
	operator := a.o.Operator != "" && a.isAdmin(token)
	switch {
	case token != "":
		var err error
		if operator {
			login.User = a.o.Operator
		} else if login.User, login.Until, err = a.verify(token); err != nil {
			return Login{}, err
		}
		if user != "" && user != login.User {
			return Login{}, refuse(client.CodeUnauthorized, "unauthorized", "user", "the token was made out to somebody else", "log in as the token's subject")
		}
	case !a.o.DevLogin:
		return Login{}, refuse(client.CodeUnauthorized, "unauthorized", "token", "a login token is required", "send a signed login token")
	case !local(from):
		return Login{}, refuse(client.CodeUnauthorized, "unauthorized", "token", "a name alone is enough only on the server's own machine", "send a signed login token")
	}
	if err := login.User.Check(); err != nil {
		return Login{}, refuse(client.CodeBadField, "bad_field", "user", err.Error(), "use an address like ann@example.com")
	}
	if login.User == a.o.Operator && !operator {
		return Login{}, refuse(client.CodeNotAPerson, "not_a_person", "user", string(login.User)+" is the operators' own", "log in as yourself")
	}
	if b, ok := a.o.Blocked(login.User); ok {
		return Login{}, blockedRefusal(b)
	}
	if a.o.NotPeople(login.User) || a.o.NotPeople(login.User.Robot()) {
		return Login{}, refuse(client.CodeNotAPerson, "not_a_person", "user", string(login.User)+" is a program's address", "programs use a robot key")
	}
	return login, nil
}

// Token checks a login token alone.
func (a *Authenticator) Token(token string) (Login, error) {
	if token == "" {
		return Login{}, refuse(client.CodeUnauthorized, "unauthorized", "token", "a login token is required", "send a signed login token")
	}
	return a.Login(nil, "", token)
}

// Revoked reports whether a login is void because the person's tokens were
// revoked since.
func (a *Authenticator) Revoked(l Login) bool { return l.At.Before(a.o.Since(l.User)) }

// verify reads a login token: whose it is, and until when it is good.
func (a *Authenticator) verify(token string) (wavelet.Participant, time.Time, error) {
	var claims jwt.RegisteredClaims
	_, err := a.parser.ParseWithClaims(token, &claims, a.key)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", time.Time{}, refuse(client.CodeExpired, "expired", "token", "the login token has expired", "get a new one")
	case err != nil:
		return "", time.Time{}, refuse(client.CodeUnauthorized, "unauthorized", "token", "the login token is not valid", "get a new one")
	}
	user := wavelet.Participant(claims.Subject)
	if since := a.o.Since(user); !since.IsZero() && (claims.IssuedAt == nil || claims.IssuedAt.Before(since)) {
		return "", time.Time{}, refuse(client.CodeExpired, "revoked", "token", "the login token was revoked", "get a new one")
	}
	return user, claims.ExpiresAt.Time, nil
}

// key finds the keys that may have signed a token. A key is only ever used
// with its own algorithm.
func (a *Authenticator) key(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	var set jwt.VerificationKeySet
	for _, k := range a.o.Keys {
		if k.Algorithm != t.Method.Alg() || k.ID != "" && kid != "" && k.ID != kid {
			continue
		}
		if k.Algorithm == "EdDSA" {
			set.Keys = append(set.Keys, ed25519.PublicKey(k.Key))
		} else {
			set.Keys = append(set.Keys, k.Key)
		}
	}
	if len(set.Keys) == 0 {
		return nil, fmt.Errorf("no key %q for %s", kid, t.Method.Alg())
	}
	return set, nil
}

// Person tells which person a REST request comes from: a bearer login token,
// or the Weir-User header where names are enough.
func (a *Authenticator) Person(r *http.Request) (Login, error) {
	user, token := r.Header.Get("Weir-User"), robots.Bearer(r)
	if user == "" && token == "" {
		return Login{}, refuse(client.CodeUnauthorized, "unauthorized", "Authorization", "this is for people who have logged in", "send a login token as a bearer token")
	}
	return a.Login(r, wavelet.Participant(user), token)
}

// Claim tells which person a request comes from: by a name and a token that she
// gave, as in a form, or, without either, as Person does.
func (a *Authenticator) Claim(r *http.Request, user wavelet.Participant, token string) (wavelet.Participant, error) {
	if user == "" && token == "" {
		login, err := a.Person(r)
		return login.User, err
	}
	login, err := a.Login(r, user, token)
	return login.User, err
}

// Admin reports whether a request carries the operators' token.
func (a *Authenticator) Admin(r *http.Request) bool { return a.isAdmin(robots.Bearer(r)) }

func (a *Authenticator) isAdmin(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return a.o.AdminToken != "" && subtle.ConstantTimeCompare(sum[:], a.admin[:]) == 1
}

// local reports whether a request comes from this machine and was addressed to
// it by a loopback name, which a page of another site that points its own
// domain at 127.0.0.1 cannot fake.
func local(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
