package client

import (
	"context"
	"fmt"
	"time"

	"weir/wavelet"
)

// Share makes a link to a wavelet that lasts so long, 0 for the server's usual.
// Whoever has its token may read the wavelet, and join it if the role is more
// than read.
func (c *Client) Share(ctx context.Context, name wavelet.Name, role wavelet.Role, life time.Duration) (ShareLink, error) {
	var link ShareLink
	err := c.Call(ctx, "link.create", on(name, map[string]any{"role": role.String(), "expires_in": int64(life / time.Second)}), &link)
	return link, err
}

// Links is a wavelet's links, newest first, without their tokens.
func (c *Client) Links(ctx context.Context, name wavelet.Name) ([]ShareLink, error) {
	var ok ShareLinks
	err := c.Call(ctx, "link.list", on(name, map[string]any{}), &ok)
	return ok.Links, err
}

// RevokeLink ends a link, and what is read by it, at once.
func (c *Client) RevokeLink(ctx context.Context, name wavelet.Name, id string) error {
	return c.Call(ctx, "link.revoke", on(name, map[string]any{"id": id}), nil)
}

// Join makes the user a participant, with the role of a link whose token is
// given.
func (c *Client) Join(ctx context.Context, name wavelet.Name, link string) error {
	return c.Call(ctx, "link.join", on(name, map[string]any{"link": link}), nil)
}

// OpenLink is Open for somebody who does not take part: it reads by the token
// of a link, until that expires or is revoked.
func (c *Client) OpenLink(ctx context.Context, name wavelet.Name, link string) (*Wavelet, error) {
	return c.openBy(ctx, name, link)
}

// Renew goes on reading under another link, or the same, and tells until when.
// One that is refused changes nothing.
func (w *Wavelet) Renew(ctx context.Context, link string) (time.Time, error) {
	var ok RefreshOK
	if err := w.c.ask(ctx, Request{Op: OpSubRefresh, Wave: w.name.Wave, Wavelet: w.name.Wavelet, Link: link}, &ok); err != nil {
		return time.Time{}, fmt.Errorf("renew %s: %w", w.name, err)
	}
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.link, w.expires = link, ok.Expires
	return ok.Expires, nil
}

// Expires is when the link does that the wavelet is read by; zero for a
// participant.
func (w *Wavelet) Expires() time.Time {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.expires
}
