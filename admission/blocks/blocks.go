// Package blocks keeps who is not let in at all: persons, robots and networks
// that an operator has shut out, with the reason, until a time or for good.
//
// # Data model
//
// A [Block] names a participant, be it a person or a robot, or a network. There
// is one record for each of them; a second block of the same takes the place of
// the first. A block that has ended counts for nothing from that instant on, and
// is deleted by Run.
//
// # Concurrency
//
// A Book is safe for concurrent use. To ask it takes no lock: what is asked is
// an index that never changes and is replaced as a whole. A block that was added
// is on the disk, and seen by everybody, when Add returns; then the listeners
// have been told.
package blocks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"weir/store"
	"weir/wavelet"
)

// Bounds of what is kept.
const (
	MaxBlocks = 10_000
	MaxReason = 200 // bytes of a reason
)

// bucket is where blocks are stored, by whom they shut out.
const bucket = "block"

// Errors of this package.
var (
	ErrWho     = errors.New("want a participant like ann@example.com, or a network like 192.0.2.0/24")
	ErrReason  = fmt.Errorf("a reason has 1 to %d bytes, without control characters", MaxReason)
	ErrEnded   = errors.New("the end lies in the past")
	ErrFull    = fmt.Errorf("there are %d blocks already", MaxBlocks)
	ErrUnknown = errors.New("nobody is blocked under this name")
)

// Block says who is not let in.
type Block struct {
	Who    string    `json:"who"` // a participant, or a network with the length of its prefix
	Reason string    `json:"reason"`
	By     string    `json:"by"` // who says so
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: for good
}

// holds reports whether the block counts at an instant.
func (b Block) holds(now time.Time) bool { return b.Until.IsZero() || now.Before(b.Until) }

// Participant is whom the block shuts out, false if that is a network.
func (b Block) Participant() (wavelet.Participant, bool) {
	return wavelet.Participant(b.Who), strings.Contains(b.Who, "@")
}

// Network is what the block shuts out, false if that is a participant.
func (b Block) Network() (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(b.Who)
	return p, err == nil
}

// record is a block as it is stored.
type record struct {
	Format int   `json:"format"`
	Block  Block `json:"block"`
}

// recordFormat is the format of records written now.
const recordFormat = 1

// Store is the part of a store.Store that blocks are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// Book is all blocks.
type Book struct {
	store Store
	now   func() time.Time
	index atomic.Pointer[index]
	wake  chan struct{} // the index was replaced

	mu        sync.Mutex // over the commits, so that the disk and the index agree
	listeners []func(Block, bool)
}

// Open reads the blocks in s. A nil now is time.Now.
func Open(s Store, now func() time.Time) (*Book, error) {
	if now == nil {
		now = time.Now
	}
	b := &Book{store: s, now: now, wake: make(chan struct{}, 1)}
	all := map[string]Block{}
	for r, err := range s.Scan(bucket, nil, nil) {
		if err != nil {
			return nil, fmt.Errorf("read blocks: %w", err)
		}
		var rec record
		if err := json.Unmarshal(r.Value, &rec); err != nil || rec.Format != recordFormat {
			return nil, fmt.Errorf("read blocks: record %s: format %d: %w", r.Key, rec.Format, errors.Join(err, errors.ErrUnsupported))
		}
		all[string(r.Key)] = rec.Block
	}
	b.index.Store(newIndex(all))
	return b, nil
}

// OnChange has f called with each block that begins (true) or ends (false) from
// now on, after it did. It is called before the first change.
func (b *Book) OnChange(f func(block Block, begins bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, f)
}

// Name is the name under which somebody is blocked: a participant as it is, an
// address or a network as a network.
func Name(who string) (string, error) {
	if strings.Contains(who, "@") {
		if err := wavelet.Participant(who).Check(); err != nil {
			return "", fmt.Errorf("%w: %w", ErrWho, err)
		}
		return who, nil
	}
	p, err := Network(who)
	return p.String(), err
}

