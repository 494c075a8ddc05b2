package presence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/presence"
	"weir/wavelet/richtext"
)

const (
	ann = wavelet.Participant("ann@example.com")
	bob = wavelet.Participant("bob@example.com")
)

// enter adds somebody whose session is the user's first letters and a number.
func enter(t *presence.Table, session string) {
	user := ann
	if strings.HasPrefix(session, "b") {
		user = bob
	}
	t.Enter(presence.Person{Session: session, User: user, Since: time.Unix(1, 0)})
}

func cursor(v wavelet.Version, head int) *presence.Cursor {
	return &presence.Cursor{Cursor: wavelet.Cursor{Blip: "b+1", Anchor: head, Head: head}, Version: v}
}

func commit(v wavelet.Version, by wavelet.Participant, ops ...wavelet.Op) wavelet.Commit {
	return wavelet.Commit{Version: v, Delta: wavelet.Delta{Author: by, Ops: ops}}
}

func put(at int, text string) wavelet.Op {
	return wavelet.EditBlip{Blip: "b+1", Delta: richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(text, richtext.Attributes{})}
}

// people writes a list shortly: a1@5:3 is session a1 with its caret at 5 as of
// version 3.
func people(ps []presence.Person) string {
	var words []string
	for _, p := range ps {
		if p.Cursor != nil {
			p.Session += fmt.Sprintf("@%d:%d", p.Cursor.Head, p.Cursor.Version)
		}
		words = append(words, p.Session)
	}
	return strings.Join(words, " ")
}

// told writes what is to be told.
func told(t *presence.Table) string {
	c, ok := t.Changes()
	if !ok {
		return ""
	}
	out := []string{fmt.Sprintf("%d/%d", c.Connections, c.Users)}
	if len(c.Joined) > 0 {
		out = append(out, "+"+people(c.Joined))
	}
	if len(c.Left) > 0 {
		out = append(out, "-"+strings.Join(c.Left, " "))
	}
	if len(c.Moved) > 0 {
		out = append(out, "~"+people(c.Moved))
	}
	return strings.Join(out, " ")
}

// TestTimeline is one wavelet's story: what happens between two tellings, and
// what is told then.
func TestTimeline(t *testing.T) {
	var table presence.Table
	steps := []struct {
		name string
		do   func()
		told string
		list string // everybody afterwards
	}{
		{"nothing", func() {}, "", ""},
		{"two come", func() { enter(&table, "a1"); enter(&table, "b1") }, "2/2 +a1 b1", "a1 b1"},
		{"a second window", func() { enter(&table, "a2") }, "3/2 +a2", "a1 b1 a2"},
		{"a cursor moves thrice", func() {
			for i := range 3 {
				table.SetCursor("a1", cursor(4, i))
			}
		}, "3/2 ~a1@2:4", "a1@2:4 b1 a2"},
		{"to where it is", func() { table.SetCursor("a1", cursor(4, 2)) }, "", "a1@2:4 b1 a2"},
		{"one comes, moves, and is told once", func() {
			enter(&table, "b2")
			table.SetCursor("b2", cursor(4, 7))
			table.SetCursor("b2", cursor(4, 9))
		}, "4/2 +b2@9:4", "a1@2:4 b1 a2 b2@9:4"},
		{"text moves cursors, and nobody is told", func() { table.Advance(commit(5, ann, put(2, "xyz"))) }, "", "a1@5:5 b1 a2 b2@12:5"},
		{"an old commit", func() { table.Advance(commit(5, ann, put(0, "xyz"))) }, "", "a1@5:5 b1 a2 b2@12:5"},
		{"another one's text at the caret", func() { table.Advance(commit(6, bob, put(5, "!"))) }, "", "a1@5:6 b1 a2 b2@13:6"},
		{"no cursor any more", func() { table.SetCursor("a1", nil) }, "4/2 ~a1", "a1 b1 a2 b2@13:6"},
		{"the blip is deleted", func() { table.Advance(commit(7, ann, wavelet.DeleteBlip{Blip: "b+1"})) }, "4/2 ~b2", "a1 b1 a2 b2"},
		{"one leaves, one goes and comes back", func() {
			table.Leave("b2")
			table.Leave("a1")
			enter(&table, "a1")
		}, "3/2 +a1 -b2", "b1 a2 a1"},
		{"one is not heard of", func() {
			table.SetCursor("a2", cursor(7, 1))
			table.Hide("a2", true)
			table.Hide("a2", true)
		}, "2/2 -a2", "b1 a1"},
		{"its cursor moves on out of sight", func() { table.Advance(commit(8, bob, put(0, "ab"))) }, "", "b1 a1"},
		{"and it is heard of again", func() { table.Hide("a2", false) }, "3/2 +a2@3:8", "b1 a2@3:8 a1"},
		{"hidden and gone", func() { table.Hide("b1", true); table.Leave("b1"); table.Hide("b1", false) }, "2/1 -b1", "a2@3:8 a1"},
		{"strangers", func() { table.Leave("x"); table.Hide("x", false); table.SetCursor("x", cursor(1, 1)) }, "", "a2@3:8 a1"},
		{"all leave", func() { table.Leave("a1"); table.Leave("a2") }, "0/0 -a1 a2", ""},
	}
	for _, step := range steps {
		step.do()
		if got := told(&table); got != step.told {
			t.Errorf("%s: told %q, want %q", step.name, got, step.told)
		}
		if got := people(table.People()); got != step.list {
			t.Errorf("%s: there are %q, want %q", step.name, got, step.list)
		}
	}
}

