package host

import (
	"slices"

	"weir/wavelet"
)

// Bounds of a window, and the distance of checkpoints in it.
const (
	windowDeltas = 1000
	windowBytes  = 1 << 20
	checkpointed = 64
)

// window is the newest part of a wavelet's history, in memory: consecutive
// commits, and clones of the state at some of their versions.
type window struct {
	commits []wavelet.Commit
	sizes   []int // stored bytes of the commits that are durable
	bytes   int   // sum of sizes
	ids     map[wavelet.DeltaID]wavelet.Version
	checks  []*wavelet.State // in order, none from before the first commit
}

// newWindow returns a window that starts behind s, which it owns.
func newWindow(s *wavelet.State) window {
	return window{ids: make(map[wavelet.DeltaID]wavelet.Version), checks: []*wavelet.State{s}}
}

// start is the version behind which every commit is in the window.
func (w *window) start(head wavelet.Version) wavelet.Version {
	return head - wavelet.Version(len(w.commits))
}

// push adds the commit that made s, or one from before the window's first state
// if s is nil.
func (w *window) push(c wavelet.Commit, s *wavelet.State) {
	w.commits = append(w.commits, c)
	w.ids[c.Delta.ID] = c.Version
	if s != nil && c.Version%checkpointed == 0 {
		w.checks = append(w.checks, s.Clone())
	}
}

// durable notes the size of the oldest commit whose size is not known.
func (w *window) durable(size int) {
	w.sizes = append(w.sizes, size)
	w.bytes += size
}

// cut takes back what was pushed behind the first n commits.
func (w *window) cut(n int, head wavelet.Version) {
	for i := n; i < len(w.commits); i++ {
		delete(w.ids, w.commits[i].Delta.ID)
		w.commits[i] = wavelet.Commit{}
	}
	w.commits = w.commits[:n]
	for len(w.checks) > 0 && w.checks[len(w.checks)-1].Version() > head {
		w.checks = w.checks[:len(w.checks)-1]
	}
}

// trim drops the oldest commits until the window is within its bounds, and the
// checkpoints that only served them.
func (w *window) trim(head wavelet.Version) {
	n := 0
	for len(w.sizes)-n > windowDeltas || w.bytes > windowBytes && len(w.sizes)-n > 1 {
		w.bytes -= w.sizes[n]
		delete(w.ids, w.commits[n].Delta.ID)
		w.commits[n] = wavelet.Commit{}
		n++
	}
	w.commits, w.sizes = w.commits[n:], w.sizes[n:]
	n = 0
	for n < len(w.checks) && w.checks[n].Version() < w.start(head) {
		w.checks[n] = nil
		n++
	}
	w.checks = w.checks[n:]
}

// after returns the commits behind version v, which is not below start. They
// are valid until the next trim.
func (w *window) after(v, head wavelet.Version) []wavelet.Commit {
	return w.commits[v-w.start(head):]
}

// recall returns a state and the commits that lead from it to version v, which
// are the caller's own; false if the window does not have them.
func (w *window) recall(v, head wavelet.Version) (*wavelet.State, []wavelet.Commit, bool) {
	for i := len(w.checks) - 1; i >= 0; i-- {
		if near := w.checks[i]; near.Version() <= v {
			tail := w.after(near.Version(), head)[:v-near.Version()]
			return near.Clone(), slices.Clone(tail), true
		}
	}
	return nil, nil, false
}