// Network reads a network address, or a network with the length of its prefix.
func Network(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, ErrWho
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// Add blocks somebody from now on. Since is set here.
func (b *Book) Add(ctx context.Context, block Block) (Block, error) {
	var err error
	now := b.now().UTC().Truncate(time.Millisecond)
	block.Since, block.Until = now, block.Until.UTC().Truncate(time.Millisecond)
	if block.Who, err = Name(block.Who); err != nil {
		return block, err
	}
	switch {
	case block.Reason == "" || len(block.Reason) > MaxReason || strings.ContainsFunc(block.Reason, unicode.IsControl):
		return block, ErrReason
	case !block.holds(now):
		return block, ErrEnded
	}
	value, err := json.Marshal(record{recordFormat, block})
	if err != nil {
		return block, err
	}
	err = b.change(ctx, store.Write{Bucket: bucket, Key: []byte(block.Who), Value: value}, func(all map[string]Block) error {
		if _, again := all[block.Who]; !again && len(all) >= MaxBlocks {
			return ErrFull
		}
		all[block.Who] = block
		return nil
	})
	if err == nil {
		b.tell(block, true)
	}
	return block, err
}

// Remove ends a block, or ErrUnknown if there is none.
func (b *Book) Remove(ctx context.Context, who string) (Block, error) {
	who, err := Name(who)
	if err != nil {
		return Block{}, err
	}
	var block Block
	err = b.change(ctx, store.Write{Bucket: bucket, Key: []byte(who), Delete: true}, func(all map[string]Block) error {
		var ok bool
		if block, ok = all[who]; !ok {
			return ErrUnknown
		}
		delete(all, who)
		return nil
	})
	if err == nil {
		b.tell(block, false)
	}
	return block, err
}

// change makes a change in the store, and then in the index.
func (b *Book) change(ctx context.Context, w store.Write, f func(map[string]Block) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := maps.Clone(b.index.Load().all)
	if err := f(all); err != nil {
		return err
	}
	if err := b.store.Commit(ctx, store.Batch{w}); err != nil {
		return fmt.Errorf("store a block: %w", err)
	}
	b.index.Store(newIndex(all))
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

func (b *Book) tell(block Block, begins bool) {
	b.mu.Lock()
	listeners := b.listeners
	b.mu.Unlock()
	for _, f := range listeners {
		f(block, begins)
	}
}

// List is the blocks that count now, the newest first.
func (b *Book) List() []Block {
	now := b.now()
	list := []Block{}
	for _, block := range b.index.Load().all {
		if block.holds(now) {
			list = append(list, block)
		}
	}
	slices.SortFunc(list, func(x, y Block) int { return cmp.Or(y.Since.Compare(x.Since), cmp.Compare(x.Who, y.Who)) })
	return list
}

// Participant is the block of a person or a robot, false if there is none.
func (b *Book) Participant(id wavelet.Participant) (Block, bool) {
	block, ok := b.index.Load().all[string(id)]
	return block, ok && block.holds(b.now())
}

// Address is the block that shuts a network address out, false if none does.
func (b *Book) Address(a netip.Addr) (Block, bool) {
	x := b.index.Load()
	if len(x.networks) == 0 {
		return Block{}, false
	}
	return x.find(a.Unmap().WithZone(""), b.now())
}

// Run ends blocks when their time has come, until ctx ends. Without it they
// count no longer, but nobody is told.
func (b *Book) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-timer.C:
		}
		next := b.endOld(ctx)
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(max(next.Sub(b.now()), time.Second))
		}
	}
}

// endOld removes what has ended, and tells when the next one ends. What cannot
// be removed is tried again.
func (b *Book) endOld(ctx context.Context) (next time.Time) {
	now := b.now()
	for _, block := range b.index.Load().all {
		switch {
		case block.Until.IsZero():
			continue
		case !block.holds(now):
			if err := b.end(ctx, block); err == nil {
				continue
			}
		}
		if next.IsZero() || block.Until.Before(next) {
			next = block.Until
		}
	}
	return next
}

// end removes a block that has ended, unless another has taken its place.
func (b *Book) end(ctx context.Context, old Block) error {
	ended := false
	err := b.change(ctx, store.Write{Bucket: bucket, Key: []byte(old.Who), Delete: true}, func(all map[string]Block) error {
		if all[old.Who] != old {
			return ErrUnknown
		}
		delete(all, old.Who)
		ended = true
		return nil
	})
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err == nil && ended {
		b.tell(old, false)
	}
	return err
}

// String is what the one who is blocked is told.
func (b Block) String() string {
	if b.Until.IsZero() {
		return "blocked: " + b.Reason
	}
	return "blocked until " + b.Until.Format(time.RFC3339) + ": " + b.Reason
}
