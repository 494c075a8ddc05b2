package wire

import (
	"errors"
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
