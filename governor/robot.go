package governor

import (
	"slices"
	"strings"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// The channels of a robot's ring.
const (
	requests = iota
	limitsQueries
)

const (
	tokenFor   = 10 * time.Second // a token counts for its first answer without question
	kept       = 10               // decisions kept for the limits view
	mostOwed   = 16               // bundles kept for answers that name none
	pending    = 16               // answers let through whose commit has not been seen
	twiceCutIn = 30 * time.Minute
)

// robot is what is known of one robot in all its wavelets. What every bundle
// touches comes first, so that a decision reads few cache lines.
type robot struct {
	rules     *rules
	suspended *ban    // by the governor, until Resume
	debts     *debts  // nil for a robot that has always named what it answers
	latest    instant // when the latest robot-lane bundle was sent, to any seat
	newest    owed    // the latest bundle, to any seat
	id        wavelet.Participant
	seats     []*seat

	ring      ring      // requests
	slot      instant   // when the latest response goes out
	marks     marks     // as a seat's
	cut       *cutOff   // the latest cut-off, nil if there was none
	let       []letPass // answers let through that were heard elsewhere than written
	decisions []policies.Decided
}

// cutOff is how a robot's requests were cut off.
type cutOff struct {
	began instant
	until instant // requests are refused until then
	rule  string  // by which limit
}

// cutUntil is until when requests are refused, 0 if they are not.
func (r *robot) cutUntil() instant {
	if r.cut == nil {
		return 0
	}
	return r.cut.until
}

// letPass remembers where the answer that became a delta was heard.
type letPass struct {
	delta uint64 // hash of the delta's id
	seat  *seat
}

// pass remembers where an answer was heard until its commit is seen.
func (r *robot) pass(delta wavelet.DeltaID, s *seat) {
	if len(r.let) >= pending {
		r.let = slices.Delete(r.let, 0, 1)
	}
	r.let = append(r.let, letPass{hashOf(string(delta)), s})
}

// passed is where the answer that became this delta was heard, nil if that is
// not known.
func (r *robot) passed(delta wavelet.DeltaID) *seat {
	if len(r.let) == 0 {
		return nil
	}
	hash := hashOf(string(delta))
	for i, p := range r.let {
		if p.delta == hash {
			r.let = slices.Delete(r.let, i, i+1)
			return p.seat
		}
	}
	return nil
}

// record keeps a decision for the limits view.
func (r *robot) record(d Decision) {
	if len(r.decisions) >= kept {
		r.decisions = slices.Delete(r.decisions, 0, 1)
	}
	r.decisions = append(r.decisions, policies.Decided{At: d.Time, Wavelet: d.Wavelet, Rule: d.Rule, Action: d.Action,
		Measured: d.Measured, Limit: d.Limit, Reason: d.Reason(), DryRun: d.DryRun})
}

// robotOf is the address that p's robot is registered under: all its proxies
// are one robot.
func robotOf(p wavelet.Participant) wavelet.Participant {
	if strings.IndexByte(string(p), '+') < 0 && strings.IndexByte(string(p), '#') < 0 {
		return p
	}
	return p.Robot()
}
