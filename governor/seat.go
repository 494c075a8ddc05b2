package governor

import (
	"math"
	"slices"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// instant is a time in nanoseconds since 1970; 0 stands for never.
type instant int64

func (t instant) tick() int64 { return int64(t) / int64(tick) }

func (t instant) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(t)).UTC()
}

func (t instant) add(d time.Duration) instant { return t + instant(d) }

func at(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixNano())
}

// The channels of a seat's ring: bundles delivered in each lane, and of these
// the ones answered, counted at the tick of the delivery.
const (
	humanDelivered = iota
	robotDelivered
	humanAnswered
	robotAnswered
)

// recent is how many bundles a seat remembers one by one: 12 s at the default
// pace, more than a token counts without question.
const recent = 24

// seat is what is known of one robot in one wavelet.
type seat struct {
	id    wavelet.Seat
	robot *robot
	room  *room

	ring        ring
	bundles     [recent]bundle
	next        int        // where in bundles the next one goes
	latest      [2]instant // when the latest human-lane and robot-lane bundle was sent
	sent        instant    // when anything was last sent, new attempts too
	deep        heard      // the latest robot-lane bundle
	delivered   uint64
	answered    uint64
	depth       int // of the latest answer
	exact       int
	toHumans    decayed // answers to human-lane bundles
	toRobots    decayed // answers to robot-lane bundles
	triggers    []edge  // who it answers
	lastVoice   uint8
	voices      []voice // robots it was sent bundles of that held nobody else's deltas
	marks       marks
	over        [mostRatios]instant // since when a ratio that acts has been over its limit
	slowed      marks               // of these, the rules that slow the robot lane
	aboveAt     instant             // when a marked rule was last at or above its warning level
	acted       instant             // when a cycle that this seat lies on was last acted on
	struck      instant             // when this seat was itself acted on
	offences    []instant
	cuts        []wavelet.Participant
	ban         *ban
	gone        bool // forgotten
	touched     instant
	posInRobot  int
	newer, past *seat // by time of last touch
}

// bundle is a delivery that may still be answered.
type bundle struct {
	hash     uint64
	at       instant // when it was first sent
	seq      uint32  // of its slot in the ring
	robots   bool    // robot lane
	only     uint8   // the voice whose deltas alone it holds, 0 if there are several
	answered bool
}

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
	if b := &s.bundles[(s.next+recent-1)%recent]; b.only == v.id && !b.answered {
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

// meant is the part of the bundle that an answer is taken to answer: the
// deepest delta, but not that of a robot which the seat ignores, as the middle
// of a pipeline ignores the robot after it.
func (s *seat) meant(t instant, d *Delivery) Part {
	deepest := Part{d.Author, d.Cause}
	if len(d.Parts) < 2 || !s.ignores(t, robotOf(d.Author)) {
		return deepest
	}
	found := Part{}
	for _, p := range d.Parts {
		if !s.ignores(t, robotOf(p.Author)) && (found.Author == "" || deeper(p.Cause, found.Cause)) {
			found = p
		}
	}
	if found.Author == "" {
		return deepest
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

func deeper(a, b wavelet.Cause) bool {
	if a.Depth != b.Depth {
		return a.Depth > b.Depth
	}
	return a.Exact > b.Exact
}

// heard is the lineage of a bundle, for answers that do not name it and for the
// limits view.
type heard struct {
	at     instant
	cause  string
	depth  int // of the deepest delta in it
	exact  int
	author wavelet.Participant
	seat   *seat
}

// ban is an eviction that has not been taken back.
type ban struct {
	kind     Kind // Evict, or Suspend in this wavelet
	rule     string
	since    instant
	cooldown instant
}

// find is the record of the bundle with this hash, nil if it is forgotten.
func (s *seat) find(hash uint64) *bundle {
	for i := range s.bundles {
		if b := &s.bundles[i]; b.hash == hash {
			return b
		}
	}
	return nil
}

// deliver counts a bundle that goes out, a new attempt at one only as sent. It
// reports whether the bundle is new.
func (s *seat) deliver(t instant, d *Delivery) bool {
	s.sent = t
	lane := humanDelivered
	if d.RobotLane {
		lane = robotDelivered
		p := s.meant(t, d)
		s.deep = heard{at: t, cause: p.Cause.ID, depth: p.Cause.Depth, exact: p.Cause.Exact, author: p.Author, seat: s}
	}
	s.latest[lane] = t
	hash := hashOf(d.Bundle)
	if s.find(hash) != nil {
		return false
	}
	s.ring.move(t.tick())
	only := uint8(0)
	if d.RobotLane && s.onlyOne(t, d) {
		v := s.voice(robotOf(s.meant(t, d).Author))
		v.sent++
		only = v.id
	}
	s.bundles[s.next] = bundle{hash: hash, at: t, seq: s.ring.add(t.tick(), lane), robots: d.RobotLane, only: only}
	s.next = (s.next + 1) % recent
	s.delivered++
	return true
}

// out is why nothing of the seat is let through, nil if it is in.
func (s *seat) out(t instant) *Refusal {
	if r := s.robot.suspended; r != nil {
		return refuseSuspended(s.robot.id, r)
	}
	if s.ban == nil {
		return nil
	}
	return s.refuseBanned(t)
}

// ratio is answered and delivered bundles that the rule counts, in its window.
func (s *seat) ratio(rule *ratioRule) (answered, delivered int) {
	answered, delivered = s.ring.count(rule.whole, robotAnswered), s.ring.count(rule.whole, robotDelivered)
	if rule.Count == policies.CountAll {
		answered += s.ring.count(rule.whole, humanAnswered)
		delivered += s.ring.count(rule.whole, humanDelivered)
	}
	return answered, delivered
}

// spread reports whether bundles that the rule counts were delivered in both
// the first and the last tenth of its window.
func (s *seat) spread(t instant, rule *ratioRule) bool {
	first := s.ring.count(rule.whole, robotDelivered) - s.ring.count(rule.early, robotDelivered)
	last := s.latest[robotDelivered]
	if rule.Count == policies.CountAll {
		first += s.ring.count(rule.whole, humanDelivered) - s.ring.count(rule.early, humanDelivered)
		last = max(last, s.latest[humanDelivered])
	}
	return first > 0 && t-last <= instant(rule.Window/10)
}

// halfLife is that of the who-triggers-whom counts.
const halfLife = 2 * time.Minute

// decayed is a count that halves every two minutes.
type decayed struct {
	value float64
	at    instant
}

func (d *decayed) now(t instant) float64 {
	if d.value == 0 || t <= d.at {
		return d.value
	}
	return d.value * math.Exp2(-float64(t-d.at)/float64(halfLife))
}

func (d *decayed) inc(t instant) { d.value, d.at = d.now(t)+1, max(t, d.at) }

// hashOf maps an id to 64 bits, never 0. It is stable over restarts. Bundle ids
// are themselves hashes, so nobody gains from finding collisions.
func hashOf(id string) uint64 {
	const k = 0x9e3779b97f4a7c15
	h := uint64(len(id)) * k
	for len(id) >= 8 {
		w := uint64(id[0]) | uint64(id[1])<<8 | uint64(id[2])<<16 | uint64(id[3])<<24 |
			uint64(id[4])<<32 | uint64(id[5])<<40 | uint64(id[6])<<48 | uint64(id[7])<<56
		h = (h ^ w) * k
		h ^= h >> 29
		id = id[8:]
	}
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * k
		h ^= h >> 29
	}
	return h | 1
}
