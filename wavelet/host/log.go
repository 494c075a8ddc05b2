package host

import (
	"context"
	"errors"
	"iter"
	"time"

	"weir/wavelet"
)

// Head asks for the newest version.
const Head = ^wavelet.Version(0)

// Errors of a Log and of a Host.
var (
	// ErrNotFound means that there is no such wavelet.
	ErrNotFound = errors.New("no such wavelet")
	// ErrStale means that an entry does not follow the newest commit: somebody
	// else has written. Nothing was appended; transform and try again.
	ErrStale = errors.New("the base is not the head")
	// ErrUnknown means that the entries may or may not have been appended.
	// Resolve tells; never append them again blindly.
	ErrUnknown = errors.New("the outcome is not known")
	// ErrDamaged means that what was read is not what was written. Nothing may be
	// built on it.
	ErrDamaged = errors.New("the stored wavelet is damaged")
	// ErrClosed means that the log or the host has been closed.
	ErrClosed = errors.New("closed")
)

// Log is where commits become durable. The interface has two halves: the log
// itself, and what a node keeps beside it for its own use (Save, Of).
type Log interface {
	// Append makes entries durable, all or none. Those of one wavelet are
	// consecutive versions, the first of them one above its head; version 1 makes
	// the wavelet. Errors: ErrStale, ErrUnknown, ErrClosed, and whatever keeps the
	// log from being written.
	Append(ctx context.Context, es ...Entry) ([]Committed, error)
	// Follow yields the commits of all wavelets of a shard behind a cursor, in
	// order and without gaps, and then those that come, until ctx ends.
	Follow(ctx context.Context, shard int, after Cursor) iter.Seq2[Committed, error]
	// Resolve tells whether a delta with this id was committed, and as what.
	Resolve(ctx context.Context, w wavelet.Name, id wavelet.DeltaID) (Committed, bool, error)
	// Load returns the nearest snapshot at or below version v, which without one
	// is the empty wavelet at version 0. Errors: ErrNotFound, ErrDamaged.
	Load(ctx context.Context, w wavelet.Name, v wavelet.Version) (Snapshot, error)
	// Read yields the commits from version from up to and including version to, or
	// the head if that is less. The first error ends it: ErrNotFound, ErrDamaged.
	Read(ctx context.Context, w wavelet.Name, from, to wavelet.Version) iter.Seq2[Committed, error]
	// Close waits until every Append has been answered, and refuses more.
	Close(ctx context.Context) error

	// Save keeps a snapshot. It may drop older ones where enough others stand.
	Save(ctx context.Context, s Snapshot) error
	// Of yields what is known of the wavelets that p takes part in, of all
	// wavelets if p is "". The order means nothing.
	Of(ctx context.Context, p wavelet.Participant) iter.Seq2[Summary, error]
}

// Entry is a commit to be appended. Its Version says where it is to stand.
type Entry struct {
	Commit  wavelet.Commit
	Summary Summary // of the wavelet after the last of its entries; zero in the others
}

// Committed is a commit as the log holds it.
type Committed struct {
	Commit wavelet.Commit
	Cursor Cursor // to follow on from here; 0 where it was not read by Follow or Append
	Hash   uint64 // of the wavelet's log up to and including this commit
	Size   int    // bytes it takes up
}

// Cursor is a place in the order of all commits of a shard. 0 is before the
// first.
type Cursor uint64

// Snapshot is the state of a wavelet with the hash of its log up to there.
type Snapshot struct {
	State *wavelet.State
	Hash  uint64
}

// Summary is what a list of wavelets shows of one.
type Summary struct {
	Name              wavelet.Name
	Version           wavelet.Version
	Title             string // of a long one the first 200 characters
	Created, Modified time.Time
	Creator           wavelet.Participant
	Participants      int
	Blips             int // that are not deleted
}

// summaryTitle is how many characters of a title a summary holds.
const summaryTitle = 200

// Summarize returns the summary of a state.
func Summarize(s *wavelet.State) Summary {
	title, n := s.Title(), 0
	for i := range title {
		if n++; n > summaryTitle {
			title = title[:i]
			break
		}
	}
	return Summary{
		Name: s.Name(), Version: s.Version(), Title: title,
		Created: s.Created(), Modified: s.Modified(), Creator: s.Creator(),
		Participants: len(s.Participants()), Blips: s.Living(),
	}
}
