package events

import (
	"slices"

	"weir/wavelet"
)

// Dialect is a generation of the robot protocol. The zero Dialect is V022, for
// what claims a version nobody knows is taken to be new.
type Dialect uint8

// The two dialects that robots speak.
const (
	V022 Dialect = iota // the Java client's
	V021                // the Python client's, and all before it
)

// Contexts is a set of places around a blip from which a robot wants to see
// blips too, when it is told about that one.
type Contexts uint8

// The places. What lies at Parent and Children depends on the dialect, see
// [ParentOf] and [ChildrenOf].
const (
	Root     Contexts = 1 << iota // the root blip
	Parent                        // the blip above
	Siblings                      // the other blips of its thread
	Children                      // the blips below
	Self                          // the blip itself, which is always sent
	All                           // every blip there is
)

// DefaultContexts is what a robot gets for an event for which its capabilities
// name no context.
const DefaultContexts = Root | Parent | Children

// Blips returns the ids of the living blips that go with evs, each once: the
// blips that the events are about, those in the contexts given for each event's
// type ([DefaultContexts] for a type that is not in the map), and every blip
// that was just created, whatever the contexts.
func Blips(s *wavelet.State, evs []Event, contexts map[Type]Contexts, d Dialect) []wavelet.BlipID {
	c := collection{state: s, dialect: d, has: map[wavelet.BlipID]bool{}}
	var about []wavelet.BlipID
	wanted := map[wavelet.BlipID]Contexts{}
	for _, e := range evs {
		ctx, ok := contexts[e.Type]
		if !ok {
			ctx = DefaultContexts
		}
		if _, seen := wanted[e.Blip]; !seen {
			about = append(about, e.Blip)
		}
		wanted[e.Blip] |= ctx
	}
	for _, id := range about {
		if wanted[id]&All != 0 {
			c.addAll()
			break
		}
		c.addAround(id, wanted[id])
	}
	for _, e := range evs {
		if e.NewBlip != "" {
			c.add(e.NewBlip)
		}
	}
	return c.ids
}

// collection gathers living blips, each once, in the order of arrival.
type collection struct {
	state   *wavelet.State
	dialect Dialect
	has     map[wavelet.BlipID]bool
	ids     []wavelet.BlipID
}

func (c *collection) add(ids ...wavelet.BlipID) {
	for _, id := range ids {
		if _, ok := living(c.state, id); ok && !c.has[id] {
			c.has[id] = true
			c.ids = append(c.ids, id)
		}
	}
}

func (c *collection) addAll() {
	for b := range c.state.Blips() {
		c.add(b.ID)
	}
}

func (c *collection) addAround(id wavelet.BlipID, ctx Contexts) {
	if ctx&Root != 0 {
		c.add(c.state.Root())
	}
	c.add(id)
	blip, ok := c.state.Blip(id)
	if !ok {
		return
	}
	if ctx&Parent != 0 {
		c.add(ParentOf(c.state, id, c.dialect))
	}
	if ctx&Siblings != 0 {
		if t, ok := c.state.Thread(blip.Thread); ok {
			c.add(t.Blips...)
		}
	}
	if ctx&Children != 0 {
		c.add(ChildrenOf(c.state, id, c.dialect)...)
	}
}

// ParentOf is the blip that a dialect calls the parent of blip id, "" if there
// is none. In V022 it is the blip that id's thread replies to; in V021 it is the
// blip before id in its thread, and for the first one the blip that the thread
// replies to. Where that blip was deleted, its own parent stands in for it.
func ParentOf(s *wavelet.State, id wavelet.BlipID, d Dialect) wavelet.BlipID {
	for {
		blip, ok := s.Blip(id)
		if !ok {
			return ""
		}
		thread, ok := s.Thread(blip.Thread)
		if !ok {
			return ""
		}
		parent := thread.Parent
		if i := slices.Index(thread.Blips, id); d == V021 && i > 0 {
			parent = thread.Blips[i-1]
		}
		if _, ok := living(s, parent); ok || parent == "" {
			return parent
		}
		id = parent
	}
}

// ChildrenOf is the living blips whose [ParentOf] is id: in V022 all blips of
// all reply threads of id, in V021 the next blip of its thread and the first
// blip of each reply thread.
func ChildrenOf(s *wavelet.State, id wavelet.BlipID, d Dialect) []wavelet.BlipID {
	blip, ok := s.Blip(id)
	if !ok {
		return nil
	}
	var below []wavelet.BlipID
	if t, ok := s.Thread(blip.Thread); ok && d == V021 {
		below = after(t.Blips, id)
	}
	for _, reply := range blip.Replies {
		t, ok := s.Thread(reply)
		if !ok || len(t.Blips) == 0 {
			continue
		}
		if d == V021 {
			below = append(below, t.Blips[0])
		} else {
			below = append(below, t.Blips...)
		}
	}
	var children []wavelet.BlipID
	for _, b := range below {
		if _, ok := living(s, b); ok {
			children = append(children, b)
		} else {
			children = append(children, ChildrenOf(s, b, d)...)
		}
	}
	return children
}

// after is the one id that follows id in list, none if it is the last.
func after(list []wavelet.BlipID, id wavelet.BlipID) []wavelet.BlipID {
	if i := slices.Index(list, id); i >= 0 && i+1 < len(list) {
		return slices.Clone(list[i+1 : i+2])
	}
	return nil
}

func living(s *wavelet.State, id wavelet.BlipID) (*wavelet.Blip, bool) {
	b, ok := s.Blip(id)
	return b, ok && !b.Deleted
}
