package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"weir/store"
)

// TestFullDisk fills a small disk again and again, each time with a little
// less room left, so that commits fail at every step of a transaction.
func TestFullDisk(t *testing.T) {
	disk := mountSmallDisk(t, "8m")
	path := filepath.Join(disk, "weir.db")
	f := openFile(t, path, store.Options{})
	defer func() { f.Close() }()

	journal := &journal{file: f}
	if err := journal.write(100); err != nil {
		t.Fatal(err)
	}
	stopReading := journal.readOn(t)
	for room := range 24 {
		ballast := filepath.Join(disk, "ballast")
		fillUp(t, ballast, room)
		// Pages of the file that a failed attempt has filled may be enough for the
		// next one: the disk is full when none gets through any more.
		for failures := 0; failures < 5; failures++ {
			before := journal.total()
			err := journal.write(100_000)
			if !errors.Is(err, store.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("with %d pages left: error is %v, want ErrFull with ENOSPC", room, err)
			}
			if journal.total() > before {
				failures = 0
			}
		}
		if err := f.Stats().Failing; !errors.Is(err, store.ErrFull) {
			t.Errorf("stats say %v, want ErrFull", err)
		}
		if err := journal.check(); err != nil {
			t.Errorf("with %d pages left: while full: %v", room, err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := journal.write(5); err != nil {
			t.Fatalf("with space again: %v", err)
		}
		if err := f.Stats().Failing; err != nil {
			t.Errorf("stats still say %v", err)
		}
	}
	stopReading()
	if err := f.Check(); err != nil {
		t.Errorf("structure of the file: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openFile(t, path, store.Options{})
	journal.file = f
	if err := journal.check(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

// TestCreateOnFullDisk checks that a file which can not be made is not left in
// parts.
func TestCreateOnFullDisk(t *testing.T) {
	disk := mountSmallDisk(t, "64k")
	ballast := filepath.Join(disk, "ballast")
	fillUp(t, ballast, 2)
	path := filepath.Join(disk, "weir.db")
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrFull) {
		t.Errorf("error is %v, want ErrFull", err)
	}
	if entries, err := os.ReadDir(disk); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v (%v), want the ballast alone", entries, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := openFile(t, path, store.Options{}).Close(); err != nil {
		t.Error(err)
	}
}

// mountSmallDisk mounts a tmpfs of the given size, or skips the test.
func mountSmallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small disk takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fillUp writes a file until the disk is full and then takes so many pages off
// it again.
func fillUp(t *testing.T, path string, room int) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page, size := make([]byte, 4096), int64(0)
	for err == nil {
		var n int
		n, err = file.Write(page)
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := file.Truncate(max(0, size-int64(room*len(page)))); err != nil {
		t.Fatal(err)
	}
}

// TestFileSizeLimit reaches another kind of full, for which nobody need be root:
// the process may not make files larger.
func TestFileSizeLimit(t *testing.T) {
	out, err := child(t, "limited", filepath.Join(t.TempDir(), "weir.db")).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

// runLimited is the child of TestFileSizeLimit.
func runLimited(path string) error {
	signal.Ignore(syscall.SIGXFSZ) // or it ends the process
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

// readOn reads acknowledged records without a pause until stop is called.
func (j *journal) readOn(t *testing.T) (stop func()) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for i := uint64(0); ; i++ {
			select {
			case <-done:
				return
			default:
			}
			at := i % j.total()
			if value, err := j.file.Get("journal", store.Key(at)); err != nil || !bytes.Equal(value, entry(at)) {
				t.Errorf("read of record %d: %d bytes, %v", at, len(value), err)
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
