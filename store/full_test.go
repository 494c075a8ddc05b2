package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"weir/store"
)

// TestFileSizeLimit reaches another kind of full, for which nobody need be root:
// the process may not make files larger.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	out, err := child(t, "limited", filepath.Join(t.TempDir(), "weir.db")).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

// runLimited is the child of TestFileSizeLimit.
func runLimited(path string) error {
	f, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	journal := &journal{file: f}

	// At first the file can not be made longer; with a limit below its length it
	// can not be written beyond.
	for _, limit := range []uint64{64 << 10, 128 << 10, 256 << 10} {
		restore, err := limitFileSize(limit)
		if err != nil {
			return err
		}
		err = journal.write(10_000)
		if !errors.Is(err, store.ErrFull) || !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("limit of %d bytes: error is %v, want ErrFull with EFBIG", limit, err)
		}
		fmt.Println(err)
		if err := journal.check(); err != nil {
			return fmt.Errorf("limit of %d bytes: %w", limit, err)
		}
		if err := restore(); err != nil {
			return err
		}
		if err := journal.write(100); err != nil {
			return fmt.Errorf("limit of %d bytes lifted: %w", limit, err)
		}
	}
	return errors.Join(journal.check(), f.Check())
}

func limitFileSize(limit uint64) (restore func() error, err error) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		return nil, err
	}
	restore = func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before) }
	return restore, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: before.Max})
}

// journal is a sequence of records of which one knows what they should hold.
type journal struct {
	file *store.File

	mu      sync.Mutex
	written uint64 // acknowledged
}

// entry returns what record i holds: up to two pages.
func entry(i uint64) []byte {
	return bytes.Repeat([]byte{byte(i)}, int(i*613%8192))
}

// write commits n records more, each with the total, up to the first error.
func (j *journal) write(n int) error {
	for range n {
		next := j.total()
		err := j.file.Commit(context.Background(), store.Batch{
			{Bucket: "journal", Key: store.Key(next), Value: entry(next), Expect: store.ExpectAbsent()},
			{Bucket: "total", Key: []byte("n"), Value: store.Key(next + 1)},
		})
		if err != nil {
			return err
		}
		j.mu.Lock()
		j.written++
		j.mu.Unlock()
	}
	return nil
}

func (j *journal) total() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written
}

// check reads everything. No commit may be under way.
func (j *journal) check() error {
	total, err := j.file.Get("total", []byte("n"))
	if err != nil || store.KeyPart(total, 0) != j.total() {
		return fmt.Errorf("total is %x (%v), want %d", total, err, j.total())
	}
	next := uint64(0)
	for r, err := range j.file.Scan("journal", nil, nil) {
		if err != nil {
			return err
		}
		if store.KeyPart(r.Key, 0) != next || !bytes.Equal(r.Value, entry(next)) {
			return fmt.Errorf("record %x follows on %d, or holds another value", r.Key, next)
		}
		next++
	}
	if next != j.total() {
		return fmt.Errorf("%d records, want %d", next, j.total())
	}
	return nil
}
