package sharing

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"weir/store"
	"weir/wavelet"
)

// bucket is where links are stored, by id.
const bucket = "link"

// record is a link as it is stored.
type record struct {
	Format int    `json:"format"`
	Link   Link   `json:"link"`
	Hash   string `json:"hash"` // of the secret
}

// recordFormat is the format of records written now.
const recordFormat = 1

// Store is the part of a store.Store that links are kept in.
type Store interface {
	Commit(ctx context.Context, b store.Batch) error
	Scan(bucket string, from, to []byte) iter.Seq2[store.Record, error]
}

// outdated is a wavelet's links that have expired, and how many have not.
func (b *Book) outdated(name wavelet.Name) (over []string, left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, rec := range b.links[name] {
		if b.now().Before(rec.Link.Expires) {
			left++
		} else {
			over = append(over, id)
		}
	}
	return over, left
}

// put and remove change what is in memory; the caller holds mu.
func (b *Book) put(rec record) {
	of := b.links[rec.Link.Wavelet]
	if of == nil {
		of = map[string]record{}
		b.links[rec.Link.Wavelet] = of
	}
	of[rec.Link.ID] = rec
}

func (b *Book) remove(name wavelet.Name, id string) {
	delete(b.links[name], id)
	if len(b.links[name]) == 0 {
		delete(b.links, name)
	}
}

// keep writes one record, with more writes beside it.
func (b *Book) keep(ctx context.Context, rec record, more ...store.Write) error {
	value, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return b.commit(ctx, append(more, store.Write{Bucket: bucket, Key: []byte(rec.Link.ID), Value: value}))
}

func (b *Book) commit(ctx context.Context, batch store.Batch) error {
	if len(batch) == 0 {
		return nil
	}
	if err := b.store.Commit(ctx, batch); err != nil {
		return fmt.Errorf("store links: %w", err)
	}
	return nil
}

func deletions(ids []string) store.Batch {
	var batch store.Batch
	for _, id := range ids {
		batch = append(batch, store.Write{Bucket: bucket, Key: []byte(id), Delete: true})
	}
	return batch
}
