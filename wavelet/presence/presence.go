// Package presence keeps who has a wavelet open, where their cursors are, and
// what of that is still to be told.
//
// # Data model
//
// A [Table] is about one wavelet. Each connection that has the wavelet open is a
// [Person] in it, named by its session, in the order in which they came. A
// cursor stands at a version and is moved on by [Table.Advance], commit by
// commit. What has changed is kept per session and not per event: whatever
// happened between two calls of [Table.Changes], each session is told of at most
// once, as it is then. Over [Shown] connections the table is crowded: nobody has
// a cursor, and only numbers are told.
//
// The package is pure: it has no clock and no network. A Table belongs to one
// goroutine at a time.
package presence

import (
	"cmp"
	"slices"
	"time"

	"weir/wavelet"
)

// Shown is the most connections that are told about one by one.
const Shown = 100

// Person is one connection of a person that has the wavelet open.
type Person struct {
	Session string // the connection's public name
	User    wavelet.Participant
	Since   time.Time
	Cursor  *Cursor // nil: none
}

// Cursor is where a person's selection stands as of a version.
type Cursor struct {
	wavelet.Cursor
	Version wavelet.Version
}

// Changes is what is to be told to those who know what was told before.
type Changes struct {
	Whole  bool     // Joined is everybody and takes the place of what was told before
	Joined []Person // in the order in which they came
	Left   []string // sessions
	Moved  []Person // only Session and Cursor matter
	Stats
}

// Stats are the numbers of a wavelet.
type Stats struct {
	Connections int
	Users       int  // different persons among them
	Many        bool // more than Shown connections
}

// Table is the people of one wavelet. The zero Table is empty.
type Table struct {
	people  map[string]*seat
	order   []*seat // those that are not hidden, by number
	users   map[wavelet.Participant]int
	last    uint64 // number of the last seat
	changed map[string]change
	told    Stats
}

// seat is a person with the place that it has in the order.
type seat struct {
	Person
	number uint64
	hidden bool
}

// change is what is to be told of a session.
type change uint8

const (
	moved change = iota + 1
	joined
	left
)

// Enter adds a person, in the place of one of the same session.
func (t *Table) Enter(p Person) {
	t.Leave(p.Session)
	if t.people == nil {
		t.people, t.users, t.changed = map[string]*seat{}, map[wavelet.Participant]int{}, map[string]change{}
	}
	t.last++
	s := &seat{Person: p, number: t.last}
	t.people[p.Session] = s
	t.show(s)
}

// Leave takes a session out.
func (t *Table) Leave(session string) {
	s, ok := t.people[session]
	if !ok {
		return
	}
	t.hide(s)
	delete(t.people, session)
}

// Hide takes a session out of sight, or brings it back as it would be now.
func (t *Table) Hide(session string, hidden bool) {
	switch s, ok := t.people[session]; {
	case !ok || s.hidden == hidden:
	case hidden:
		t.hide(s)
	default:
		t.show(s)
	}
}

func (t *Table) show(s *seat) {
	s.hidden = false
	at, _ := t.find(s)
	t.order = slices.Insert(t.order, at, s)
	t.users[s.User]++
	t.changed[s.Session] = joined
	if len(t.order) == Shown+1 {
		for _, s := range t.people {
			if s.Cursor != nil {
				s.Cursor = nil
				t.move(s)
			}
		}
	}
}

func (t *Table) hide(s *seat) {
	if s.hidden {
		return
	}
	s.hidden = true
	at, _ := t.find(s)
	t.order = slices.Delete(t.order, at, at+1)
	if t.users[s.User]--; t.users[s.User] == 0 {
		delete(t.users, s.User)
	}
	t.changed[s.Session] = left
}

func (t *Table) find(s *seat) (int, bool) {
	return slices.BinarySearchFunc(t.order, s, func(a, b *seat) int { return cmp.Compare(a.number, b.number) })
}

// SetCursor sets a session's cursor; nil takes it away. It reports whether the
// table keeps it: a crowded one keeps none.
func (t *Table) SetCursor(session string, c *Cursor) bool {
	s, ok := t.people[session]
	if !ok || t.Stats().Many {
		return false
	}
	if s.Cursor != nil && c != nil && *s.Cursor == *c || s.Cursor == nil && c == nil {
		return true
	}
	s.Cursor = c
	t.move(s)
	return true
}

// move notes that a cursor has changed.
func (t *Table) move(s *seat) {
	if !s.hidden && t.changed[s.Session] == 0 {
		t.changed[s.Session] = moved
	}
}

// Behind is the oldest version that a cursor stands at; false if there are no
// cursors.
func (t *Table) Behind() (v wavelet.Version, ok bool) {
	for _, s := range t.people {
		if s.Cursor != nil && (!ok || s.Cursor.Version < v) {
			v, ok = s.Cursor.Version, true
		}
	}
	return v, ok
}

// Advance moves the cursors of the version before a commit past it. Only a
// cursor whose blip is deleted is told of: whoever hears of the commit moves the
// others too.
func (t *Table) Advance(c wavelet.Commit) {
	for _, s := range t.people {
		if s.Cursor == nil || s.Cursor.Version+1 != c.Version {
			continue
		}
		next, ok := s.Cursor.After(c.Delta.Ops, s.User == c.Delta.Author)
		if ok {
			s.Cursor = &Cursor{next, c.Version}
			continue
		}
		s.Cursor = nil
		t.move(s)
	}
}

// Stats are the numbers as of now.
func (t *Table) Stats() Stats {
	return Stats{len(t.order), len(t.users), len(t.order) > Shown}
}

// People are the first Shown, in the order in which they came.
func (t *Table) People() []Person {
	n := min(len(t.order), Shown)
	people := make([]Person, n)
	for i, s := range t.order[:n] {
		people[i] = s.Person
	}
	return people
}

// Has reports whether a session is there, hidden or not.
func (t *Table) Has(session string) bool {
	_, ok := t.people[session]
	return ok
}

// Changes returns what has changed since the last call, and false if nothing
// has that is told.
func (t *Table) Changes() (Changes, bool) {
	now := t.Stats()
	before := t.told
	t.told = now
	c := Changes{Stats: now}
	switch {
	case now.Many:
		clear(t.changed)
		return c, now != before
	case before.Many:
		clear(t.changed)
		c.Whole, c.Joined = true, t.People()
		return c, true
	}
	var came []*seat
	for session, what := range t.changed {
		s, there := t.people[session]
		there = there && !s.hidden
		switch {
		case there && what == joined:
			came = append(came, s)
		case there:
			c.Moved = append(c.Moved, Person{Session: session, Cursor: s.Cursor})
		default:
			c.Left = append(c.Left, session)
		}
	}
	clear(t.changed)
	slices.SortFunc(came, func(a, b *seat) int { return cmp.Compare(a.number, b.number) })
	for _, s := range came {
		c.Joined = append(c.Joined, s.Person)
	}
	slices.Sort(c.Left)
	slices.SortFunc(c.Moved, func(a, b Person) int { return cmp.Compare(a.Session, b.Session) })
	return c, len(c.Joined)+len(c.Left)+len(c.Moved) > 0
}
