package host

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"weir/wavelet"
)

// A snapshot is written after so many versions or so many bytes of log.
const (
	snapshotVersions = 500
	snapshotBytes    = 256 << 10
)

// recollected is how many commits before the snapshot are read at opening, and
// how many of so many bytes are left without one when the wavelet is closed.
const (
	recollected      = 64
	recollectedBytes = 16 << 10
)

// load reads the wavelet: the newest snapshot and the commits behind it. A name
// at which there is none is loaded as the empty wavelet.
func (w *writer) load() error {
	ctx := w.host.base
	near, err := w.host.log.Load(ctx, w.name, Head)
	if errors.Is(err, ErrNotFound) {
		w.state = wavelet.NewState(w.name)
		w.window = newWindow(w.state.Clone())
		return nil
	}
	if err != nil {
		return err
	}
	w.state, w.hash, w.saved = near.State, near.Hash, near.State.Version()
	w.window = newWindow(w.state.Clone())
	if err := w.recollect(); err != nil {
		return err
	}
	tail, err := w.catchUp()
	if err != nil {
		return err
	}
	for _, c := range tail {
		w.stored(c)
	}
	w.window.trim(w.state.Version())
	for _, c := range w.window.commits {
		w.link(c.Delta, c.At)
	}
	w.host.counts.loads.Add(1)
	return nil
}

// recollect fills the window with the last commits before the snapshot: clients
// that come back after a restart are behind by few.
func (w *writer) recollect() error {
	v := w.state.Version()
	for c, err := range w.host.log.Read(w.host.base, w.name, v-min(v, recollected)+1, v) {
		if err != nil {
			return err
		}
		w.window.push(c.Commit, nil)
		w.window.durable(c.Size)
	}
	return nil
}

// catchUp applies what the log has beyond the working state.
func (w *writer) catchUp() ([]Committed, error) {
	var tail []Committed
	for c, err := range w.host.log.Read(w.host.base, w.name, w.state.Version()+1, Head) {
		if errors.Is(err, ErrNotFound) && w.state.Version() == 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := w.state.Apply(c.Commit); err != nil {
			return nil, errors.Join(ErrDamaged, err)
		}
		w.window.push(c.Commit, w.state)
		tail = append(tail, c)
	}
	return tail, nil
}

// stored notes that the oldest commit not yet durable is.
func (w *writer) stored(c Committed) {
	w.window.durable(c.Size)
	w.hash = c.Hash
	w.behind += c.Size
}

// rest is save before the wavelet is closed, unless the news are so few that to
// read them again costs less than a snapshot: opening looks at as many commits in
// any case. So a thousand small wavelets that fall idle together write nothing.
func (w *writer) rest() {
	if w.state.Version()-w.saved > recollected || w.behind > recollectedBytes {
		w.save()
	}
}

// save writes a snapshot of the head if there is news since the last. That it
// cannot be written costs time at the next opening and no more.
func (w *writer) save() {
	if w.state.Version() == w.saved {
		return
	}
	err := w.host.log.Save(w.host.base, Snapshot{State: w.state.Clone(), Hash: w.hash})
	w.saved, w.behind = w.state.Version(), 0
	if err != nil {
		w.host.logger.Warn("snapshot not written", slog.String("wavelet", w.name.String()), slog.Any("error", err))
		return
	}
	w.host.counts.snapshots.Add(1)
}

// restore reads a version that no memory holds.
func (h *Host) restore(ctx context.Context, name wavelet.Name, v wavelet.Version) (*wavelet.State, error) {
	near, err := h.log.Load(ctx, name, v)
	if err != nil {
		return nil, refusal(err)
	}
	s := near.State
	if s.Version() == v {
		return s, nil
	}
	for c, err := range h.log.Read(ctx, name, s.Version()+1, v) {
		if err == nil {
			err = s.Apply(c.Commit)
		}
		if err != nil {
			return nil, refusal(errors.Join(ErrDamaged, err))
		}
	}
	if s.Version() != v {
		return nil, refusal(ErrDamaged)
	}
	return s, nil
}

// missed returns the commits behind version base.
func (w *writer) missed(base wavelet.Version) ([]wavelet.Commit, error) {
	head := w.state.Version()
	start := w.window.start(head)
	if base >= start {
		return w.window.after(base, head), nil
	}
	var old []wavelet.Commit
	for c, err := range w.host.log.Read(w.host.base, w.name, base+1, start) {
		if err != nil {
			return nil, err
		}
		old = append(old, c.Commit)
	}
	return slices.Concat(old, w.window.commits), nil
}
