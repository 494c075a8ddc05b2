package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Events is what there is to tell: the net change since the cursor, as far as
// this lane's authors had a part in it, in the order in which things were first
// touched. None: the robot would see nothing new.
func (w *Window) Events() []Event {
	var evs []Event
	for _, t := range w.order {
		switch t.kind {
		case aboutAdding:
			evs = append(evs, w.event(WaveletSelfAdded, w.added))
		case aboutRemoval:
			evs = append(evs, w.event(WaveletSelfRemoved, w.removed))
		case aboutPeople:
			evs = w.tellPeople(evs)
		case aboutTags:
			evs = w.tellTags(evs)
		case aboutBlip:
			evs = w.tellBlip(evs, t.blip)
		case aboutClick:
			evs = append(evs, t.told)
		}
	}
	return evs
}

// event is an event about the wavelet; about a blip when Blip is set after.
func (w *Window) event(typ Type, t trail) Event {
	return Event{Type: typ, ModifiedBy: t.by, Contributors: slices.Clone(t.from), At: t.at, Blip: w.state.Root()}
}

func (w *Window) tellPeople(evs []Event) []Event {
	e := w.event(WaveletParticipantsChanged, w.people.trail)
	e.Added, e.Removed = []wavelet.Participant{}, []wavelet.Participant{}
	for _, who := range w.people.touched {
		p := wavelet.Participant(who)
		_, was := w.base.Role(p)
		_, is := w.state.Role(p)
		switch {
		case is && !was:
			e.Added = append(e.Added, p)
		case was && !is:
			e.Removed = append(e.Removed, p)
		}
	}
	if len(e.Added)+len(e.Removed) == 0 {
		return evs
	}
	return append(evs, e)
}

func (w *Window) tellTags(evs []Event) []Event {
	was, is := w.base.Tags(), w.state.Tags()
	for _, tag := range w.tags.touched {
		if slices.Contains(was, tag) != slices.Contains(is, tag) {
			return append(evs, w.event(WaveletTagsChanged, w.tags.trail))
		}
	}
	return evs
}

// tellBlip tells what became of a blip. One that came and went within the window
// is passed over, and of one that is gone only the going is told.
func (w *Window) tellBlip(evs []Event, ch *change) []Event {
	blip, ok := w.state.Blip(ch.id)
	if !ok || blip.Deleted {
		if ok && ch.removed && !ch.fresh {
			e := w.event(WaveletBlipRemoved, ch.trail)
			e.RemovedBlip = ch.id
			evs = append(evs, e)
		}
		return evs
	}
	if ch.born {
		e := w.event(WaveletBlipCreated, ch.trail)
		e.NewBlip = ch.id
		evs = append(evs, e)
	}
	d := ch.net(blip)
	evs = w.tellDocument(evs, ch, blip, d)
	if root := w.state.Root(); ch.id == root && ch.text && w.state.Title() != w.base.Title() {
		e := w.event(WaveletTitleChanged, ch.trail)
		e.Title = w.state.Title()
		evs = append(evs, e)
	}
	return w.tellContributors(evs, ch, blip)
}

// tellContributors tells who of the lane's authors wrote in a known blip for the
// first time.
func (w *Window) tellContributors(evs []Event, ch *change, blip *wavelet.Blip) []Event {
	known, ok := w.base.Blip(ch.id)
	if !ok {
		return evs
	}
	e := w.event(BlipContributorsChanged, ch.trail)
	e.Blip, e.Added, e.Removed = ch.id, []wavelet.Participant{}, []wavelet.Participant{}
	for _, p := range blip.Contributors {
		if slices.Contains(ch.from, p) && !slices.Contains(known.Contributors, p) {
			e.Added = append(e.Added, p)
		}
	}
	if len(e.Added) == 0 {
		return evs
	}
	return append(evs, e)
}

// tellDocument tells what net change d did to the text, the annotations and the
// gadgets of a blip.
func (w *Window) tellDocument(evs []Event, ch *change, blip *wavelet.Blip, d richtext.Delta) []Event {
	f := survey(ch.start, d)
	base := w.event(DocumentChanged, ch.trail)
	base.Blip = ch.id
	if ch.text && f.text || slices.ContainsFunc(f.properties, func(key string) bool { return ch.keys[key] }) {
		evs = append(evs, base)
	}
	for _, g := range f.gadgets {
		if slices.ContainsFunc(g.keys, func(key string) bool { return ch.keys[key] }) {
			e := base
			e.Type, e.Index, e.OldState = GadgetStateChanged, g.index, g.old
			evs = append(evs, e)
		}
	}
	for _, a := range f.annotations {
		if ch.keys[a.Name] {
			e := base
			e.Type, e.Annotation = AnnotatedTextChanged, a
			evs = append(evs, e)
		}
	}
	return evs
}

// buttonName is the name of the form button that was pressed, its id if it has
// none.
func buttonName(s *wavelet.State, click wavelet.ClickForm) string {
	blip, ok := s.Blip(click.Blip)
	if !ok || !strings.ContainsRune(blip.Doc.Text(), richtext.EmbedRune) {
		return click.Element
	}
	for _, op := range blip.Doc.Delta() {
		if op.Embed().Key() != "form" {
			continue
		}
		var form struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}
		if op.Embed().Decode(&form) == nil && form.ID == click.Element && form.Name != "" {
			return form.Name
		}
	}
	return click.Element
}

// Warning is the event that tells a robot it comes near a limit.
func Warning(s *wavelet.State, robot wavelet.Participant, at time.Time, l LimitNote) Event {
	return Event{Type: RobotLimitWarning, ModifiedBy: robot, Contributors: []wavelet.Participant{}, At: at, Blip: s.Root(), Limit: l}
}

// Failed is the event that tells a robot that an operation of its own was
// refused.
func Failed(robot wavelet.Participant, at time.Time, f OperationFailure) Event {
	return Event{Type: OperationError, ModifiedBy: robot, Contributors: []wavelet.Participant{}, At: at, Failure: f}
}

// textOf is an attribute's value as robots see it: a string's text, null's
// nothing, anything else in JSON.
func textOf(value string) string {
	var text string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte(value), &text) == nil {
		return text
	}
	return value
}
