package decisions

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

// Entry is a decision as the log holds it.
type Entry struct {
	Number uint64 `json:"number"`
	governor.Decision
}

// Filter chooses entries. Each zero field leaves that open.
type Filter struct {
	Robot   wavelet.Participant // the decision is about this robot
	Wavelet wavelet.Name        // and about what it does in this wavelet
	Since   time.Time           // and was taken then or later
	Rule    string              // by this rule, such as depth
	Action  string              // with this outcome, such as evict
}

// Fits reports whether the filter lets a decision through.
func (f Filter) Fits(d governor.Decision) bool {
	return (f.Robot == "" || d.Robot == f.Robot) &&
		(f.Wavelet.IsZero() || d.Wavelet == f.Wavelet.String()) &&
		!d.Time.Before(f.Since) &&
		(f.Rule == "" || d.Rule == f.Rule) &&
		(f.Action == "" || d.Action == f.Action)
}

// After yields the entries with numbers above number, the oldest first, up to
// the newest at the time of the call. An error ends it.
func (l *Log) After(number uint64, f Filter) iter.Seq2[Entry, error] {
	last := l.Stats().Last
	return func(yield func(Entry, error) bool) {
		if number >= last {
			return
		}
		for rec, err := range l.kv.Scan(bucket, store.Key(number+1), store.Key(last+1)) {
			e, err := decode(rec, err)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if f.Fits(e.Decision) && !yield(e, nil) {
				return
			}
		}
	}
}

// page is how many entries are read at once on the way back.
const page = 256

// Before yields the entries with numbers below number, the newest first; 0
// stands for all. An error ends it.
func (l *Log) Before(number uint64, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		have := l.Stats()
		end := have.Last + 1
		if number > 0 {
			end = min(end, number)
		}
		for end > have.First {
			from := max(have.First, end-min(end, page))
			var list []Entry
			for rec, err := range l.kv.Scan(bucket, store.Key(from), store.Key(end)) {
				e, err := decode(rec, err)
				if err != nil {
					yield(Entry{}, err)
					return
				}
				list = append(list, e)
			}
			for _, e := range slices.Backward(list) {
				if f.Fits(e.Decision) && !yield(e, nil) {
					return
				}
			}
			end = from
		}
	}
}

// decode reads an entry from its record.
func decode(rec store.Record, err error) (Entry, error) {
	if err != nil {
		return Entry{}, fmt.Errorf("read the decisions: %w", err)
	}
	e := Entry{Number: store.KeyPart(rec.Key, 0)}
	if err := json.Unmarshal(rec.Value, &e.Decision); err != nil {
		return Entry{}, fmt.Errorf("read decision %d: %w", e.Number, err)
	}
	return e, nil
}
