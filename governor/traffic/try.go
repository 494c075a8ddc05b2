package traffic

import (
	"context"
	"fmt"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Policies are the profiles of a replay.
type Policies struct {
	Default policies.Profile // of robots that Rules knows none of
	Rules   Rules
}

// Question says what is to be tried on which traffic.
type Question struct {
	InForce, Tried Policies
	Since, Until   time.Time           // the time whose decisions are compared; no Until: to the end of the record
	Robot          wavelet.Participant // compare only what is about this robot; "": all
	Wavelet        wavelet.Name        // and in this wavelet; zero: all
	Progress       func(Progress)      // told every moment or so; nil: nobody is
}

// Progress is how far a comparison has come.
type Progress struct {
	Rows uint64    `json:"rows"`
	At   time.Time `json:"at"`   // of the last row
	Done float64   `json:"done"` // share of the time
}

// warmUp is how long before the time that is compared the replays begin, so that
// their counts are full: as long as the governor remembers a seat.
const warmUp = time.Hour

// Try replays the recorded traffic under the policies in force and under those
// that are tried, and compares what the two decide. Both begin an hour early and
// know nothing of the time before. An error is that of the record or of ctx.
func (l *Log) Try(ctx context.Context, q Question) (Report, error) {
	c := newComparison(&q)
	replays := [2]*Replay{
		NewReplay(q.InForce.Default, q.InForce.Rules, func(e Event) { c.take(inForce, &e) }),
		NewReplay(q.Tried.Default, q.Tried.Rules, func(e Event) { c.take(tried, &e) }),
	}
	rows, last := uint64(0), time.Time{}
	for row, err := range l.Rows(ctx, q.Since.Add(-warmUp)) {
		if err != nil {
			return Report{}, fmt.Errorf("replay the recorded traffic: %w", err)
		}
		if q.beyond(row.At) {
			continue
		}
		last = row.At
		c.count(row)
		for _, p := range replays {
			p.Take(row)
		}
		const often = 20_000
		if rows++; q.Progress != nil && rows%often == 0 {
			q.Progress(Progress{Rows: rows, At: row.At, Done: q.done(row.At)})
		}
	}
	for _, p := range replays {
		p.Until(last)
	}
	return c.report(), nil
}

// beyond reports whether an instant is after the time that is compared.
func (q *Question) beyond(at time.Time) bool { return !q.Until.IsZero() && at.After(q.Until) }

// done is the share of the time that has been replayed.
func (q *Question) done(at time.Time) float64 {
	begin, end := q.Since.Add(-warmUp), q.Until
	if end.IsZero() {
		end = time.Now()
	}
	return min(1, max(0, at.Sub(begin).Seconds()/end.Sub(begin).Seconds()))
}
