package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"weir/wavelet"
)

func TestParseProfile(t *testing.T) {
	plain := Profile{Address: spell, Name: "spell"}
	with := func(name, image, page string) Profile { return Profile{spell, name, image, page} }
	for body, want := range map[string]Profile{
		`{"name":"Spelly 😀","imageUrl":"https://example.com/i.png","profileUrl":"http://example.com/?a=b"}`: with("Spelly 😀", "https://example.com/i.png", "http://example.com/?a=b"),
		`{"address":"","name":"Spelly","imageUrl":"","profileUrl":""}`:                                      with("Spelly", "", ""),
		`{"address":"ann@example.com","name":"\u202e\u0000 Ann\n Example \u200b","imageUrl":null}`:          with("Ann Example", "", ""),
		`{}`: plain,
		`{"name":" ","imageUrl":"data:image/png,x","profileUrl":"//example.com/x"}`:                                       plain,
		`{"name":"x","imageUrl":"https://a:b@example.com/","profileUrl":"javascript:alert(1)"}`:                           with("x", "", ""),
		`{"name":"` + strings.Repeat("😀", 300) + `","profileUrl":"http://example.com/` + strings.Repeat("x", 3000) + `"}`: with(strings.Repeat("😀", 100), "", ""),
	} {
		if got, err := ParseProfile(spell, []byte(body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", body, got, err, want)
		}
	}
	for _, body := range []string{"", "<html>", "[]", `{"name":["x"]}`, `"x"`, `{"name":"` + strings.Repeat("x", 100_000) + `"}`} {
		if _, err := ParseProfile(spell, []byte(body)); !errors.Is(err, ErrProfile) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(`{"name":"x","imageUrl":"https://example.com","profileUrl":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := ParseProfile("bot@example.com", body)
		if err != nil {
			return
		}
		if p.Name == "" || utf8.RuneCountInString(p.Name) > maxProfileName || strings.ContainsAny(p.Name, "\n\r\x00\u202e") || p.Address != wavelet.Participant("bot@example.com") {
			t.Errorf("name %q", p.Name)
		}
		for _, u := range []string{p.ImageURL, p.ProfileURL} {
			if u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
				t.Errorf("URL %q", u)
			}
		}
	})
}

// TestARobotNeedsNoProfile delivers to robots that have none to give, or not at
// once.
func TestARobotNeedsNoProfile(t *testing.T) {
	for name, profile := range map[string]http.HandlerFunc{
		"none":   http.NotFound,
		"a page": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"hangs":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		var posts atomic.Int64
		rest := answering(200, "[]", &posts)
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != profilePath {
				rest.ServeHTTP(w, r)
				return
			}
			profile(w, r)
		}), PassiveOptions{Introduced: func(p Profile) { t.Errorf("%s: introduced as %+v", name, p) }, Heard: func(err error) {
			if err != nil {
				t.Errorf("%s: heard %v", name, err)
			}
		}})
		if _, err := p.Receive(t.Context(), changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")); err != nil || posts.Load() != 1 {
			t.Errorf("%s: %v", name, err)
		}
		p.Close()
	}
}

// TestProxiesAreIntroduced asks for the profile of whom a robot stands for by
// name, once each until its capabilities are fetched again.
func TestProxiesAreIntroduced(t *testing.T) {
	introduced := make(chan Profile, 10)
	asked := make(chan string, 10)
	var posts atomic.Int64
	rest := answering(200, "[]", &posts)
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != profilePath {
			rest.ServeHTTP(w, r)
			return
		}
		asked <- r.URL.RawQuery
		fmt.Fprintf(w, `{"name":"Shown %s","imageUrl":"","profileUrl":""}`, r.URL.Query().Get("name"))
	}), PassiveOptions{Introduced: func(p Profile) { introduced <- p }})
	defer p.Close()
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	deliver := func() {
		t.Helper()
		if _, err := p.Receive(t.Context(), changed(w.state, "b+root")); err != nil {
			t.Fatal(err)
		}
	}
	deliver()
	if got := <-introduced; got.Address != p.address || <-asked != "" {
		t.Errorf("the robot is introduced as %+v", got)
	}
	local, domain, _ := strings.Cut(string(p.address), "@")
	proxy := wavelet.Participant(local + "+ann&bob#2@" + domain)
	w.commit(ann, wavelet.AddParticipant{Who: proxy})
	deliver()
	if got, query := <-introduced, <-asked; got.Address != proxy || got.Name != "Shown ann&bob" || query != "name=ann%26bob" {
		t.Errorf("asked by %q, the proxy is introduced as %+v", query, got)
	}
	deliver()
	deliver()
	if len(asked) > 0 {
		t.Errorf("asked again: %q", <-asked)
	}
}
