package live

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/robots/kit"
	"weir/sim"
	"weir/wavelet"
)

// Authors write into so many blips, one after the other. Robots need more, for
// they may write many lines before others hear of them.
const (
	robotBlips  = 24
	personBlips = 6
)

// compose writes the operations of one delta of a robot, the first of which writes
// the line, into out.
func (r *run) compose(out *kit.Reply, b *robot, to *room, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range b.Operations {
		if own := to.own[b.Address]; len(own) < robotBlips {
			out.Append(line)
		} else {
			out.Say(string(own[b.lines%robotBlips]), line)
		}
		b.lines++
		line = fmt.Sprintf("and on it goes, %d", b.lines)
	}
}

// goOn writes what is left from the write with the index next on. Begun is when the
// one before it was, and say writes a line and reports whether the robot gives up.
func (r *run) goOn(seat wavelet.Seat, w *sim.Writes, next int, begun time.Duration, say func(to *room, line string) (out bool)) {
	for ; next < len(w.List); next++ {
		x := w.List[next]
		if x.Gap > 0 && !r.until(begun+x.Gap) {
			return
		}
		begun = r.at()
		if say(r.rooms[x.To], r.number(&written{w, next, seat})) {
			return
		}
	}
}

// unasked has a robot write in groups.
func (r *run) unasked(b *robot) {
	due := time.Duration(0)
	for n := 0; n == 0 || n != b.Spontaneous.Count; n++ {
		r.mu.Lock()
		due += b.Pause()
		r.mu.Unlock()
		if !r.until(due) {
			return
		}
		r.mu.Lock()
		w := b.Unasked(fmt.Sprintf("%s/unasked/%d", b.Name, n))
		r.mu.Unlock()
		if b.Remote {
			r.wg.Go(func() { r.goOnElsewhere(b, wavelet.Seat{}, &w) })
			continue
		}
		say := func(to *room, line string) bool { return r.call(b, nil, to, line) }
		if b.asks != nil {
			say = func(to *room, line string) bool { return errors.Is(b.asks.say(nil, nobody, to, line), errOut) }
		}
		r.wg.Go(func() { r.goOn(wavelet.Seat{}, &w, 0, r.at(), say) })
	}
}

// call has a robot write a line by a call, which shows that it answers a bundle, if
// there is one to show. What is refused, or held back, is lost; out reports that the
// robot was put out and gives up.
func (r *run) call(b *robot, shown *kit.Bundle, to *room, line string) (out bool) {
	ctx := r.ctx
	if shown != nil {
		ctx = kit.Answering(ctx, shown)
	}
	said := kit.NewReply(to.name.Wave, to.name.Wavelet)
	r.compose(said, b, to, line)
	results, err := b.kit.Call(ctx, said)
	for _, o := range results {
		if o.Error == nil {
			continue
		}
		return errors.Is(r.turnedAway(b, o.Error), errOut)
	}
	if _, kept := errors.AsType[*kit.Held](err); kept {
		r.keptBack()
	}
	if whole, ok := errors.AsType[*kit.Refusal](err); ok {
		return whole.Data.Code == string(wavelet.CodeSuspended)
	}
	return err != nil && r.ctx.Err() != nil // if the server restarts, what was to be written is lost
}

// turnedAway notes what the active API refused a robot.
func (r *run) turnedAway(b *robot, why *kit.Refusal) error {
	code := why.Data.Code
	if code == "" { // refused before it came to a limit, which the message begins with
		code, _, _ = strings.Cut(why.Message, ": ")
	}
	if code == "Access rejected" {
		code = string(wavelet.CodeNotParticipant)
	}
	return r.refused(b, why.Data.Limit, wavelet.Code(code))
}
