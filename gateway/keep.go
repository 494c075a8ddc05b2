package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"weir/events"
	"weir/governor/decisions"
	"weir/store"
	"weir/wavelet"
)

// The buckets of the gateway.
const (
	bucketCursor   = "cursor"   // seat -> seatRecord
	bucketOffer    = "offer"    // seat, lane and what was answered -> offer
	bucketGovernor = "governor" // parts of the checkpoint
)

// keeper is what the gateway writes down. Its own mutex guards it.
type keeper struct {
	kv  Store
	log *decisions.Log

	saving     sync.Mutex // held over a saving, so that one follows the other
	mu         sync.Mutex
	changed    bool // the governor may know more than the checkpoint
	gone       map[wavelet.Seat]bool
	saved      uint64
	failed     uint64
	generation uint64 // of the checkpoint in the bucket, 0 or 1
}

// seatRecord is what a seat must remember across a restart, as it is stored.
type seatRecord struct {
	Wavelet string                `json:"wavelet"`
	Robot   wavelet.Participant   `json:"robot"`
	Names   []wavelet.Participant `json:"names"`
	Cursor
	Failed []events.OperationFailure `json:"failed,omitempty"` // to be told
}

// maxFailed is about how many bytes of a record are failures. What is beyond
// them is not told after a restart.
const maxFailed = 4 << 10

// record is the seat as it is stored. Gateway.mu is held.
func (s *seat) record() seatRecord {
	r := seatRecord{Wavelet: s.Wavelet.String(), Robot: s.Robot, Names: slices.Clone(s.names), Cursor: s.lane.Cursor()}
	room := maxFailed
	for i, f := range s.failed {
		if room -= len(f.ID) + len(f.Message) + 200; room < 0 {
			break
		}
		r.Failed = s.failed[:i+1] // what is there already is never written to
	}
	return r
}

func seatKey(id wavelet.Seat) []byte {
	return fmt.Appendf(nil, "%s %s", id.Wavelet, id.Robot)
}

// touch notes that the governor may know more than before.
func (k *keeper) touch() {
	k.mu.Lock()
	k.changed = true
	k.mu.Unlock()
}

// forget has a seat's record deleted.
func (k *keeper) forget(id wavelet.Seat) {
	k.mu.Lock()
	if k.gone == nil {
		k.gone = map[wavelet.Seat]bool{}
	}
	k.gone[id] = true
	k.mu.Unlock()
}

// keep saves at intervals, until ctx ends. After a saving that took long it
// waits longer.
func (g *Gateway) keep(ctx context.Context) {
	wait := g.o.Checkpoint
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		began := time.Now()
		if err := g.save(ctx); err != nil && ctx.Err() == nil {
			g.o.Logger.Warn("gateway state not saved, trying again", "error", err)
		}
		wait = max(g.o.Checkpoint, 10*time.Since(began))
	}
}

// save writes down whatever has changed since the last time.
func (g *Gateway) save(ctx context.Context) error {
	k := &g.keeper
	k.saving.Lock()
	defer k.saving.Unlock()
	g.mu.Lock()
	records := map[wavelet.Seat]seatRecord{}
	for _, s := range g.dirty {
		if s.dirty = false; !s.gone {
			records[s.Seat] = s.record()
		}
	}
	g.dirty = nil
	k.mu.Lock()
	changed, gone := k.changed, k.gone
	k.changed, k.gone = false, nil
	k.mu.Unlock()
	maps.DeleteFunc(gone, func(id wavelet.Seat, _ bool) bool { return g.seats[id] != nil })
	g.mu.Unlock()

	err := g.saveAll(ctx, changed, records, gone)
	if err == nil {
		return nil
	}
	g.mu.Lock()
	for id := range records {
		if s := g.seats[id]; s != nil {
			g.mark(s)
		}
	}
	g.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed++
	k.changed = k.changed || changed
	for id := range gone {
		if k.gone == nil {
			k.gone = map[wavelet.Seat]bool{}
		}
		k.gone[id] = true
	}
	return err
}

