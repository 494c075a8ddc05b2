package web_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"weir/wavelet/client"
)

// seen is what the API tells of who is connected.
type seen struct {
	Sockets []struct {
		ID, User, Address                      string
		Since                                  time.Time
		Wavelets, QueueBytes                   int
		FramesIn, BytesIn, FramesOut, BytesOut int
	}
	Robots []struct {
		Robot           string
		Active, Maximum int
	}
	Next string
	Open struct{ Connections, Maximum, Sockets, Users int }
}

func (h *house) connections(query string) (all seen) {
	h.t.Helper()
	status, _, text := h.rest("admin", http.MethodGet, "/api/v1/connections?"+query, "")
	if err := json.Unmarshal([]byte(text), &all); err != nil || status != http.StatusOK {
		h.t.Fatalf("%d: %s", status, text)
	}
	return all
}

// TestOperatorsSeeAndCloseConnections page by page, by person and by address.
func TestOperatorsSeeAndCloseConnections(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	first := h.raw(ann)
	first.say(`{"id":2,"op":"subscribe","wave":"` + name.Wave + `","wavelet":"` + name.Wavelet + `"}`)
	first.hear()
	second, other := h.raw(ann), h.raw(bob)

	all := h.connections("")
	if len(all.Sockets) != 3 || all.Open.Sockets != 3 || all.Open.Users != 2 || all.Open.Connections < 3 || all.Open.Maximum != 20_000 || all.Next != "" {
		t.Fatalf("%+v", all)
	}
	k := all.Sockets[0]
	if k.User != string(ann) || k.Address != "127.0.0.1" || k.Since.IsZero() || k.Wavelets != 1 || k.FramesIn != 2 || k.BytesIn < 60 || k.QueueBytes != 0 {
		t.Errorf("%+v", k)
	}
	until(t, "what was written is counted", func() bool {
		k := h.connections("").Sockets[0]
		return k.FramesOut == 2 && k.BytesOut > 100
	})
	page := h.connections("limit=2")
	rest := h.connections("limit=2&cursor=" + page.Next)
	if len(page.Sockets) != 2 || len(rest.Sockets) != 1 || rest.Next != "" || rest.Sockets[0].ID != all.Sockets[2].ID {
		t.Errorf("pages of two: %+v, %+v", page, rest)
	}
	for query, want := range map[string]int{
		"user=ann@example.com": 2, "user=eve@example.com": 0, "address=127.0.0.0/8": 3, "address=127.0.0.1": 3, "address=192.0.2.1": 0, "address=::ffff:127.0.0.1": 3,
		"user=bob@example.com&address=127.0.0.1": 1,
	} {
		if got := len(h.connections(query).Sockets); got != want {
			t.Errorf("%s: %d sockets, want %d", query, got, want)
		}
	}

	// Closing ends the socket with a code that lets its client come back.
	drop := func(path string, want int) {
		t.Helper()
		status, _, text := h.rest("admin", http.MethodDelete, "/api/v1/connections"+path, "")
		if status != want {
			t.Errorf("DELETE %s: %d %s", path, status, text)
		}
	}
	drop("/"+k.ID, http.StatusOK)
	drop("/"+k.ID, http.StatusNotFound) // it is being closed
	if got := first.closed(); got != client.CloseEnded || client.StayAway(got) {
		t.Errorf("closed with %d", got)
	}
	drop("?user=ann@example.com", http.StatusOK)
	if got := second.closed(); got != client.CloseEnded {
		t.Errorf("closed with %d", got)
	}
	drop("?address=127.0.0.1", http.StatusOK)
	if got := other.closed(); got != client.CloseEnded {
		t.Errorf("closed with %d", got)
	}
	until(t, "none is open", func() bool { return h.connections("").Open.Sockets == 0 })
	drop("/"+k.ID, http.StatusNotFound)
	drop("", http.StatusBadRequest)
	drop("?robot=echo@example.com", http.StatusBadRequest)
	drop("?address=nowhere", http.StatusBadRequest)
	for _, who := range []string{"", string(ann)} {
		if status, _, _ := h.rest(who, http.MethodGet, "/api/v1/connections", ""); status != http.StatusUnauthorized {
			t.Errorf("%q was answered %d", who, status)
		}
	}
}
