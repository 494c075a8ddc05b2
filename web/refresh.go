package web

import (
	"math"
	"time"

	"weir/wavelet/client"
)

// watchLogin closes the socket when its login ends: when the token expires, or
// at once if it was revoked while the socket came up. Stop ends the watch.
func (k *socket) watchLogin() (stop func() bool) {
	k.expiry = time.AfterFunc(math.MaxInt64, func() {
		k.close(&disconnect{client.CloseLoginExpired, "the login token has expired"})
	})
	k.goodUntil(k.login.Until)
	if k.server.d.Auth.Revoked(k.login) {
		k.close(loginRevoked)
	}
	return k.expiry.Stop
}

// goodUntil moves the end of the login; zero is never.
func (k *socket) goodUntil(t time.Time) {
	k.login.Until = t
	if t.IsZero() {
		k.expiry.Stop()
	} else {
		k.expiry.Reset(time.Until(t))
	}
}

// refresh takes a new login token of the same person. One that is refused
// leaves the socket as it was.
func (k *socket) refresh(r client.Request) *client.Error {
	login, err := k.server.d.Auth.Token(r.Token)
	if err == nil && login.User != k.login.User {
		err = refuse(client.CodeUnauthorized, "unauthorized", "token", "the token was made out to somebody else", "renew with a token of "+string(k.login.User))
	}
	if err != nil {
		e := *k.server.toError(err)
		e.Field = "token"
		return &e
	}
	k.goodUntil(login.Until)
	k.reply(r.ID, client.RefreshOK{Expires: login.Until}, nil)
	return nil
}

// loginRevoked closes the sockets of a person whose tokens are void.
var loginRevoked = &disconnect{client.CloseLoginExpired, "the login was revoked"}
