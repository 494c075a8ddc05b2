package live

import (
	"errors"
	"sync"

	"weir/robots/kit"
	"weir/wavelet"
)

// fetcher is a robot that fetches wavelets by the active API, and writes by it. A
// line shows that it answers what was told of people, or of robots, last.
type fetcher struct {
	run   *run
	robot *robot

	mu    sync.Mutex
	heard map[*seat]kit.Wave
}

func (f *fetcher) read(s *seat) (page, error) {
	w, err := f.robot.kit.Fetch(f.run.ctx, s.room.name.Wave, s.room.name.Wavelet)
	if why, ok := errors.AsType[*kit.Refusal](err); ok {
		return page{}, f.run.turnedAway(f.robot, why)
	}
	if err != nil {
		return page{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard[s] = w
	return page{wavelet.Version(w.Wavelet.Version), w.HeldMS > 0}, nil
}

func (f *fetcher) say(from *seat, whom audience, to *room, line string) error {
	f.mu.Lock()
	lane := map[audience]kit.Lane{people: kit.Human, robots: kit.Robots}[whom]
	shown := f.heard[from].Heard(lane)
	f.mu.Unlock()
	if f.run.call(f.robot, shown, to, line) {
		return errOut
	}
	return nil
}

func (f *fetcher) close() {}
