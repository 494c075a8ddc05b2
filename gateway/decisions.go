package gateway

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"weir/governor"
	"weir/store"
	"weir/wavelet"
)

// Decisions yields the decisions about a robot in a wavelet from an instant on,
// the newest first and at most limit of them. The zero Participant, Name, Time
// and limit leave that open.
func (g *Gateway) Decisions(robot wavelet.Participant, name wavelet.Name, since time.Time, limit int) iter.Seq2[governor.Decision, error] {
	fits := func(d governor.Decision) bool {
		return (robot == "" || d.Robot == robot) && (name.IsZero() || d.Wavelet == name.String()) && !d.Time.Before(since)
	}
	return func(yield func(governor.Decision, error) bool) {
		list, err := g.keeper.list(since, fits)
		for i := len(list) - 1; i >= 0 && (limit <= 0 || len(list)-i <= limit); i-- {
			if !yield(list[i], nil) {
				return
			}
		}
		if err != nil {
			yield(governor.Decision{}, err)
		}
	}
}

// list is the decisions that fit, the oldest first.
func (k *keeper) list(since time.Time, fits func(governor.Decision) bool) ([]governor.Decision, error) {
	k.mu.Lock()
	waiting := slices.Clone(k.decisions)
	k.mu.Unlock()
	var list []governor.Decision
	for rec, err := range k.kv.Scan(bucketDecision, store.Key(stamp(since)), nil) {
		if err != nil {
			return list, fmt.Errorf("read the decisions: %w", err)
		}
		var d governor.Decision
		if err := json.Unmarshal(rec.Value, &d); err != nil {
			return list, fmt.Errorf("read decision %x: %w", rec.Key, err)
		}
		if fits(d) {
			list = append(list, d)
		}
	}
	for _, d := range waiting {
		if fits(d) {
			list = append(list, d)
		}
	}
	return list, nil
}

// stamp is an instant as a number that keys are ordered by.
func stamp(t time.Time) uint64 { return uint64(max(t.UnixNano(), 0)) }

// addDecisions writes new decisions, and deletes the oldest ones that are too
// many then.
func (k *keeper) addDecisions(b *batches, list []governor.Decision) error {
	for _, d := range list {
		value, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("write a decision: %w", err)
		}
		k.number++
		b.add(store.Write{Bucket: bucketDecision, Key: store.Key(stamp(d.Time), k.number), Value: value})
	}
	k.written += len(list)
	surplus := k.written - k.max
	if surplus <= 0 {
		return nil
	}
	for rec, err := range k.kv.Scan(bucketDecision, nil, nil) {
		if err != nil {
			return fmt.Errorf("find old decisions: %w", err)
		}
		if surplus == 0 {
			break
		}
		b.add(store.Write{Bucket: bucketDecision, Key: rec.Key, Delete: true})
		k.written--
		surplus--
	}
	return nil
}

// countDecisions finds out how many decisions there are.
func (k *keeper) countDecisions() error {
	for rec, err := range k.kv.Scan(bucketDecision, nil, nil) {
		if err != nil {
			return err
		}
		k.written++
		k.number = max(k.number, store.KeyPart(rec.Key, 1))
	}
	return nil
}
