package gateway

import (
	"context"
	"fmt"

	"weir/admission/bounds"
	"weir/events"
	"weir/governor"
	"weir/policies"
	"weir/wavelet"

	"github.com/google/uuid"
)

// answer commits what a robot answered, and counts what was committed. What is
// refused the robot is told with a later bundle. What fails by the server's own
// fault is tried until it succeeds or ctx ends, for asking the robot again would
// not help and may cost it much. So an error means that ctx has ended.
func (g *Gateway) answer(ctx context.Context, s *seat, t Take, profile policies.Profile, b events.Bundle, named governor.Delivery, a events.Answer) (int, error) {
	failed := a.Failures
	deltas := a.Deltas[:g.fitting(profile, a.Deltas)]
	if n := len(a.Deltas) - len(deltas); n > 0 {
		failed = append(failed, events.OperationFailure{Code: 400, Message: fmt.Sprintf(
			"limit: the answer is too long, its last %d deltas were not applied; answer with at most %d operations and %d bytes",
			n, profile.Delivery.MaxOps, g.maxAnswer(profile))})
	}
	o := offer{Take: t, Named: named, Deltas: replies(b.ID, deltas)}
	o.Take.To = b.Version
	if err := g.promise(ctx, s, o); err != nil {
		return 0, err
	}
	committed, refused, err := g.write(ctx, s, o)
	if err != nil {
		return committed, err
	}
	g.note(s, append(failed, refused...))
	return committed, nil
}

// write commits the deltas of an answer, and counts what was committed. Its error
// is that of ctx.
func (g *Gateway) write(ctx context.Context, s *seat, o offer) (committed int, failed []events.OperationFailure, err error) {
	for _, r := range o.Deltas {
		d, kept := g.screen(r.AnswerDelta)
		if failed = append(failed, kept...); len(d.Ops) == 0 {
			continue
		}
		a := governor.Answer{Robot: s.Robot, Wavelet: d.Wavelet, Delta: r.ID, Door: governor.Reply, Named: o.Named}
		err := g.insist(ctx, s, o.Take, func() error {
			c, err := g.submit(ctx, a, ViaReply, "", d)
			if err == nil && len(c.Delta.Ops) > 0 {
				committed++
			}
			return err
		})
		if !final(err) {
			return committed, failed, err
		}
		if err != nil {
			failed = append(failed, g.failure(wavelet.Seat{Wavelet: d.Wavelet, Robot: s.Robot}, err))
		}
	}
	return committed, failed, nil
}

// note has failures wait to be told to a seat.
func (g *Gateway) note(s *seat, failed []events.OperationFailure) {
	g.mu.Lock()
	s.failed = append(s.failed, first(failed, max(0, maxNotes+s.told-len(s.failed)))...)
	g.mu.Unlock()
}

// insist calls f until its error is final or ctx ends.
func (g *Gateway) insist(ctx context.Context, s *seat, t Take, f func() error) error {
	for wait := ownTrouble; ; wait = min(2*wait, 30*ownTrouble) {
		err := f()
		if final(err) || ctx.Err() != nil {
			return err
		}
		g.troubled(ctx, s, t, fmt.Errorf("commit the answer: %w", err))
		if err := g.clock.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (g *Gateway) maxAnswer(p policies.Profile) int {
	return orElse(g.o.MaxAnswer, orElse(p.Delivery.MaxBody, 1<<20))
}

// fitting is how many deltas of an answer are within its limits, those of one
// delta being all or nothing.
func (g *Gateway) fitting(p policies.Profile, deltas []events.AnswerDelta) int {
	ops, bytes := 0, 0
	for i, d := range deltas {
		ops += len(d.Ops)
		for _, op := range d.Ops {
			bytes += textBytes(op)
		}
		if ops > orElse(p.Delivery.MaxOps, 1000) || bytes > g.maxAnswer(p) {
			return i
		}
	}
	return len(deltas)
}

// textBytes is how much text an op brings.
func textBytes(op wavelet.Op) int {
	n := 0
	switch op := op.(type) {
	case wavelet.EditBlip:
		for i := range op.Delta {
			n += len(op.Delta[i].Text())
		}
	case wavelet.CreateBlip:
		for i := range op.Content {
			n += len(op.Content[i].Text())
		}
	case wavelet.SetData:
		n = len(op.Value)
	case wavelet.SetTitle:
		n = len(op.Title)
	}
	return n
}

// Submit commits a delta that a robot sends of its own accord. It may wait, as
// long as ctx lasts. A refusal is a *wavelet.Refusal.
func (g *Gateway) Submit(ctx context.Context, sub Submission) (Receipt, error) {
	a := governor.Answer{Robot: sub.Robot, Wavelet: sub.Delta.Wavelet, Delta: sub.ID, Door: governor.Call}
	if a.Delta == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Receipt{}, fmt.Errorf("name a delta: %w", err)
		}
		a.Delta = wavelet.DeltaID(id.String())
	}
	if sub.Token != "" {
		c, ok := g.signer.open(sub.Token)
		if ok && c.Bundle.Seat.Robot == sub.Robot {
			a.Named = c.Bundle
		} else {
			a.Forged = true
		}
	}
	c, err := g.submit(ctx, a, sub.Via, sub.Person, sub.Delta)
	return Receipt{Commit: c, Forged: a.Forged}, err
}

