package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"weir/robots"
	"weir/wavelet"
	"weir/web"
)

// TestAttachments attaches files to a wavelet of ann's and bob's, and has
// everybody fetch them.
func TestAttachments(t *testing.T) {
	h := build(t, nil)
	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "spell@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	_, outside, err := h.directory.Register(t.Context(), robots.Registration{Address: "other@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	name := h.wave(bob, "spell@example.com")
	path := "/api/v1/waves/" + name.Wave + "/" + name.Wavelet + "/attachments"
	const png = "\x89PNG\r\n\x1a\n0000"
	attach := func(who, query, content string, want int) (id string) {
		t.Helper()
		status, _, answer := h.rest(who, "POST", path+query, content)
		var record struct{ ID, Type string }
		if err := json.Unmarshal([]byte(answer), &record); err != nil || status != want {
			t.Fatalf("%s attaches: %d %s, want %d", who, status, answer, want)
		}
		return record.ID
	}
	picture := attach("bob@example.com", "?name=%C3%A4.png", png, 201)
	text := attach("key "+key, "", "hello", 201)
	attach("eve@example.com", "", "hello", 403)
	attach("", "", "hello", 401)
	attach("key "+outside, "", "hello", 403)
	attach("ann@example.com", "", "<html>", 422)
	attach("ann@example.com", "?name=a.png", "hello", 422)
	attach("ann@example.com", "", strings.Repeat("x", 1<<20+1), 413)

	for _, tt := range []struct {
		who, id string
		status  int
	}{
		{"ann@example.com", picture, 200},
		{"key " + key, picture, 200},
		{"key " + outside, picture, 403},
		{"eve@example.com", picture, 403},
		{"", picture, 401},
		{"ann@example.com", "a+none", 404},
		{"ann@example.com", "..%2f", 404},
	} {
		status, header, answer := h.rest(tt.who, "GET", path+"/"+tt.id, "")
		if status != tt.status || status == 200 && answer != png {
			t.Errorf("%q fetches %s: %d %q, want %d", tt.who, tt.id, status, answer, tt.status)
		}
		if status == 200 && (header.Get("Content-Type") != "image/png" || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Content-Security-Policy") == "" || !strings.HasPrefix(header.Get("Content-Disposition"), "inline; filename*=utf-8''%C3%A4.png")) {
			t.Errorf("it comes with %v", header)
		}
	}
	_, header, _ := h.rest("ann@example.com", "GET", path+"/"+text, "")
	if header.Get("Content-Disposition") != "attachment" {
		t.Errorf("a text is to be %s", header.Get("Content-Disposition"))
	}
	if status, _, _ := h.rest("ann@example.com", "DELETE", path+"/"+text, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("deleting: %d", status)
	}
}

// busy is a gateway that lets no robot's request in.
type busy struct{ web.Gateway }

func (busy) Admit(context.Context, wavelet.Participant, bool) error {
	return &wavelet.Refusal{Code: wavelet.CodeRate, Op: -1, Limit: "sustained2m", Reason: "too many requests", RetryAfter: time.Minute}
}

// TestFilesAreNoWayRoundTheLimits has a robot that calls too often ask for a
// file.
func TestFilesAreNoWayRoundTheLimits(t *testing.T) {
	h := plan{gateway: func(g web.Gateway) web.Gateway { return busy{g} }}.build(t)
	_, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "spell@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	name := h.wave("spell@example.com")
	path := "/api/v1/waves/" + name.Wave + "/" + name.Wavelet + "/attachments"
	if status, header, answer := h.rest("key "+key, "GET", path+"/a", ""); status != http.StatusTooManyRequests || header.Get("Retry-After") != "60" {
		t.Errorf("the robot is answered %d, %v: %s", status, header, answer)
	}
	if status, _, answer := h.rest("ann@example.com", "POST", path, "hello"); status != http.StatusCreated {
		t.Errorf("ann is answered %d: %s", status, answer)
	}
}
