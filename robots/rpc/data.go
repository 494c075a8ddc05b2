package rpc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"weir/gateway"
	"weir/robots"
	"weir/robots/grants"
	"weir/robots/oauth"
	"weir/wavelet"
)

// Login tells which person a request comes from: by what the request carries, or
// by the name and the token that she typed into a page.
type Login func(r *http.Request, user wavelet.Participant, token string) (wavelet.Participant, error)

// DataPath is where the data API is.
const DataPath = "/robot/dataapi"

// allTokens is the page on which a person gets all tokens at once, to paste them
// into a program that cannot go through the steps itself.
const allTokens = "/oauth/OAuthGetAllTokens"

// anonymous is the consumer key, and the secret, of programs that are not
// registered.
const anonymous = "anonymous"

// Data serves the data API: programs that write in the name of a person who has
// allowed it.
type Data struct {
	door   *Handler
	grants *grants.Book
	login  Login
	mux    *http.ServeMux
}

// Data is the door, beside the active API's, of programs with grants of b.
func (h *Handler) Data(b *grants.Book, login Login) *Data {
	d := &Data{door: h, grants: b, login: login, mux: http.NewServeMux()}
	d.mux.HandleFunc("POST "+DataPath, d.call)
	d.mux.HandleFunc("POST "+DataPath+"/rpc", d.call)
	for _, method := range []string{"GET ", "POST "} { // clients use either; both are signed
		d.mux.HandleFunc(method+DataPath+"/oauth/OAuthGetRequestToken", d.requestToken)
		d.mux.HandleFunc(method+DataPath+"/oauth/OAuthGetAccessToken", d.accessToken)
	}
	d.mux.HandleFunc("GET "+DataPath+"/oauth/OAuthAuthorizeToken", d.ask)
	d.mux.HandleFunc("POST "+DataPath+"/oauth/OAuthAuthorizeToken", d.answer)
	d.mux.HandleFunc("GET "+DataPath+allTokens, d.askForAll)
	d.mux.HandleFunc("POST "+DataPath+allTokens, d.answer)
	return d
}

// ServeHTTP answers everything below DataPath.
func (d *Data) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// call answers operations. Clients of the data API do not hash the body; if they
// do, the hash has to fit.
func (d *Data) call(w http.ResponseWriter, r *http.Request) {
	s, wrong := d.door.verifier.read(w, r, d.known)
	if wrong != nil {
		d.door.deny(w, wrong)
		return
	}
	grant, secret, err := d.grants.Find(s.params.Get(oauth.Token))
	if err != nil {
		wrong = notGranted(err)
	} else {
		wrong = d.verify(r.Context(), s, grant.Program, grants.Token{Key: s.params.Get(oauth.Token), Secret: secret})
	}
	if wrong == nil {
		wrong = d.door.blocked(grant.Person)
	}
	if wrong != nil {
		d.door.deny(w, wrong)
		return
	}
	d.door.serve(w, r, caller{id: robots.ProgramsOf(grant.Person), via: gateway.ViaData, person: grant.Person}, append([]byte{}, s.operations()...))
}

// verify checks that a request was signed by a program with a token.
func (d *Data) verify(ctx context.Context, s signed, program string, t grants.Token) *problem {
	c, wrong := d.consumer(s.params)
	if wrong != nil {
		return wrong
	}
	if c.Key != program {
		return &problem{http.StatusUnauthorized, "bad_token", "the token was given to another program"}
	}
	c.Token, c.TokenSecret = t.Key, t.Secret
	if wrong = d.door.verifier.verify(s, c, false); wrong == nil {
		wrong = d.door.verifier.once(ctx, s, c)
	}
	return wrong
}

// consumer is the program that a request names: a registered robot, or one that
// is not registered.
func (d *Data) consumer(params url.Values) (oauth.Credentials, *problem) {
	name := params.Get(oauth.ConsumerKey)
	if name == anonymous {
		return oauth.Credentials{Key: anonymous, Secret: anonymous}, nil
	}
	robot, secret, err := d.door.directory.Consumer(name)
	if err != nil {
		return oauth.Credentials{}, &problem{http.StatusUnauthorized, "bad_key", err.Error() + "; a program that is no robot is " + anonymous}
	}
	if wrong := d.door.blocked(robot.Address); wrong != nil {
		return oauth.Credentials{}, wrong
	}
	if robot.Suspended {
		return oauth.Credentials{}, suspended()
	}
	return oauth.Credentials{Key: string(robot.Address), Secret: secret}, nil
}

// known refuses a program that nobody knows, before more of its request is read.
func (d *Data) known(params url.Values) *problem {
	if !params.Has(oauth.ConsumerKey) {
		return nil
	}
	_, wrong := d.consumer(params)
	return wrong
}

// requestToken gives a program a token that a person may consent to. Nothing is
// kept of it, so a request that comes twice does no harm.
func (d *Data) requestToken(w http.ResponseWriter, r *http.Request) {
	s, wrong := d.door.verifier.read(w, r, d.known)
	var c oauth.Credentials
	if wrong == nil {
		if c, wrong = d.consumer(s.params); wrong == nil {
			wrong = d.door.verifier.verify(s, c, false)
		}
	}
	if wrong != nil {
		d.door.deny(w, wrong)
		return
	}
	t, err := d.grants.NewRequest(c.Key, s.params.Get("oauth_callback"))
	if err != nil {
		d.door.deny(w, &problem{http.StatusBadRequest, "bad_callback", err.Error()})
		return
	}
	writeToken(w, t, url.Values{"oauth_callback_confirmed": {"true"}})
}

// accessToken exchanges a token that a person consented to.
func (d *Data) accessToken(w http.ResponseWriter, r *http.Request) {
	s, wrong := d.door.verifier.read(w, r, d.known)
	if wrong != nil {
		d.door.deny(w, wrong)
		return
	}
	token := s.params.Get(oauth.Token)
	request, err := d.grants.Request(token)
	if err != nil {
		notGranted(err).write(w)
		return
	}
	if wrong := d.verify(r.Context(), s, request.Program, grants.Token{Key: token, Secret: request.Secret}); wrong != nil {
		d.door.deny(w, wrong)
		return
	}
	t, grant, err := d.grants.Exchange(r.Context(), token, s.params.Get("oauth_verifier"))
	if err != nil {
		notGranted(err).write(w)
		return
	}
	d.granted(grant)
	writeToken(w, t, nil)
}

func (d *Data) granted(g grants.Grant) {
	d.door.log.Info("access granted", "person", g.Person, "program", g.Program, "grant", g.ID)
}

// notGranted is the problem of a token that opens nothing.
func notGranted(err error) *problem {
	for _, known := range []error{grants.ErrToken, grants.ErrConsent, grants.ErrVerifier} {
		if errors.Is(err, known) {
			return &problem{http.StatusUnauthorized, "bad_token", err.Error()}
		}
	}
	return &problem{http.StatusServiceUnavailable, "unavailable", "the server could not do it; try again"}
}

// writeToken answers with a token, as a form.
func writeToken(w http.ResponseWriter, t grants.Token, more url.Values) {
	form := url.Values{oauth.Token: {t.Key}, "oauth_token_secret": {t.Secret}}
	for name, values := range more {
		form[name] = values
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(form.Encode())) // the client is gone; nobody is left to tell
}
