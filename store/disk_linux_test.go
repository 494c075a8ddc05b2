package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"weir/store"
)

// TestFullDisk fills a small disk again and again, each time with a little
// less room left, so that commits fail at every step of a transaction.
func TestFullDisk(t *testing.T) {
	t.Parallel()
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
		settle()
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

// TestBrokenDisk takes the right to write away from the open file.
func TestBrokenDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{})
	if err := f.Commit(context.Background(), store.Batch{numbered(0)}); err != nil {
		t.Fatal(err)
	}
	readOnly, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(readOnly, f.Fd(), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	syscall.Close(readOnly)

	// Many want the same key: but a batch that is not committed conflicts with
	// nobody, so none may hear of a conflict.
	c := newCallers(f)
	release := hold(t, f)
	answers := make(chan error, 20)
	for range cap(answers) {
		c.wg.Go(func() {
			w := numbered(1)
			w.Expect = store.ExpectAbsent()
			answers <- f.Commit(context.Background(), store.Batch{w})
		})
	}
	for f.Waiting() == 0 {
		runtime.Gosched()
	}
	release()
	c.wg.Wait()
	for range cap(answers) {
		if err := <-answers; !errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrConflict) {
			t.Errorf("error is %v, want ErrBroken alone", err)
		}
	}
	if err := f.Stats().Failing; !errors.Is(err, store.ErrBroken) {
		t.Errorf("stats say %v, want ErrBroken", err)
	}
	if _, err := f.Get("a", store.Key(0)); err != nil {
		t.Errorf("read: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("close: %v", err)
	}

	f = openFile(t, path, store.Options{})
	defer f.Close()
	if _, err := f.Get("a", store.Key(0)); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := f.Get("a", store.Key(1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused batch after a restart: %v", err)
	}
	if err := f.Commit(context.Background(), store.Batch{numbered(1)}); err != nil {
		t.Errorf("commit after a restart: %v", err)
	}
}
