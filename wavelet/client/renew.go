package client

import (
	"context"
	"errors"
	"time"
)

// loginToken is the token to log in with. A new one is asked for if the last
// was refused as expired.
func (c *Client) loginToken(ctx context.Context) (string, error) {
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token != "" || c.o.Renew == nil {
		return token, nil
	}
	token, err := c.o.Renew(ctx)
	if err == nil {
		c.setToken(token)
	}
	return token, err
}

func (c *Client) setToken(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
}

// renewable reports whether a refusal is one that a new token may lift, and if
// so forgets the old one.
func (c *Client) renewable(err error) bool {
	var refusal *Error
	if c.o.Renew == nil || !errors.As(err, &refusal) || refusal.Code != CodeExpired {
		return false
	}
	c.setToken("")
	return true
}

// renewLogin keeps the login of a link from expiring: a minute before it does,
// or when four fifths of its time are over, it asks for a new token and sends
// it, and again in what is left if that fails. Ahead is how far this clock is
// before the server's.
func (c *Client) renewLogin(l *link, expires time.Time, ahead time.Duration) {
	for !expires.IsZero() {
		left := time.Until(expires.Add(ahead))
		if left < time.Second {
			return // the server closes the socket, and the next one needs a new token
		}
		select {
		case <-time.After(left - min(time.Minute, left/5)):
		case <-l.done:
			return
		}
		token, err := c.o.Renew(l.ctx)
		var ok RefreshOK
		if err == nil {
			err = c.ask(l.ctx, Request{Op: OpRefresh, Token: token}, &ok)
		}
		if err != nil {
			c.o.Logger.Warn("login not renewed", "error", err)
			continue
		}
		c.setToken(token)
		expires = ok.Expires
	}
}