// submit commits a robot's delta, by whatever door it came.
func (g *Gateway) submit(ctx context.Context, a governor.Answer, via Via, person wavelet.Participant, d events.AnswerDelta) (wavelet.Commit, error) {
	c, err := g.judged(ctx, a, person, d)
	h := Happening{
		At: g.clock.now(), Kind: Answered, Seat: wavelet.Seat{Wavelet: d.Wavelet, Robot: a.Robot}, Via: via, Bundle: a.Named.Bundle,
		Version: c.Version, Depth: c.Delta.Cause.Depth, Exact: c.Delta.Cause.Exact,
	}
	g.mu.Lock()
	st := &g.robotAt(a.Robot).stats
	switch {
	case err == nil && len(c.Delta.Ops) > 0:
		st.Committed++
	case err != nil && final(err):
		st.Refused++
	}
	g.mu.Unlock()
	if err != nil {
		h.Kind, h.Err = Refused, err
	}
	if final(err) {
		g.tell(h)
	}
	return c, err
}

// judged commits a robot's delta if nothing speaks against it. One that was
// committed before is not committed again: the host knows its id.
func (g *Gateway) judged(ctx context.Context, a governor.Answer, person wavelet.Participant, d events.AnswerDelta) (wavelet.Commit, error) {
	if err := g.mayWrite(ctx, a.Robot, person, d); err != nil {
		return wavelet.Commit{}, err
	}
	now := g.clock.now()
	v := g.gov.Answer(now, a)
	g.carry(now, v)
	if v.Refuse != nil {
		return wavelet.Commit{}, refusal(v.Refuse)
	}
	if v.Delay > 0 {
		back := bounds.Aside(ctx) // a robot that is slowed keeps nobody else from working
		err := g.clock.sleep(ctx, v.Delay)
		back()
		if err != nil {
			return wavelet.Commit{}, err
		}
	}
	return g.host.Submit(ctx, d.Wavelet, wavelet.Delta{ID: a.Delta, Author: d.Author, Base: d.Base, Ops: d.Ops, Cause: v.Cause})
}

// mayWrite refuses what the governor need not be asked about: another's name, a
// wavelet the robot was put out of, one it is not in. A person's program may
// what she may.
func (g *Gateway) mayWrite(ctx context.Context, robot, person wavelet.Participant, d events.AnswerDelta) error {
	if person == "" && d.Author.Robot() != robot {
		return &wavelet.Refusal{
			Code: wavelet.CodeNoAccess, Op: -1, Field: "author",
			Reason: fmt.Sprintf("%s cannot write as %s", robot, d.Author),
			Remedy: "write under the robot's own address, or an alias of it",
		}
	}
	if person != "" && (d.Author != person || g.roster.Registered(person.Robot())) {
		return &wavelet.Refusal{
			Code: wavelet.CodeNoAccess, Op: -1, Field: "author",
			Reason: fmt.Sprintf("a program of %s cannot write as %s", person, d.Author),
			Remedy: "write in the name of the person who allowed it, without proxyingFor",
		}
	}
	seat := wavelet.Seat{Wavelet: d.Wavelet, Robot: robot}
	if err := g.Barred(seat); err != nil {
		return err
	}
	state, err := g.host.Snapshot(ctx, d.Wavelet, Head)
	if notFound(err) && creates(d) {
		return nil
	}
	if err != nil {
		return err
	}
	present := events.Present(state, robot)
	if person != "" {
		_, present = state.Role(person)
	}
	if !present {
		return &wavelet.Refusal{
			Code: wavelet.CodeNotParticipant, Op: -1, Field: "author",
			Reason: fmt.Sprintf("%s does not take part in %s", d.Author, d.Wavelet),
			Remedy: "have a participant add it",
		}
	}
	return nil
}

// creates reports whether a delta makes the wavelet it is for, with its author in
// it.
func creates(d events.AnswerDelta) bool {
	if d.Base != 0 || len(d.Ops) == 0 {
		return false
	}
	add, ok := d.Ops[0].(wavelet.AddParticipant)
	return ok && add.Who == d.Author
}

// Admit decides about one HTTP request of the active or data API, or its like
// over another transport, before it is looked at. It may hold the request back
// as long as ctx lasts. A refusal is a *wavelet.Refusal.
func (g *Gateway) Admit(ctx context.Context, robot wavelet.Participant, limitsQuery bool) error {
	now := g.clock.now()
	v := g.gov.Call(now, robot, limitsQuery)
	g.carry(now, v)
	g.mu.Lock()
	st := &g.robotAt(robot).stats
	st.Calls++
	if v.Refuse != nil {
		st.CallsRefused++
	}
	g.mu.Unlock()
	if v.Refuse != nil {
		return refusal(v.Refuse)
	}
	if v.Delay > 0 {
		return g.clock.sleep(ctx, v.Delay)
	}
	return nil
}
