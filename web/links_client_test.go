package web_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
)

func TestTheClientReadsByLinks(t *testing.T) {
	h := build(t, nil)
	name := h.wave()
	a, e := h.dial(ann, ""), h.dial(eve, "")
	link, err := a.Share(t.Context(), name, wavelet.Comment, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w, err := e.OpenLink(t.Context(), name, link.Token)
	if err != nil || !w.Expires().Equal(link.Expires) {
		t.Fatalf("opened until %v, %v", w, err)
	}
	if past, err := w.History(t.Context(), 0, 0); err != nil || len(past.Commits) != 1 {
		t.Errorf("history: %+v, %v", past, err)
	}
	other, err := a.Share(t.Context(), name, wavelet.Comment, 0)
	if err != nil {
		t.Fatal(err)
	}
	if until, err := w.Renew(t.Context(), other.Token); err != nil || !until.Equal(other.Expires) {
		t.Errorf("renewed until %s, %v", until, err)
	}
	if err := a.RevokeLink(t.Context(), name, link.ID); err != nil {
		t.Error(err)
	}
	if err := e.Join(t.Context(), name, other.Token); err != nil {
		t.Fatal(err)
	}
	if err := w.WaitFor(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if links, err := a.Links(t.Context(), name); err != nil || len(links) != 1 || len(links[0].Joined) != 1 {
		t.Errorf("links: %+v, %v", links, err)
	}
	reader, err := h.dial(bob, "").OpenLink(t.Context(), name, other.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RevokeLink(t.Context(), name, other.ID); err != nil {
		t.Fatal(err)
	}
	for range reader.Changes() {
	}
	if e, ok := errors.AsType[*client.Error](reader.Err()); !ok || e.Code != client.CodeForbidden {
		t.Errorf("bob's ended with %v", reader.Err())
	}
}

func TestTheClientRenewsItsLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		var renewed atomic.Int32
		c, err := client.Dial(t.Context(), h.url, client.Options{
			User: ann, HTTP: h.http, Token: loginToken(t, ann, 10*time.Second), Backoff: quick,
			Renew: func(context.Context) (string, error) {
				if renewed.Add(1) == 1 {
					return "", errors.New("the login service is away")
				}
				return loginToken(t, ann, 10*time.Minute), nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Minute)
		if s := c.Stats(); s.Connects != 1 || renewed.Load() != 4 {
			t.Errorf("%d connections, %d calls for a token", s.Connects, renewed.Load())
		}
		c.Close()
		h.close()
	})
}
