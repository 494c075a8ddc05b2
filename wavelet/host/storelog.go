package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
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
	snapshotBucket = "wavelet.snapshot"  // id, version -> hash and state
	listBucket     = "wavelet.snapshots" // id -> versions of the snapshots there are
)

// StoreLog is a Log whose commit point is the store's: the group commit of a
// bbolt file, or memory. A wavelet id and the version make the key of a commit,
// so that a history lies together; everything that a commit changes (the log,
// the head with its summary, the index of delta ids, the global order, who
// takes part where) is one batch. That an entry follows the head is a condition
// of the batch, so two logs over one store cannot write the same version.
type StoreLog struct {
	store store.Store

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
		store: s, pending: make(map[Cursor]struct{}),
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

// Load implements Log. A snapshot that is damaged is passed over for an older
// one: the log is the truth.
func (l *StoreLog) Load(ctx context.Context, name wavelet.Name, v wavelet.Version) (Snapshot, error) {
	id, err := l.id(name)
	if err != nil {
		return Snapshot{}, err
	}
	versions, err := l.snapshots(id)
	if err != nil {
		return Snapshot{}, err
	}
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i] > v {
			continue
		}
		if s, err := l.snapshot(name, id, versions[i]); err == nil {
			return s, nil
		} else if !errors.Is(err, ErrDamaged) {
			return Snapshot{}, err
		}
	}
	return Snapshot{State: wavelet.NewState(name), Hash: seed(name)}, nil
}

// snapshot reads one snapshot and holds it against the log.
func (l *StoreLog) snapshot(name wavelet.Name, id uint64, v wavelet.Version) (Snapshot, error) {
	raw, err := l.store.Get(snapshotBucket, store.Key(id, uint64(v)))
	if err != nil {
		return Snapshot{}, stored(err)
	}
	record, err := l.store.Get(logBucket, store.Key(id, uint64(v)))
	if err != nil {
		return Snapshot{}, stored(err)
	}
	if len(raw) < 8 || len(record) < 8 || string(raw[:8]) != string(record[:8]) {
		return Snapshot{}, fmt.Errorf("%w: snapshot %d of %s is not of this log", ErrDamaged, v, name)
	}
	s, err := decodeState(name, raw[8:])
	if err == nil && s.Version() != v {
		err = fmt.Errorf("%w: snapshot %d of %s holds version %d", ErrDamaged, v, name, s.Version())
	}
	return Snapshot{State: s, Hash: binary.BigEndian.Uint64(raw)}, err
}

// Read implements Log. It recomputes the running hash of what it yields, from
// the record before the first, and to the head if it comes that far.
func (l *StoreLog) Read(ctx context.Context, name wavelet.Name, from, to wavelet.Version) iter.Seq2[Committed, error] {
	return func(yield func(Committed, error) bool) {
		h, err := l.headOf(name)
		if err != nil {
			yield(Committed{}, err)
			return
		}
		from, to := max(from, 1), min(to, h.version)
		if from > to {
			return
		}
		hash, err := l.hashAt(name, h.id, from-1)
		next := from
		for r, scanErr := range l.store.Scan(logBucket, store.Key(h.id, uint64(from)), store.Key(h.id, uint64(to)+1)) {
			if err = errors.Join(err, stored(scanErr), context.Cause(ctx)); err != nil {
				break
			}
			var c Committed
			if c, err = readRecord(name, next, hash, r); err != nil {
				break
			}
			if !yield(c, nil) {
				return
			}
			next, hash = next+1, c.Hash
		}
		if err == nil && (next != to+1 || to == h.version && hash != h.hash) {
			err = fmt.Errorf("%w: the log of %s ends at version %d of %d, or is not the one it was", ErrDamaged, name, next-1, to)
		}
		if err != nil {
			yield(Committed{}, err)
		}
	}
}

// hashAt is the hash of the log up to version v.
func (l *StoreLog) hashAt(name wavelet.Name, id uint64, v wavelet.Version) (uint64, error) {
	if v == 0 {
		return seed(name), nil
	}
	raw, err := l.store.Get(logBucket, store.Key(id, uint64(v)))
	if err != nil {
		return 0, stored(err)
	}
	if len(raw) < 8 {
		return 0, fmt.Errorf("%w: commit %d of %s", ErrDamaged, v, name)
	}
	return binary.BigEndian.Uint64(raw), nil
}

// readRecord reads the record that is expected to be that of version v, behind
// a log with the given hash.
func readRecord(name wavelet.Name, v wavelet.Version, hash uint64, r store.Record) (Committed, error) {
	if len(r.Value) < 8 || wavelet.Version(store.KeyPart(r.Key, 1)) != v {
		return Committed{}, fmt.Errorf("%w: commit %d of %s is missing", ErrDamaged, v, name)
	}
	payload := r.Value[8:]
	hash = chained(hash, payload)
	if hash != binary.BigEndian.Uint64(r.Value) {
		return Committed{}, fmt.Errorf("%w: commit %d of %s does not follow the one before", ErrDamaged, v, name)
	}
	c, err := decodeCommit(name, v, payload)
	return Committed{Commit: c, Hash: hash, Size: len(payload)}, err
}

// Resolve implements Log.
func (l *StoreLog) Resolve(ctx context.Context, name wavelet.Name, delta wavelet.DeltaID) (Committed, bool, error) {
	id, err := l.id(name)
	if err != nil {
		return Committed{}, false, err
	}
	raw, err := l.store.Get(deltaBucket, deltaKey(id, delta))
	if errors.Is(err, store.ErrNotFound) {
		return Committed{}, false, nil
	}
	if err != nil {
		return Committed{}, false, stored(err)
	}
	c, err := l.at(name, id, wavelet.Version(binary.BigEndian.Uint64(raw)))
	return c, err == nil, err
}

// at reads one commit.
func (l *StoreLog) at(name wavelet.Name, id uint64, v wavelet.Version) (Committed, error) {
	hash, err := l.hashAt(name, id, v-1)
	if err != nil {
		return Committed{}, err
	}
	key := store.Key(id, uint64(v))
	raw, err := l.store.Get(logBucket, key)
	if err != nil {
		return Committed{}, stored(err)
	}
	return readRecord(name, v, hash, store.Record{Key: key, Value: raw})
}

func deltaKey(id uint64, delta wavelet.DeltaID) []byte {
	return append(store.Key(id), delta...)
}
