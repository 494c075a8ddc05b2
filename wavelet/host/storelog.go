package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"

	"weir/store"
	"weir/wavelet"
)

// The buckets of a StoreLog. A wavelet's id is a number given at its first
// commit; keys are composed most significant part first, big-endian.
const (
	idBucket       = "wavelet.id"        // wavelet name -> id
	nameBucket     = "wavelet.name"      // id -> wavelet name
	headBucket     = "wavelet.head"      // id -> version, hash and summary of the head
	logBucket      = "wavelet.log"       // id, version -> hash and commit
	deltaBucket    = "wavelet.delta"     // id, delta id -> version
	orderBucket    = "wavelet.order"     // cursor -> id, version
	memberBucket   = "wavelet.member"    // participant, 0, id -> nothing
	snapshotBucket = "wavelet.snapshot"  // id, version, part -> part of hash and state
	listBucket     = "wavelet.snapshots" // id -> versions and parts of the snapshots there are
)

// StoreLog is a Log whose commit point is the store's: the group commit of a
// bbolt file, or memory. A wavelet id and the version make the key of a commit,
// so that a history lies together; everything that a commit changes (the log,
// the head with its summary, the index of delta ids, the global order, who
// takes part where) is one batch. That an entry follows the head is a condition
// of the batch, so two logs over one store cannot write the same version.
type StoreLog struct {
	store store.Store
	part  int // bytes of a snapshot that are stored in one record

	mu       sync.Mutex
	begun    bool
	lastID   uint64              // the greatest wavelet id given
	next     Cursor              // the next cursor to give
	pending  map[Cursor]struct{} // first cursors of appends under way
	advanced chan struct{}       // closed when one of them ends
	closed   bool
	quiet    chan struct{} // closed when the log is closed and no append is under way
}

var _ Log = (*StoreLog)(nil)

// NewStoreLog returns a log in s, which the caller keeps and closes after it. A
// store has one log at a time.
func NewStoreLog(s store.Store) *StoreLog {
	return &StoreLog{
		store: s, part: 8 << 20, pending: make(map[Cursor]struct{}),
		advanced: make(chan struct{}), quiet: make(chan struct{}),
	}
}

// NewMemoryLog returns a log that ends with the process.
func NewMemoryLog() *StoreLog { return NewStoreLog(store.NewMemory()) }

// Close implements Log.
func (l *StoreLog) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.advanced)
		if len(l.pending) == 0 {
			close(l.quiet)
		}
	}
	l.mu.Unlock()
	select {
	case <-l.quiet:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin learns where an earlier process ended. The lock is held.
func (l *StoreLog) begin() error {
	if l.begun {
		return nil
	}
	id, err := l.lastPart(nameBucket)
	if err != nil {
		return err
	}
	cursor, err := l.lastPart(orderBucket)
	if err != nil {
		return err
	}
	l.begun, l.lastID, l.next = true, id, Cursor(cursor)+1
	return nil
}

// lastPart is the greatest key of a bucket of numbers, 0 if it is empty.
func (l *StoreLog) lastPart(bucket string) (uint64, error) {
	r, err := l.store.Last(bucket, nil, nil)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return store.KeyPart(r.Key, 0), nil
}

// id returns the number of a wavelet. The error is ErrNotFound if it has none.
func (l *StoreLog) id(name wavelet.Name) (uint64, error) {
	raw, err := l.store.Get(idBucket, []byte(name.String()))
	if errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	if err != nil {
		return 0, stored(err)
	}
	return binary.BigEndian.Uint64(raw), nil
}

// head is what is stored of the newest version of a wavelet.
type head struct {
	id      uint64
	raw     []byte // as stored, nil for a new wavelet
	version wavelet.Version
	hash    uint64
	summary Summary
}

func (l *StoreLog) headOf(name wavelet.Name) (head, error) {
	id, err := l.id(name)
	if err != nil {
		return head{}, err
	}
	raw, err := l.store.Get(headBucket, store.Key(id))
	if err != nil {
		return head{}, stored(err)
	}
	h, err := decodeHead(name, raw)
	h.id = id
	return h, err
}

// seed is the hash of the empty log of a wavelet.
func seed(name wavelet.Name) uint64 { return chained(0, []byte(name.String())) }

// chained is the hash of a log that ends with record, given the hash up to
// there: FNV-1a over both.
func chained(hash uint64, record []byte) uint64 {
	h := fnv.New64a()
	var before [8]byte
	binary.BigEndian.PutUint64(before[:], hash)
	_, _ = h.Write(before[:]) // never fails
	_, _ = h.Write(record)
	return h.Sum64()
}

// stored tells damage of the store from other errors.
func stored(err error) error {
	if errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNotFound) {
		return errors.Join(ErrDamaged, err)
	}
	return err
}
