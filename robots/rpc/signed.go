package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/admission/bounds"
	"weir/robots/oauth"
	"weir/robots/wire"
)

// Bounds of what is read of a signed request.
const (
	maxParams = 200 // parameters of query, header and form together
	maxNonce  = 255
)

// operationsField is the field that holds the operations of a request that is
// a form.
const operationsField = "operations"

// problem is why a whole request is turned away.
type problem struct {
	status       int
	code, reason string
}

func (p *problem) Error() string { return p.reason }

func badSignature(format string, args ...any) *problem {
	return &problem{http.StatusUnauthorized, "bad_signature", fmt.Sprintf(format, args...)}
}

// verifier checks signed requests.
type verifier struct {
	publicURL string // "": as each request's Host says
	nonces    *Nonces
	now       func() time.Time
}

// signed is a request that carries the parameters of OAuth.
type signed struct {
	method string
	urls   []string   // as its signer may spell them
	params url.Values // of query, header and form
	form   bool       // the body was a form
	body   []byte     // of a request that is no form
}

// isSigned reports whether a request carries the parameters of OAuth in its
// header, its query, or perhaps in a form.
func isSigned(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "OAuth") || strings.Contains(r.URL.RawQuery, "oauth_") || isForm(r)
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// read gathers a request and the parameters of OAuth, wherever they are. A form
// without any is a body like another: some clients send JSON under that type.
//
// What query and header say is looked at before the body is read: the timestamp,
// and by known whether anybody bears the names that are given. If they say
// nothing of a thing, a form may.
func (v verifier) read(w http.ResponseWriter, r *http.Request, known func(params url.Values) *problem) (signed, *problem) {
	s := signed{method: r.Method, urls: v.urls(r)}
	var err error
	if s.params, err = parseQuery(r.URL.RawQuery); err != nil {
		return s, unread(w, badSignature("the query cannot be read: %v", err))
	}
	header, err := headerParams(r.Header.Get("Authorization"))
	if err != nil {
		return s, unread(w, badSignature("the Authorization field cannot be read: %v", err))
	}
	s.add(header)
	if s.params.Has(oauth.Timestamp) {
		if wrong := v.timely(s.params.Get(oauth.Timestamp)); wrong != nil {
			return s, unread(w, wrong)
		}
	}
	if wrong := known(s.params); wrong != nil {
		return s, unread(w, wrong)
	}
	if s.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody)); err != nil {
		return s, unreadable(err)
	}
	if isForm(r) && !looksLikeJSON(s.body) {
		form, err := parseQuery(string(s.body))
		if err != nil {
			return s, badSignature("the form cannot be read: %v", err)
		}
		s.form, s.body = true, nil
		s.add(form)
	}
	n := 0
	for _, values := range s.params {
		n += len(values)
	}
	if n > maxParams {
		return s, badSignature("%d parameters, at most %d", n, maxParams)
	}
	return s, nil
}

// add takes up more parameters.
func (s *signed) add(more url.Values) {
	for name, values := range more {
		s.params[name] = append(s.params[name], values...)
	}
}

// unread is a problem that is told without the body having been read, and
// without waiting for it.
func unread(w http.ResponseWriter, wrong *problem) *problem {
	w.Header().Set("Connection", "close")
	return wrong
}

// unreadable is the problem of a body that did not come as a whole.
func unreadable(err error) *problem {
	switch {
	case errors.Is(err, bounds.ErrFull):
		return &problem{http.StatusServiceUnavailable, "unavailable", "the server has no room for so long a request now; send it again later, or in parts"}
	case errors.Is(err, bounds.ErrSlow):
		return &problem{http.StatusRequestTimeout, "too_slow", "the request came too slowly; send it faster, or in parts"}
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &problem{http.StatusRequestEntityTooLarge, "too_large", "the request is longer than 1 MiB; send it in parts"}
	}
	return &problem{http.StatusBadRequest, "bad_request", "the request ends early"}
}

// looksLikeJSON reports whether a body begins like a list or an object.
func looksLikeJSON(body []byte) bool {
	text := strings.TrimSpace(string(body[:min(len(body), 64)]))
	return strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
}

