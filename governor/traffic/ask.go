package traffic

import (
	"slices"

	"weir/governor"
	"weir/wavelet"
)

func (p *Replay) commit(x *item) {
	c := &x.row.Commit
	f := fate{at: p.now}
	if from := p.deltas.get(c.Delta.ID); from != nil {
		f.late, f.gone, f.refused = from.late, from.gone, from.refused
	}
	if k := c.Delta.Cause.Kind; x.mine != nil || k == wavelet.Robot || k == wavelet.Assumed {
		p.settle(x, f)
	}
	if f.gone {
		p.never(x, f.refused)
		return
	}
	p.tell(x, p.gov.Commit(p.now, *c), false)
}

func (p *Replay) deliver(x *item) {
	r, d := x.row, x.row.Delivery
	here, passed := lane{d.Seat, d.RobotLane}, r.Outcome == Passed
	if w := p.waiting[here]; w != nil && w != x && passed {
		w.dead = true
		p.settle(w, fate{at: p.now, gone: w.row.Delivery.Bundle != d.Bundle, late: p.now.Sub(w.row.At)})
		if w.row.Delivery.Bundle != d.Bundle {
			merge(&d, w.row.Delivery)
			p.never(w, false)
		}
	}
	if passed {
		delete(p.waiting, here)
	}
	if !p.told(&d) {
		p.settle(x, fate{at: p.now, gone: true})
		p.never(x, false)
		return
	}
	d.Sent = p.now
	v := p.gov.Deliver(p.now, d)
	p.tell(x, v, passed && v.Refuse != nil)
	if v.Refuse == nil && v.Delay > 0 && passed && !x.last {
		x.due, x.asked, x.row = p.now.Add(v.Delay), true, mergedRow(r, &d)
		p.waiting[here] = x
		p.postpone(x)
		return
	}
	f := fate{at: p.now, late: max(0, p.now.Sub(r.At))}
	switch {
	case v.Refuse != nil && passed:
		f = fate{at: p.now, gone: true, refused: true}
	case v.Delay > 0 && passed:
		f = fate{at: p.now, gone: true}
	}
	if !x.usual(&f, p.bundles.get(d.Bundle)) {
		p.settle(x, f)
	}
}

// merge adds to a bundle what an earlier one would have told.
func merge(d *governor.Delivery, earlier governor.Delivery) {
	parts := slices.Clone(d.Parts)
	for _, x := range earlier.Parts {
		if !slices.ContainsFunc(parts, func(y governor.Part) bool { return y.Author == x.Author }) {
			parts = append(parts, x)
		}
	}
	d.Parts = parts
	if earlier.Cause.Depth > d.Cause.Depth {
		d.Cause, d.Author = earlier.Cause, earlier.Author
	}
}

// mergedRow is a row with its delivery as it is now.
func mergedRow(r *Row, d *governor.Delivery) *Row {
	merged := *r
	merged.Delivery = *d
	return &merged
}

func (p *Replay) answer(x *item) {
	r, a := x.row, x.row.Answer
	passed := r.Outcome != Refused
	var from fate
	if f := p.bundles.get(a.Named.Bundle); f != nil {
		from = *f
	}
	if x.after != nil && x.after.refused {
		from = fate{gone: true, refused: true}
	}
	if a.Named.Bundle != "" && !from.gone && !thin(&a.Named, p.unwritten, p.unwritten) {
		from.gone = true
	}
	if from.gone {
		p.settle(x, fate{at: p.now, gone: true, refused: from.refused})
		p.never(x, from.refused && passed)
		return
	}
	if from.late > 0 {
		a.Named.Sent = from.at
	}
	v := p.gov.Answer(p.now, a)
	p.tell(x, v, passed && v.Refuse != nil)
	f := fate{at: p.now, late: max(0, p.now.Sub(r.At)) + max(0, v.Delay-r.Delay)}
	if v.Refuse != nil {
		f = fate{at: p.now, gone: true, refused: true}
	}
	if !x.usual(&f, p.deltas.get(a.Delta)) {
		p.settle(x, f)
	}
}

func (p *Replay) call(x *item) {
	r := x.row
	v := p.gov.Call(p.now, r.Robot, r.LimitsQuery)
	passed := r.Outcome == Passed
	p.tell(x, v, passed && v.Refuse != nil)
	if x.mine != nil {
		at := p.now.Add(v.Delay)
		p.settle(x, fate{at: at, late: max(0, at.Sub(x.mine.was)), refused: passed && v.Refuse != nil})
	}
}
