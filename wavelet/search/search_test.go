package search_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
	"weir/wavelet/search"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("Bob@example.com")
)

func state(t *testing.T) *wavelet.State {
	t.Helper()
	s := wavelet.NewState(wavelet.Name{Wave: "example.com!w+1", Wavelet: "example.com!conv+root"})
	content := richtext.Delta{}.Insert("Trip to Rome\nBring a Hat, see https://example.com/x\n", richtext.Attributes{})
	ops := []wavelet.Op{wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: bob},
		wavelet.CreateBlip{Blip: "b+1", Content: content}, wavelet.SetTag{Tag: "Travel"}}
	if err := s.Apply(wavelet.Commit{Wavelet: s.Name(), Version: 1, At: time.Unix(1, 0), Delta: wavelet.Delta{Author: ann, Ops: ops}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMatch(t *testing.T) {
	s := state(t)
	for query, want := range map[string]bool{
		"": true, "   ": true, "hat": true, "HAT rome": true, "hat coat": false, `"bring a"`: true, `"a bring"`: false, `"hat`: true, `""`: true,
		"with:bob": true, "with:BOB@EXAMPLE.COM": true, "with:carl": false, "with:me": true, "with:": true,
		"creator:ann": true, "creator:me": true, "creator:bob": false,
		"title:rome": true, "title:hat": false, `title:"to rome"`: true, `title:"rome to"`: false,
		"tag:travel": true, "tag:trav": false, "tag:hat": false,
		"in:inbox": true, "in:all": true, "in:trash": false, "in:archive": false, "is:inbox": false,
		"in:unread": true, "is:unread": true, "is:read": false, "in:unread with:bob hat": true, "in:unread with:carl": false,
		"https://example.com/x": true, "https://example.com/y": false, `"with:bob"`: false,
	} {
		q, err := search.Parse(query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
		}
		if got := q.Match(s, ann, func() int { return 2 }); got != want {
			t.Errorf("%q finds the wavelet: %t, want %t", query, got, want)
		}
	}
	if q, _ := search.Parse("is:unread"); q.Match(s, ann, nil) {
		t.Error("something is unread where nobody counts")
	}
	if q, _ := search.Parse("with:me"); q.Match(s, "zoe@example.com", nil) {
		t.Error("zoe is found to take part")
	}
}

func TestBounds(t *testing.T) {
	for _, query := range []string{strings.Repeat("é", search.MaxQuery+1), strings.Repeat("a ", search.MaxTerms+1)} {
		if _, err := search.Parse(query); !errors.Is(err, search.ErrQuery) {
			t.Errorf("%.20q… is let through: %v", query, err)
		}
	}
	if _, err := search.Parse(strings.Repeat("é", search.MaxQuery)); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`with:ann title:"a b" in:unread "x`)
	f.Add("tag::\x00\" \"\" :")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := search.Parse(text)
		if err != nil {
			if !errors.Is(err, search.ErrQuery) {
				t.Errorf("%v does not wrap ErrQuery", err)
			}
			return
		}
		q.Match(state(t), ann, nil)
	})
}
