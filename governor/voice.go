package governor

import (
	"math"
	"slices"

	"weir/wavelet"
)

// voice is what the seat makes of one robot when nobody else can have been
// meant. A bundle that holds deltas of several robots does not tell which of
// them is answered; this does.
type voice struct {
	author wavelet.Participant
	id     uint8  // not 0
	sent   uint32 // bundles that held only its deltas
	heeded uint32 // of these, answered
}

// mostVoices is how many robots a seat's voices are kept for.
const mostVoices = 16

// voice is the record for an author, made if there is none.
func (s *seat) voice(author wavelet.Participant) *voice {
	if v := s.known(author); v != nil {
		return v
	}
	if len(s.voices) == mostVoices {
		s.voices = s.voices[:copy(s.voices, s.voices[1:])]
	}
	s.lastVoice = max(1, s.lastVoice+1)
	s.voices = append(s.voices, voice{author: author, id: s.lastVoice})
	return &s.voices[len(s.voices)-1]
}

// known is the record for an author, nil if there is none.
func (s *seat) known(author wavelet.Participant) *voice {
	for i := range s.voices {
		if s.voices[i].author == author {
			return &s.voices[i]
		}
	}
	return nil
}

// heeds reports whether the seat was seen to answer the author.
func (s *seat) heeds(author wavelet.Participant) bool {
	v := s.known(author)
	return v != nil && v.heeded > 0
}

// heedsMostly reports whether the seat answered at least half of the bundles that
// held the author's deltas alone. One that it was never sent alone counts if there
// is nobody whom the seat answers less.
func (s *seat) heedsMostly(author wavelet.Participant) bool {
	if v := s.known(author); v != nil && v.sent > 0 {
		return 2*v.heeded >= v.sent
	}
	return !slices.ContainsFunc(s.voices, func(v voice) bool { return 2*v.heeded < v.sent })
}

// ignores reports whether the seat was sent the author's deltas alone and
// answered none of them, where by its other answers it would have, nine times
// in ten.
func (s *seat) ignores(t instant, author wavelet.Participant) bool {
	v := s.known(author)
	if v == nil || v.heeded > 0 {
		return false
	}
	s.ring.move(t.tick())
	answered, delivered := s.ring.count(0, robotAnswered), s.ring.count(0, robotDelivered)
	silent := 1 - float64(answered)/float64(delivered+1)
	return math.Pow(silent, float64(s.unheeded(v))) < 0.1
}

// unheeded is how many bundles with this robot's deltas alone are over and were
// not answered, if none was. The latest may be on its way.
func (s *seat) unheeded(v *voice) int {
	if v.heeded > 0 {
		return 0
	}
	n := int(v.sent)
	if b := &s.bundles[(int(s.next)+recent-1)%recent]; b.only == v.id && !b.answered {
		n--
	}
	return n
}

// answersAll reports whether the seat answers whatever robots write, as far as
// is known. The bundle at hand has not been answered yet.
func (s *seat) answersAll(t instant) bool {
	s.ring.move(t.tick())
	answered, delivered := s.ring.count(0, robotAnswered), s.ring.count(0, robotDelivered)
	return 10*answered >= 9*(delivered-1) && !slices.ContainsFunc(s.voices, func(v voice) bool { return s.unheeded(&v) > 0 })
}

// meant is the part of the bundle that an answer is taken to answer: the one
// that tells most, so that a robot that writes on its own cannot hide a chain by
// writing at its end. What a robot wrote that the seat ignores, as the middle of a pipeline
// ignores the robot after it, is not meant.
func (s *seat) meant(t instant, d *Delivery) Part {
	found := Part{d.Author, d.Cause}
	if len(d.Parts) == 0 {
		return found
	}
	ignored := s.ignores(t, robotOf(d.Author))
	for _, p := range d.Parts {
		if (ignored || p.Tells(found)) && !s.ignores(t, robotOf(p.Author)) {
			found, ignored = p, false
		}
	}
	return found
}

// deepest is the part of the bundle that an answer which names none is taken to
// answer. Its links convict only after tests, so the deepest counts, whatever
// robots beside it name.
func (s *seat) deepest(t instant, d *Delivery) Part {
	found := Part{d.Author, d.Cause}
	if s.ignores(t, robotOf(d.Author)) {
		found = s.meant(t, d)
	}
	for _, p := range d.Parts {
		if p.Cause.Depth > found.Cause.Depth && !s.ignores(t, robotOf(p.Author)) {
			found = p
		}
	}
	return found
}

// heed notes that a bundle was answered which held deltas of one robot only.
func (s *seat) heed(only uint8) {
	for i := range s.voices {
		if v := &s.voices[i]; v.id == only {
			v.heeded++
		}
	}
}

// resend takes note of a new attempt at a bundle. What came in between goes with
// it: if it holds deltas of others too, it no longer tells whom the seat heeds.
func (s *seat) resend(t instant, d *Delivery, b *bundle) {
	i := slices.IndexFunc(s.voices, func(v voice) bool { return b.only != 0 && v.id == b.only })
	if i < 0 || b.answered || s.onlyOne(t, d) && s.voices[i].author == robotOf(s.meant(t, d).Author) {
		return
	}
	b.only = 0
	s.voices[i].sent--
}

// onlyOne reports whether the bundle holds deltas of only one robot that the
// seat does not ignore.
func (s *seat) onlyOne(t instant, d *Delivery) bool {
	n := 0
	for _, p := range d.Parts {
		if !s.ignores(t, robotOf(p.Author)) {
			n++
		}
	}
	return len(d.Parts) < 2 || n == 1
}
