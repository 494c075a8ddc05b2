package rpc

import (
	"context"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"

	"weir/robots/grants"
	"weir/robots/oauth"
	"weir/wavelet"
)

//go:embed consent.html
var consentPage string

// maxForm bounds what the page sends, in bytes.
const maxForm = 64 << 10

// consent is what the page shows: the question, or, with Done, how it ended.
type consent struct {
	Program  string
	Unknown  bool // the program is not registered
	Token    string
	Callback string              // where to go afterwards, "" if nowhere
	Person   wavelet.Participant // who is known to ask, "" if nobody is yet
	Problem  string              // why the last answer was not taken
	Done     bool
	Agreed   bool
	Verifier string // to be typed into the program, "" if none is asked for
}

// ask shows the page on which a person consents, or not. It changes nothing.
func (d *Data) ask(w http.ResponseWriter, r *http.Request) {
	c, ok := d.question(w, r.URL.Query())
	if !ok {
		return
	}
	if who, err := d.login(r, "", ""); err == nil {
		c.Person = who
	}
	c.write(w, http.StatusOK)
}

// askForAll shows the page to a person who comes for all tokens at once.
func (d *Data) askForAll(w http.ResponseWriter, r *http.Request) {
	t, err := d.grants.NewRequest(anonymous, "oob")
	if err != nil {
		notGranted(err).write(w)
		return
	}
	c := consent{Program: anonymous, Unknown: true, Token: t.Key}
	if who, err := d.login(r, "", ""); err == nil {
		c.Person = who
	}
	c.write(w, http.StatusOK)
}

// all exchanges a token at once, and is what the person pastes into the program:
// request token, access token and its secret, in base64.
func (d *Data) all(ctx context.Context, c consent) (string, error) {
	t, grant, err := d.grants.Exchange(ctx, c.Token, c.Verifier)
	if err != nil {
		return "", err
	}
	d.granted(grant)
	return base64.StdEncoding.EncodeToString([]byte(c.Token + " " + t.Key + " " + t.Secret)), nil
}

// answer takes what a person says: that she agrees, or that she does not. Who
// she is she proves with the same form.
func (d *Data) answer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		unreadable(err).write(w)
		return
	}
	c, ok := d.question(w, r.PostForm)
	if !ok {
		return
	}
	c.Done = true
	if r.PostForm.Get("answer") != "agree" {
		c.leave(w, r, url.Values{oauth.Token: {c.Token}, "denied": {c.Token}})
		return
	}
	who, err := d.login(r, wavelet.Participant(r.PostForm.Get("user")), r.PostForm.Get("login"))
	if err == nil && who.Robot() != who {
		err = &problem{http.StatusForbidden, "no_access", "an address with + or # cannot let programs in"}
	}
	if err != nil {
		c.Done, c.Problem = false, err.Error()
		c.write(w, http.StatusForbidden)
		return
	}
	if c.Verifier, err = d.grants.Approve(c.Token, who); err != nil {
		notGranted(err).write(w)
		return
	}
	c.Person, c.Agreed = who, true
	if r.URL.Path == DataPath+allTokens {
		if c.Verifier, err = d.all(r.Context(), c); err != nil {
			notGranted(err).write(w)
			return
		}
		c.write(w, http.StatusOK)
		return
	}
	back := url.Values{oauth.Token: {c.Token}}
	if c.Verifier != "" {
		back.Set("oauth_verifier", c.Verifier)
	}
	c.leave(w, r, back)
}

// question is what a request token asks. If it is none, that has been answered.
func (d *Data) question(w http.ResponseWriter, from url.Values) (consent, bool) {
	token := from.Get(oauth.Token)
	request, err := d.grants.Request(token)
	if err != nil {
		notGranted(err).write(w)
		return consent{}, false
	}
	c := consent{Program: request.Program, Unknown: request.Program == anonymous, Token: token, Callback: request.Callback}
	if c.Callback == "" { // a program of the time before it was named with the request
		c.Callback = from.Get("oauth_callback")
		if err := grants.CheckCallback(c.Callback); err != nil {
			(&problem{http.StatusBadRequest, "bad_callback", err.Error()}).write(w)
			return consent{}, false
		}
	}
	if c.Callback == "oob" {
		c.Callback = ""
	}
	return c, true
}

// leave sends the person back to the program, or tells her to go there.
func (c consent) leave(w http.ResponseWriter, r *http.Request, with url.Values) {
	u, err := url.Parse(c.Callback)
	if c.Callback == "" || err != nil {
		c.write(w, http.StatusOK)
		return
	}
	query := u.Query()
	for name, values := range with {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// write shows the page. It may send its form here, and from there to the
// program's callback, and do nothing else.
func (c consent) write(w http.ResponseWriter, status int) {
	to := "'self'"
	if u, err := url.Parse(c.Callback); err == nil && u.Host != "" {
		to += " " + u.Scheme + "://" + u.Host
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action "+to)
	w.WriteHeader(status)
	_ = template.Must(template.New("consent").Parse(consentPage)).Execute(w, c) // the client is gone
}