// saveAll writes decisions before the checkpoint that knows of them, so that a
// ban always finds its decision.
func (g *Gateway) saveAll(ctx context.Context, changed bool, records map[wavelet.Seat]seatRecord, gone map[wavelet.Seat]bool) error {
	if err := g.keeper.log.Flush(ctx); err != nil {
		return err
	}
	var batches batches
	if changed {
		g.keeper.addCheckpoint(&batches, g.gov.Checkpoint())
	}
	for _, id := range slices.SortedFunc(maps.Keys(records), compareSeats) {
		value, err := json.Marshal(records[id])
		if err != nil {
			return err
		}
		batches.add(store.Write{Bucket: bucketCursor, Key: seatKey(id), Value: value})
	}
	for id := range gone {
		batches.add(store.Write{Bucket: bucketCursor, Key: seatKey(id), Delete: true})
		for _, key := range offerKeys(id) {
			batches.add(store.Write{Bucket: bucketOffer, Key: key, Delete: true})
		}
	}
	for _, b := range batches.list {
		if err := g.keeper.kv.Commit(ctx, b); err != nil {
			return err
		}
	}
	if len(batches.list) > 0 {
		g.keeper.mu.Lock()
		g.keeper.saved++
		g.keeper.mu.Unlock()
	}
	return nil
}

func compareSeats(a, b wavelet.Seat) int { return bytes.Compare(seatKey(a), seatKey(b)) }

// batches is writes in as few batches as a store takes.
type batches struct {
	list []store.Batch
	size int // of the last one
}

// maxBatch is well within what a store takes at once.
const maxBatch = 8 << 20

func (b *batches) add(w store.Write) {
	size := len(w.Key) + len(w.Value) + 64
	if len(b.list) == 0 || b.size+size > maxBatch {
		b.list = append(b.list, nil)
		b.size = 0
	}
	last := len(b.list) - 1
	b.list[last] = append(b.list[last], w)
	b.size += size
}

// checkpointPart is how much of a checkpoint one record holds.
const checkpointPart = 1 << 20

// addCheckpoint writes a checkpoint in parts, and at last how many there are.
// The first key byte alternates, so that a checkpoint that is cut off leaves the
// one before it whole.
func (k *keeper) addCheckpoint(b *batches, checkpoint []byte) {
	k.generation ^= 1
	n := uint64(0)
	for part := range slices.Chunk(checkpoint, checkpointPart) {
		b.add(store.Write{Bucket: bucketGovernor, Key: store.Key(1+k.generation, n), Value: part})
		n++
	}
	b.add(store.Write{Bucket: bucketGovernor, Key: store.Key(0), Value: store.Key(k.generation, n)})
}

// checkpoint reads the checkpoint, nil if there is none.
func (k *keeper) checkpoint() ([]byte, error) {
	head, err := k.kv.Get(bucketGovernor, store.Key(0))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	k.generation = store.KeyPart(head, 0)
	var all []byte
	for n := range store.KeyPart(head, 1) {
		part, err := k.kv.Get(bucketGovernor, store.Key(1+k.generation, n))
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}

// load takes up what a gateway before this one has left.
func (g *Gateway) load() error {
	checkpoint, err := g.keeper.checkpoint()
	if err != nil {
		return fmt.Errorf("the governor's checkpoint: %w", err)
	}
	if checkpoint != nil {
		if err := g.gov.Restore(checkpoint); err != nil {
			return fmt.Errorf("the governor's checkpoint: %w", err)
		}
	}
	for rec, err := range g.keeper.kv.Scan(bucketCursor, nil, nil) {
		if err != nil {
			return fmt.Errorf("the seats: %w", err)
		}
		if err := g.loadSeat(rec.Value); err != nil {
			return fmt.Errorf("the seat %q: %w", rec.Key, err)
		}
	}
	return nil
}

func (g *Gateway) loadSeat(value []byte) error {
	var r seatRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	name, err := wavelet.ParseName(r.Wavelet)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.open(wavelet.Seat{Wavelet: name, Robot: r.Robot}, r.Cursor, r.Names)
	s.lane.Reopen(g.clock.now())
	s.failed, s.recovering = r.Failed, true
	g.loading = append(g.loading, s)
	return nil
}