// parseQuery reads a query or a form of at most maxParams fields.
func parseQuery(raw string) (url.Values, error) {
	if n := strings.Count(raw, "&"); n >= maxParams {
		return nil, fmt.Errorf("%d parameters, at most %d", n+1, maxParams)
	}
	return url.ParseQuery(raw)
}

// operations is the part of the request that says what is to be done.
func (s signed) operations() []byte {
	if s.form {
		return []byte(s.params.Get(operationsField))
	}
	return s.body
}

// urls is the address that a request was sent to, as its signer may spell it:
// behind a proxy only the configured one is known to be that.
func (v verifier) urls(r *http.Request) []string {
	base := v.publicURL
	if base == "" {
		base = "http://" + r.Host
		if r.TLS != nil {
			base = "https://" + r.Host
		}
	}
	target := strings.TrimSuffix(base, "/") + r.URL.EscapedPath()
	list := []string{target}
	if u, err := url.Parse(target); err == nil && u.Port() == "" && u.Host != "" {
		port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
		u.Host += port
		list = append(list, u.String())
	}
	return list
}

// verify returns nil if the request was signed with c just now. Hashed says that
// its body must be. Whether it came before is for once to say.
func (v verifier) verify(s signed, c oauth.Credentials, hashed bool) *problem {
	if wrong := v.timely(s.params.Get(oauth.Timestamp)); wrong != nil {
		return wrong
	}
	nonce := s.params.Get(oauth.Nonce)
	if nonce == "" || len(nonce) > maxNonce {
		return badSignature("oauth_nonce has to have 1 to %d bytes", maxNonce)
	}
	var err error
	for _, target := range s.urls {
		r := oauth.Request{Method: s.method, URL: target, Params: s.params, Body: s.body, Hashed: hashed && !s.form}
		if err = r.Verify(c); !errors.Is(err, oauth.ErrSignature) {
			break
		}
	}
	if errors.Is(err, oauth.ErrSignature) {
		return badSignature("%v; it is expected over %s", err, s.urls[0])
	}
	if err != nil {
		return badSignature("%v", err)
	}
	return nil
}

// timely returns nil for the timestamp of a request that was signed just now.
func (v verifier) timely(stamp string) *problem {
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || at <= 0 {
		return badSignature("oauth_timestamp is not a number of seconds since 1970")
	}
	now := v.now().Unix()
	if off := at - now; off > window || off < -window {
		return badSignature("oauth_timestamp is %d s off; here it is %d, and %d s are allowed", off, now, window)
	}
	return nil
}

// once returns nil for a request that was verified and never came before.
func (v verifier) once(ctx context.Context, s signed, c oauth.Credentials) *problem {
	at, _ := strconv.ParseInt(s.params.Get(oauth.Timestamp), 10, 64)
	first, err := v.nonces.first(ctx, c.Key+"\x00"+c.Token, at, v.now().Unix(), s.params.Get(oauth.Nonce))
	switch {
	case err != nil:
		return &problem{http.StatusServiceUnavailable, "unavailable", "the server could not note that the request came; sign it anew and try again"}
	case !first:
		return badSignature("a request with this oauth_nonce and oauth_timestamp came before, or may have before the server last started; sign it anew")
	}
	return nil
}

// headerParams reads the parameters of an Authorization field, without the
// realm; none, if it is of another scheme.
func headerParams(field string) (url.Values, error) {
	params := url.Values{}
	scheme, rest, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return params, nil
	}
	for n := 0; ; n++ {
		if rest = strings.TrimLeft(rest, ", \t"); rest == "" {
			return params, nil
		}
		name, after, ok := strings.Cut(rest, `="`)
		value, behind, closed := strings.Cut(after, `"`)
		if !ok || !closed || n > maxParams {
			return nil, fmt.Errorf("want name=\"value\", at most %d times", maxParams)
		}
		rest = behind
		key, err := url.PathUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.PathUnescape(value); err != nil {
			return nil, err
		}
		if !strings.EqualFold(key, "realm") {
			params.Add(key, value)
		}
	}
}
