package store_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"weir/store"
	"weir/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB, string) store.Store { return store.NewMemory() })
}

func TestFile(t *testing.T) {
	open := func(t testing.TB, dir string) store.Store {
		return openFile(t, filepath.Join(dir, "test.db"), store.Options{NoSync: true})
	}
	storetest.Run(t, open)
	storetest.RunDurable(t, open)
}

// settle waits until no process is half started: one has all files of this one until
// it runs its own program, and with them their locks, though they are closed here.
func settle() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
}

// openFile opens a File or fails t.
func openFile(t testing.TB, path string, o store.Options) *store.File {
	t.Helper()
	settle()
	f, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
