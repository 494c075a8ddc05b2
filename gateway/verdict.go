package gateway

import (
	"context"
	"slices"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// carry carries a verdict out, as far as it is not about the matter it was asked
// for: it keeps the decisions, has the warnings told, and starts the acts. What
// an act forbids is forbidden when carry returns. It never blocks.
func (g *Gateway) carry(now time.Time, v governor.Verdict) {
	g.keeper.touch()
	if len(v.Warnings)+len(v.Decisions)+len(v.Acts) == 0 {
		return
	}
	var news []Happening
	for i := range v.Decisions {
		d := v.Decisions[i]
		g.keeper.log.Add(d)
		news = append(news, Happening{At: now, Kind: Decided, Seat: seatOf(d), Decision: &d})
	}
	g.mu.Lock()
	for i := range v.Warnings {
		w := v.Warnings[i]
		g.warn(w)
		news = append(news, Happening{At: now, Kind: Warned, Seat: wavelet.Seat{Wavelet: w.Wavelet, Robot: w.Robot}, Warning: &w})
	}
	for _, a := range v.Acts {
		g.act(a)
	}
	g.mu.Unlock()
	g.tell(news...)
}

// seatOf is the seat a decision is about; its wavelet is zero if it is about the
// robot as a whole.
func seatOf(d governor.Decision) wavelet.Seat {
	name, err := wavelet.ParseName(d.Wavelet)
	if err != nil {
		name = wavelet.Name{}
	}
	return wavelet.Seat{Wavelet: name, Robot: d.Robot}
}

// warn keeps a warning for the next bundle: to the seat, or to any seat of the
// robot. A newer one about the same limit takes its place. g.mu is held.
func (g *Gateway) warn(w governor.Warning) {
	r := g.robotAt(w.Robot)
	r.stats.Warnings++
	list := &r.warnings
	if !w.Wavelet.IsZero() {
		s := g.seats[wavelet.Seat{Wavelet: w.Wavelet, Robot: w.Robot}]
		if s == nil {
			return
		}
		list = &s.warnings
	}
	*list = slices.DeleteFunc(*list, func(x governor.Warning) bool { return x.Limit.Name == w.Limit.Name })
	if len(*list) < maxNotes {
		*list = append(*list, w)
	}
}

// act starts an act. g.mu is held.
func (g *Gateway) act(a governor.Act) {
	if a.Flush != "" {
		for _, id := range a.Cycle {
			if s := g.seats[id]; s != nil {
				s.lane.Flush(a.Flush)
				if s.reader != nil {
					s.reader.flush(a.Flush, s.lane.Head())
				}
				g.mark(s)
				g.rearm(s)
			}
		}
	}
	if a.Kind == governor.Evict {
		g.stop(a.Seat, a.Decision)
		g.robotAt(a.Seat.Robot).stats.Evictions++
	}
	// A seat that is suspended gets no bundle past Governor.Deliver, and
	// Governor.Cuts tells which deltas raise no event.
	g.errands = append(g.errands, errand{act: a.Kind, seat: a.Seat, decision: a.Decision})
	call(g.called)
}

// stop drops all that waits for a seat and calls its flight back. g.mu is held.
func (g *Gateway) stop(id wavelet.Seat, d governor.Decision) {
	s := g.seats[id]
	if s == nil {
		return
	}
	s.verdict = &d
	s.lane.Stop()
	if s.cancel != nil {
		s.cancel(ErrEvicted)
	}
	g.rearm(s)
}

// Barred refuses a seat whose robot was put out, or suspended in its wavelet: the
// error is a *wavelet.Refusal with code "evicted". It is nil for others.
func (g *Gateway) Barred(id wavelet.Seat) error {
	n, out := g.gov.Banned(g.clock.now(), id)
	if !out {
		return nil
	}
	return &wavelet.Refusal{
		Code: wavelet.CodeEvicted, Op: -1, Limit: n.Rule,
		Reason: string(id.Robot) + " was put out of this wavelet by the rule " + n.Rule + " at " + n.Since.UTC().Format(time.RFC3339),
		Remedy: "a participant may add it again after " + n.Cooldown.UTC().Format(time.RFC3339),
	}
}

// Find is the newest state of a wavelet, unless the robot was put out of it: then
// the error is Barred's. One in which the robot never took part is found too: it
// is for the caller to tell it nothing of that. The state is read only.
func (g *Gateway) Find(ctx context.Context, id wavelet.Seat) (*wavelet.State, error) {
	if err := g.Barred(id); err != nil {
		return nil, err
	}
	return g.host.Snapshot(ctx, id.Wavelet, Head)
}

// Limits is what a robot is told about its limits.
func (g *Gateway) Limits(robot wavelet.Participant) policies.Limits {
	return g.gov.Limits(g.clock.now(), robot)
}

// Resume ends a suspension, by the governor, of what is not in the roster: a
// person's programs. A registered robot is resumed by its registry, whose word
// comes with RobotChanged.
func (g *Gateway) Resume(robot wavelet.Participant) {
	g.gov.Resume(g.clock.now(), robot)
	g.keeper.touch()
}
