package host

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"weir/wavelet"
)

// Guard judges deltas beside the wavelet's own rules. Check is called in the
// wavelet's goroutine, after the transforms, with the state that d is about to
// be applied to, which it only reads and does not keep. It must not call the
// host. An error refuses d; submitters get it as it is.
type Guard interface {
	Check(now time.Time, s *wavelet.State, d wavelet.Delta) error
}

// Observer is told of every commit once it is durable, those of one wavelet in
// version order and by one goroutine at a time. It must not block.
type Observer interface {
	Committed(c wavelet.Commit)
}

// Options of a Host. The zero value is right for a server.
type Options struct {
	Guard     Guard         // nil: no rules beside the wavelet's own
	CauseGap  time.Duration // one person's deltas closer together than this share a cause; 0: 10 s
	IdleAfter time.Duration // a wavelet unused for so long is closed; 0: 5 min
	Logger    *slog.Logger  // nil: nothing is logged
}

// Host keeps wavelets over a Log. Make one with New.
type Host struct {
	log       Log
	guard     Guard
	observers []Observer
	causeGap  time.Duration
	idleAfter time.Duration
	logger    *slog.Logger

	base    context.Context // of everything the writers do
	abandon context.CancelFunc
	closing chan struct{}
	writers sync.WaitGroup
	counts  counts

	mu     sync.Mutex // guards open, the users of every writer, and closed
	open   map[wavelet.Name]*writer
	closed bool
}

// New returns a host of the wavelets in log. Close it before the log.
func New(log Log, o Options) *Host {
	h := &Host{
		log: log, guard: o.Guard, causeGap: o.CauseGap, idleAfter: o.IdleAfter, logger: o.Logger,
		closing: make(chan struct{}), open: make(map[wavelet.Name]*writer),
	}
	if h.causeGap == 0 {
		h.causeGap = 10 * time.Second
	}
	if h.idleAfter == 0 {
		h.idleAfter = 5 * time.Minute
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	h.base, h.abandon = context.WithCancel(context.Background())
	return h
}

// Observe adds an observer. It is called before the host is used.
func (h *Host) Observe(o Observer) { h.observers = append(h.observers, o) }

// SetGuard sets the guard. It is called before the host is used, by whoever
// ties a host to a guard that needs the host.
func (h *Host) SetGuard(g Guard) { h.guard = g }

// Submit commits d with the Cause that the calling door has stamped, and
// returns the commit. It waits while the wavelet is busy. A delta id that was
// committed before is answered with that commit; a delta without one gets a new
// one. A delta that comes to nothing is not committed: the commit returned then
// has no ops and the version of the head. At version 0 of a name that is not
// taken, a delta whose first op adds its author makes the wavelet.
//
// The error is a *wavelet.Refusal, or wraps ErrUnknown and the cause of ctx if
// that ends while the outcome is open.
func (h *Host) Submit(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	return h.submit(ctx, name, submission{delta: d})
}

// SubmitHuman is Submit for an authenticated person's delta. It stamps the
// cause: one that the person's deltas in this wavelet share until they pause.
func (h *Host) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	return h.submit(ctx, name, submission{delta: d, human: true})
}

// Import is Submit for a delta that was written elsewhere, and for whose author
// nobody here vouches. It stamps the cause: a new one, of unknown kind, which
// never counts as a person's.
func (h *Host) Import(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return wavelet.Commit{}, refusal(err)
	}
	d.Cause = wavelet.Cause{ID: id.String(), Kind: wavelet.Unknown}
	return h.submit(ctx, name, submission{delta: d})
}

// Create makes a wavelet for a person: the first commit adds the author and the
// participants, all with full access, and an empty root blip. A name that is
// taken is refused with wavelet.CodeExists.
func (h *Host) Create(ctx context.Context, name wavelet.Name, author wavelet.Participant, participants ...wavelet.Participant) (wavelet.Commit, error) {
	d := wavelet.Delta{Author: author, Ops: wavelet.Opening(author, participants...)}
	return h.submit(ctx, name, submission{delta: d, human: true, create: true})
}

func (h *Host) submit(ctx context.Context, name wavelet.Name, s submission) (wavelet.Commit, error) {
	if s.delta.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return wavelet.Commit{}, refusal(err)
		}
		s.delta.ID = wavelet.DeltaID(id.String())
	}
	if err := wavelet.CheckShape(s.delta); err != nil {
		h.counts.refused.Add(1)
		return wavelet.Commit{}, err
	}
	if err := h.exists(ctx, name, creates(s.delta)); err != nil {
		return wavelet.Commit{}, err
	}
	s.size = s.delta.Size()
	if err := h.ask(ctx, name, request{submission: &s}); err != nil {
		return wavelet.Commit{}, err
	}
	return s.commit, s.err
}

