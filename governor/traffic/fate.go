package traffic

import (
	"slices"
	"time"

	"weir/governor"
	"weir/wavelet"
)

// fate is what became in a replay of something that was recorded.
type fate struct {
	at      time.Time     // when it happened; of a request, when its response was given
	late    time.Duration // how much later than recorded
	gone    bool          // it never did
	refused bool          // for its robot was refused
	open    bool          // it is put off, and nobody knows yet
	then    []*item       // what waits until that is known
	was     time.Time     // of a request: when its response was recorded
}

// label is how later rows refer to a robot's delta.
type label struct {
	author wavelet.Participant
	cause  wavelet.Cause
}

// lately remembers the fates of the latest things, up to twice as many as
// generation.
type lately[K comparable] struct {
	now, past map[K]*fate
}

const generation = 1 << 15

// get is a thing's fate, nil if nothing is known.
func (l *lately[K]) get(k K) *fate {
	if f, ok := l.now[k]; ok {
		return f
	}
	return l.past[k]
}

func (l *lately[K]) set(k K, f *fate) {
	if l.now == nil || len(l.now) >= generation {
		l.now, l.past = map[K]*fate{}, l.now
	}
	l.now[k] = f
}

// flush is an act's order to drop what waits of a cause.
type flush struct {
	cause string
	at    time.Time
}

// mostFlushes is how many of them a seat remembers.
const mostFlushes = 32

// thin takes out of a delivery what would not be in it, and reports whether
// anything is left. The parts are shared with others and stay as they are.
func thin(d *governor.Delivery, missing, unheard func(label) bool) bool {
	if !d.RobotLane {
		return true
	}
	lost := missing(label{d.Author, d.Cause})
	if len(d.Parts) == 0 {
		return !lost
	}
	parts := slices.DeleteFunc(slices.Clone(d.Parts), func(x governor.Part) bool {
		l := label{x.Author, x.Cause}
		return missing(l) || unheard(l)
	})
	if len(parts) == 0 {
		return false
	}
	d.Parts = parts
	if lost {
		d.Author, d.Cause = parts[0].Author, parts[0].Cause
		for _, x := range parts {
			if x.Cause.Depth > d.Cause.Depth {
				d.Author, d.Cause = x.Author, x.Cause
			}
		}
	}
	return true
}

// unwritten reports whether a robot's delta was never written.
func (p *Replay) unwritten(l label) bool {
	f := p.labels.get(l)
	return f != nil && f.gone
}

// told takes out of a bundle that goes out what was never written, what an act has
// dropped, and what the seat is cut off from. It reports whether anything is left.
func (p *Replay) told(d *governor.Delivery) bool {
	return thin(d, func(l label) bool {
		f := p.labels.get(l)
		return f != nil && (f.gone || slices.ContainsFunc(p.flushed[d.Seat], func(x flush) bool {
			return x.cause == l.cause.ID && !f.at.After(x.at)
		}))
	}, func(l label) bool { return p.gov.Cuts(d.Seat, l.author) })
}
