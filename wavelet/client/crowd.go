package client

import (
	"slices"

	"weir/wavelet"
)

// keptCommits is how many commits a crowd remembers, to bring cursors of older
// versions up to the replica's.
const keptCommits = 64

// crowd is who else has a wavelet open, as the server tells it: frames and
// commits go in, each in the order of its kind. Cursors stand at the version of
// the replica; one of a later version waits for its commits. The zero crowd is
// empty.
type crowd struct {
	PresenceOK
	recent []wavelet.Commit
}

// replace takes a list in the place of what is known.
func (c *crowd) replace(all PresenceOK) {
	c.PresenceOK = all
	if all.Many {
		c.People = nil
	}
	for i := range c.People {
		c.settle(&c.People[i])
	}
}

// take takes a push.
func (c *crowd) take(f *Frame) {
	if f.People != nil || f.Many {
		c.replace(PresenceOK{People: f.People, Many: f.Many})
	}
	c.Connections, c.Users, c.Many = f.Connections, f.Users, f.Many
	for _, session := range f.Left {
		c.People = slices.DeleteFunc(c.People, func(p Person) bool { return p.Session == session })
	}
	for _, p := range f.Joined {
		c.settle(&p)
		if known := c.find(p.Session); known != nil {
			*known = p
		} else {
			c.People = append(c.People, p)
		}
	}
	for _, p := range f.Moved {
		if known := c.find(p.Session); known != nil {
			known.Cursor = p.Cursor
			c.settle(known)
		}
	}
}

func (c *crowd) find(session string) *Person {
	i := slices.IndexFunc(c.People, func(p Person) bool { return p.Session == session })
	if i < 0 {
		return nil
	}
	return &c.People[i]
}

// settle moves a person's cursor past the commits it has not seen.
func (c *crowd) settle(p *Person) {
	for _, next := range c.recent {
		p.Cursor = past(p.Cursor, p.User, next)
	}
}

// commit moves everybody's cursor past a commit.
func (c *crowd) commit(next wavelet.Commit) {
	if len(c.recent) == keptCommits {
		c.recent = c.recent[1:]
	}
	c.recent = append(c.recent, next)
	for i := range c.People {
		c.People[i].Cursor = past(c.People[i].Cursor, c.People[i].User, next)
	}
}

// restart forgets the commits: the replica has missed some. Cursors are told
// anew.
func (c *crowd) restart() {
	c.recent = nil
	for i := range c.People {
		c.People[i].Cursor = nil
	}
}

// past is a user's cursor behind a commit; one that stands elsewhere than
// directly before it stays as it is.
func past(c *Cursor, user string, next wavelet.Commit) *Cursor {
	if c == nil || c.Version+1 != next.Version {
		return c
	}
	at, ok := c.at().After(next.Delta.Ops, user == string(next.Delta.Author))
	if !ok {
		return nil
	}
	return &Cursor{Blip: at.Blip, Anchor: at.Anchor, Head: at.Head, Version: next.Version}
}

// at is the cursor without its version.
func (c *Cursor) at() wavelet.Cursor {
	return wavelet.Cursor{Blip: c.Blip, Anchor: c.Anchor, Head: c.Head}
}

// seen is who is there, with cursors as they stand in the shadow: past what me
// has not sent or got back yet.
func (c *crowd) seen(me wavelet.Participant, shadow *wavelet.State, pending []wavelet.Op) PresenceOK {
	out := c.PresenceOK
	out.People = slices.Clone(c.People)
	for i, p := range out.People {
		if p.Cursor == nil {
			continue
		}
		at, ok := p.Cursor.at().After(pending, p.User == string(me))
		if ok {
			at, ok = inside(shadow, at)
		}
		out.People[i].Cursor = nil
		if ok {
			out.People[i].Cursor = &Cursor{Blip: at.Blip, Anchor: at.Anchor, Head: at.Head, Version: shadow.Version()}
		}
	}
	return out
}

// inside keeps a cursor within its blip; false if the blip is not there.
func inside(s *wavelet.State, c wavelet.Cursor) (wavelet.Cursor, bool) {
	b, ok := s.Blip(c.Blip)
	if !ok || b.Deleted {
		return wavelet.Cursor{}, false
	}
	return c.Within(b.Doc.Len() - 1), true
}
