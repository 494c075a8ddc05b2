package client

import (
	"fmt"
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// TestCrowdFollowsWhatIsTold: frames and commits come in, in any order that a
// connection may bring them in.
func TestCrowdFollowsWhatIsTold(t *testing.T) {
	var c crowd
	at := func(session string, user wavelet.Participant, head int, v wavelet.Version) Person {
		return Person{Session: session, User: string(user), Cursor: &Cursor{Blip: "b+1", Anchor: head, Head: head, Version: v}}
	}
	put := func(v wavelet.Version, by wavelet.Participant, pos int, text string) {
		c.commit(wavelet.Commit{Version: v, Delta: wavelet.Delta{Author: by, Ops: []wavelet.Op{
			wavelet.EditBlip{Blip: "b+1", Delta: richtext.Delta{}.Retain(pos, richtext.Attributes{}).Insert(text, richtext.Attributes{})},
		}}})
	}
	const ann, bob = wavelet.Participant("ann@example.com"), wavelet.Participant("bob@example.com")
	stats := PresenceStats{Connections: 2, Users: 2}
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"a list", func() {
			c.replace(PresenceOK{People: []Person{{Session: "a"}, at("b", bob, 4, 7)}, PresenceStats: stats})
		}, "a b4:7"},
		{"text before the cursor", func() { put(8, ann, 0, "xy") }, "a b6:8"},
		{"another's text at it", func() { put(9, ann, 6, "z") }, "a b6:9"},
		{"its owner's text at it", func() { put(10, bob, 6, "z") }, "a b7:10"},
		{"a cursor of an older version", func() { c.take(&Frame{Moved: []Person{at("a", "", 0, 8)}}) }, "a0:10 b7:10"},
		{"one moved whose user is known", func() { c.take(&Frame{Moved: []Person{at("b", "", 6, 9)}}) }, "a0:10 b7:10"},
		{"one of a later version", func() { c.take(&Frame{Moved: []Person{at("a", "", 3, 12)}}) }, "a3:12 b7:10"},
		{"waits", func() { put(11, ann, 0, "x") }, "a3:12 b8:11"},
		{"until then", func() { put(12, ann, 0, "x"); put(13, ann, 0, "x") }, "a4:13 b10:13"},
		{"joined twice, and a stranger left", func() {
			c.take(&Frame{Joined: []Person{at("c", bob, 1, 13), at("a", ann, 1, 13)}, Left: []string{"x"}})
		}, "a1:13 b10:13 c1:13"},
		{"no cursor any more", func() { c.take(&Frame{Moved: []Person{{Session: "a"}}, Left: []string{"b"}}) }, "a c1:13"},
		{"the blip is deleted", func() {
			c.commit(wavelet.Commit{Version: 14, Delta: wavelet.Delta{Ops: []wavelet.Op{wavelet.DeleteBlip{Blip: "b+1"}}}})
		}, "a c"},
		{"a crowd", func() { c.take(&Frame{Many: true, Connections: 300, Users: 2}) }, "300"},
		{"and few again", func() { c.take(&Frame{People: []Person{at("a", ann, 2, 14)}, Connections: 1}) }, "a2:14"},
		{"a gap in the history", func() { c.restart() }, "a"},
	}
	for _, step := range steps {
		step.do()
		var got []string
		for _, p := range c.People {
			word := p.Session
			if p.Cursor != nil {
				word += fmt.Sprintf("%d:%d", p.Cursor.Head, p.Cursor.Version)
			}
			got = append(got, word)
		}
		if c.Many {
			got = append(got, fmt.Sprint(c.Connections))
		}
		if got := strings.Join(got, " "); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	for v := range wavelet.Version(200) {
		put(15+v, ann, 0, "x")
	}
	if len(c.recent) != keptCommits {
		t.Errorf("%d commits are kept", len(c.recent))
	}
}