func TestCrowdIsToldInNumbers(t *testing.T) {
	var table presence.Table
	name := func(i int) string { return fmt.Sprintf("a%03d", i) }
	for i := range presence.Shown {
		enter(&table, name(i))
	}
	if !table.SetCursor(name(0), cursor(1, 1)) {
		t.Error("no cursor among few")
	}
	if c, ok := table.Changes(); !ok || c.Many || len(c.Joined) != presence.Shown {
		t.Fatalf("as many as are shown: %+v", c)
	}
	for i := range 900 {
		enter(&table, name(presence.Shown+i))
	}
	if got := told(&table); got != "1000/1" {
		t.Errorf("a crowd is told as %q", got)
	}
	if _, ok := table.Behind(); ok || table.SetCursor(name(1), cursor(1, 1)) {
		t.Error("a cursor in a crowd")
	}
	if list := table.People(); len(list) != presence.Shown || list[0].Session != name(0) {
		t.Errorf("%d people, the first %v", len(list), list[0])
	}
	table.Leave(name(999))
	enter(&table, name(999))
	if got := told(&table); got != "" {
		t.Errorf("the same number is told again: %q", got)
	}
	table.Leave(name(3))
	if got := told(&table); got != "999/1" {
		t.Errorf("one less: %q", got)
	}
	for i := range 899 {
		table.Leave(name(100 + i))
	}
	c, ok := table.Changes()
	if !ok || !c.Whole || c.Many || len(c.Joined) != 100 || len(c.Left) != 0 {
		t.Errorf("few again: %+v", c)
	}
	table.Leave(name(0))
	if got := told(&table); got != "99/1 -a000" {
		t.Errorf("and one by one: %q", got)
	}
}

// TestWhoHearsEverythingKnowsEverything follows a table by what is told alone,
// through a random life.
func TestWhoHearsEverythingKnowsEverything(t *testing.T) {
	var table presence.Table
	known := map[string]string{}
	seed := uint32(7)
	random := func(n int) int { // a small generator of its own: the same life every time
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	for round := range 2000 {
		for range random(6) {
			session := fmt.Sprintf("%c%d", 'a'+rune(random(2)), random(60+round/20))
			switch random(8) {
			case 0, 1, 2:
				enter(&table, session)
			case 3:
				table.Leave(session)
			case 4:
				table.Hide(session, random(2) == 0)
			default:
				table.SetCursor(session, cursor(1, random(9)))
			}
		}
		c, _ := table.Changes()
		if c.Whole || c.Many {
			clear(known)
		}
		for _, p := range c.Joined {
			known[p.Session] = people([]presence.Person{p})
		}
		for _, session := range c.Left {
			delete(known, session)
		}
		for _, p := range c.Moved {
			if _, ok := known[p.Session]; !ok {
				t.Fatalf("round %d: the cursor of %s, who is not there", round, p.Session)
			}
			known[p.Session] = people([]presence.Person{p})
		}
		if c.Many {
			continue
		}
		list := table.People()
		if len(list) != len(known) || len(list) != c.Connections {
			t.Fatalf("round %d: %d known, %d there, %d told", round, len(known), len(list), c.Connections)
		}
		for _, p := range list {
			if known[p.Session] != people([]presence.Person{p}) {
				t.Fatalf("round %d: %s is known as %s", round, people([]presence.Person{p}), known[p.Session])
			}
		}
	}
}
