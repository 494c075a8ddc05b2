package sim

import "fmt"

// RunWatched is Run, and reports what no traffic may bring about: a bundle on its
// way while another one is, and a person's delta that is passed over.
func RunWatched(sc *Scenario, o Options, fail func(format string, args ...any)) (Result, error) {
	w, err := newWorld(sc, o)
	if err != nil {
		return Result{}, fmt.Errorf("scenario %s: %w", sc.Name, err)
	}
	type flight struct {
		n      int
		flying bool
	}
	before := map[*seat]flight{}
	for len(w.agenda.heap) > 0 && w.agenda.heap[0].at <= sc.Duration && w.wrote <= flood {
		e := w.agenda.pop()
		w.at = e.at
		e.do()
		for _, in := range w.list {
			for _, s := range in.seats {
				if b := before[s]; b.flying && s.flying && s.flight != b.n {
					fail("at %s a second bundle is on its way to %s", w.at, s.id.Robot)
				}
				before[s] = flight{s.flight, s.flying}
			}
		}
	}
	if w.tally.lost > 0 {
		fail("%d of people's deltas were passed over", w.tally.lost)
	}
	w.leftWaiting()
	return w.tally.Result(w.at), nil
}
