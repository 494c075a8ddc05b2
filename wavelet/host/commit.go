package host

import (
	"errors"

	"weir/wavelet"
)

// A group is appended in one call.
const (
	groupDeltas = 256
	groupBytes  = 4 << 20
)

// retries is how often a group is transformed anew because somebody else wrote.
const retries = 4

// submission is a delta on its way, and then what became of it.
type submission struct {
	delta  wavelet.Delta
	size   int
	human  bool // the door is a person's: stamp the cause
	create bool // refuse unless the wavelet is new

	commit  wavelet.Commit
	outcome outcome
	err     error
}

// outcome is how a submission that was not refused ended.
type outcome uint8

const (
	committed outcome = iota // is a commit of its own
	duplicate                // was committed before
	empty                    // came to nothing
)

// commit puts a group of submissions through all steps and answers them. An
// error ends the writer; the group has been answered all the same.
func (w *writer) commit(group []request) error {
	err := ErrStale
	for try := 0; try < retries && errors.Is(err, ErrStale); try++ {
		if try > 0 {
			others, err := w.catchUp()
			if err != nil {
				w.answer(group, err)
				return err
			}
			w.publish(others)
		}
		before, kept := w.state.Clone(), len(w.window.commits)
		var appended []Committed
		if appended, err = w.append(group); err != nil {
			w.state = before
			w.window.cut(kept, before.Version())
			continue
		}
		w.publish(appended)
	}
	w.answer(group, err)
	if errors.Is(err, ErrUnknown) {
		return err
	}
	return nil
}

// append takes every submission of the group into the working state and makes
// durable what that comes to.
func (w *writer) append(group []request) ([]Committed, error) {
	var entries []Entry
	for _, r := range group {
		s := r.submission
		if s.err = w.take(s); s.err != nil || s.outcome != committed {
			continue
		}
		entries = append(entries, Entry{Commit: s.commit})
		if c, ok := w.press(s.commit); ok {
			entries = append(entries, Entry{Commit: c})
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	entries[len(entries)-1].Summary = Summarize(w.state)
	return w.host.log.Append(w.host.base, entries...)
}

// publish tells everybody of commits that are durable.
func (w *writer) publish(cs []Committed) {
	for _, c := range cs {
		w.stored(c)
		for _, o := range w.host.observers {
			o.Committed(c.Commit)
		}
	}
	w.window.trim(w.state.Version())
	if w.state.Version()-w.saved >= snapshotVersions || w.behind >= snapshotBytes {
		w.save()
	}
}

// answer tells the submitters. With an error, those whose answer rests on a
// version that was taken back get that.
func (w *writer) answer(group []request, err error) {
	counts := &w.host.counts
	for _, r := range group {
		s := r.submission
		switch {
		case s.err != nil:
			s.commit = wavelet.Commit{}
			counts.refused.Add(1)
		case s.commit.Version > w.state.Version():
			s.commit, s.err = wavelet.Commit{}, refusal(err)
			counts.failed.Add(1)
		case s.outcome == duplicate:
			counts.duplicates.Add(1)
		case s.outcome == empty:
			counts.empty.Add(1)
		default:
			counts.commits.Add(1)
		}
		close(r.done)
	}
}
