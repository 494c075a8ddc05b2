package governor

import (
	"math"
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

// recent is how many bundles a seat remembers one by one: 10 s at the default
// pace, as long as a token counts without question.
const recent = 20

// seat is what is known of one robot in one wavelet. What every bundle touches
// comes first, so that a decision reads few cache lines.
type seat struct {
	robot     *robot
	ban       *ban
	touched   instant
	sent      instant    // when anything was last sent, new attempts too
	latest    [2]instant // when the latest human-lane and robot-lane bundle was sent
	aboveAt   instant    // when a marked rule was last at or above its warning level
	marks     marks
	slowed    marks // the ratio rules that slow the robot lane
	next      uint8 // where in bundles the next one goes
	lastVoice uint8
	gone      bool  // forgotten
	place     int32 // among its robot's seats
	delivered uint64
	ring      ring
	voices    []voice        // robots it was sent bundles of that held nobody else's deltas
	deep      heard          // the latest robot-lane bundle
	cause     *cause         // what it answered in last, nil if nothing; it may be forgotten
	habit     *habit         // how it answers without a name; nil if it has not
	hashes    [recent]uint64 // of the ids of bundles
	bundles   [recent]bundle

	answered uint64
	depth    int32 // of the latest answer
	exact    int32
	toHumans decayed             // answers to human-lane bundles
	toRobots decayed             // answers to robot-lane bundles
	triggers []edge              // who it answers
	over     [mostRatios]instant // since when a ratio that acts has been over its limit
	acted    instant             // when a cycle that this seat lies on was last acted on
	struck   instant             // when this seat was itself acted on
	offences []instant
	cuts     []wavelet.Participant
	id       wavelet.Seat
	room     *room
	idle     rank[seat]
}

// bundle is a delivery that may still be answered.
type bundle struct {
	at       instant // when it was first sent
	seq      uint32  // of its slot in the ring
	robots   bool    // robot lane
	only     uint8   // the voice whose deltas alone it holds, 0 if there are several
	answered bool
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

// hears is the lineage of a bundle of which the part counts.
func (s *seat) hears(t instant, p Part) heard {
	return heard{at: t, cause: p.Cause.ID, depth: p.Cause.Depth, exact: p.Cause.Exact, author: p.Author, seat: s}
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
	for i, h := range s.hashes {
		if h == hash {
			return &s.bundles[i]
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
		s.deep = s.hears(t, s.meant(t, d))
	}
	s.latest[lane] = t
	hash := hashOf(d.Bundle)
	if b := s.find(hash); b != nil {
		s.resend(t, d, b)
		return false
	}
	s.ring.move(t.tick())
	only := uint8(0)
	if d.RobotLane && s.onlyOne(t, d) {
		v := s.voice(robotOf(s.meant(t, d).Author))
		v.sent++
		only = v.id
	}
	s.hashes[s.next] = hash
	s.bundles[s.next] = bundle{at: t, seq: s.ring.add(t.tick(), lane), robots: d.RobotLane, only: only}
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
	all := rule.Count == policies.CountAll
	last := s.latest[robotDelivered]
	if all {
		last = max(last, s.latest[humanDelivered])
	}
	if t-last > instant(rule.Window/10) {
		return false
	}
	tenth := t.add(-rule.Window + rule.Window/10).tick()
	for at, n := range s.ring.from(rule.whole) {
		if at > tenth {
			break
		}
		if n[robotDelivered] > 0 || all && n[humanDelivered] > 0 {
			return true
		}
	}
	return false
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