// creates reports whether d may make a wavelet.
func creates(d wavelet.Delta) bool {
	if d.Base != 0 || len(d.Ops) == 0 {
		return false
	}
	add, ok := d.Ops[0].(wavelet.AddParticipant)
	return ok && (add.Who == d.Author || d.Cause.Kind == wavelet.System)
}

// Snapshot returns the state at version v, or at the head if v is Head. It is
// the caller's own. Errors are of type *wavelet.Refusal: CodeNotFound,
// CodePastHead.
func (h *Host) Snapshot(ctx context.Context, name wavelet.Name, v wavelet.Version) (*wavelet.State, error) {
	var near *wavelet.State
	var tail []wavelet.Commit
	var err error
	if err := h.view(ctx, name, func(w *writer) { near, tail, err = w.recall(v) }); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if near == nil {
		return h.restore(ctx, name, v)
	}
	for _, c := range tail {
		if err := near.Apply(c); err != nil {
			return nil, refusal(errors.Join(ErrDamaged, err))
		}
	}
	return near, nil
}

// Read yields the commits after version from, in order, up to the head. Errors
// are of type *wavelet.Refusal.
func (h *Host) Read(ctx context.Context, name wavelet.Name, from wavelet.Version) iter.Seq2[wavelet.Commit, error] {
	return func(yield func(wavelet.Commit, error) bool) {
		for c, err := range h.log.Read(ctx, name, from+1, Head) {
			if err != nil {
				yield(wavelet.Commit{}, refusal(err))
				return
			}
			if !yield(c.Commit, nil) {
				return
			}
		}
	}
}

// Resolve tells whether a delta with this id was committed, and as what. Errors
// are of type *wavelet.Refusal.
func (h *Host) Resolve(ctx context.Context, name wavelet.Name, id wavelet.DeltaID) (wavelet.Commit, bool, error) {
	c, ok, err := h.log.Resolve(ctx, name, id)
	return c.Commit, ok, refusal(err)
}

// Of yields the wavelets that p takes part in.
func (h *Host) Of(ctx context.Context, p wavelet.Participant) iter.Seq2[wavelet.Name, error] {
	return func(yield func(wavelet.Name, error) bool) {
		for s, err := range h.Summaries(ctx, p) {
			if !yield(s.Name, err) || err != nil {
				return
			}
		}
	}
}

// Summaries yields what is known of the wavelets that p takes part in, of all
// wavelets if p is "". The order means nothing. Errors are of type
// *wavelet.Refusal.
func (h *Host) Summaries(ctx context.Context, p wavelet.Participant) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		for s, err := range h.log.Of(ctx, p) {
			if !yield(s, refusal(err)) || err != nil {
				return
			}
		}
	}
}

// Close refuses new requests, lets every writer finish what it is doing and
// write a snapshot, and returns when all are quiet. If ctx ends first, what is
// still on its way to the disk is abandoned. Closing again does nothing.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
	h.mu.Unlock()
	defer context.AfterFunc(ctx, h.abandon)()
	h.writers.Wait()
	h.abandon()
	return context.Cause(ctx)
}

// Stats counts what a host has done since it was made.
type Stats struct {
	Open       int    // wavelets open now
	Commits    uint64 // deltas committed
	Duplicates uint64 // answered with an earlier commit
	Empty      uint64 // came to nothing
	Refused    uint64
	Failed     uint64 // valid, but could not be written
	Loads      uint64 // wavelets opened
	Unloads    uint64 // wavelets closed for being idle
	Snapshots  uint64
}

type counts struct {
	commits, duplicates, empty, refused, failed, loads, unloads, snapshots atomic.Uint64
}

// Stats returns the counters.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	open := len(h.open)
	h.mu.Unlock()
	c := &h.counts
	return Stats{
		Open: open, Commits: c.commits.Load(), Duplicates: c.duplicates.Load(), Empty: c.empty.Load(),
		Refused: c.refused.Load(), Failed: c.failed.Load(), Loads: c.loads.Load(), Unloads: c.unloads.Load(),
		Snapshots: c.snapshots.Load(),
	}
}
