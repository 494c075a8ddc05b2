package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sync/semaphore"
)

// A file says in its own bucket how it is laid out. Names with a dot are not
// open to callers.
const (
	metaBucket = ".store"
	formatKey  = "format"
	fileFormat = 1
)

// lockWait is how long to wait for the lock of a process that is just ending.
const lockWait = 100 * time.Millisecond

// Open opens the store in the file at path and makes the file, readable by its
// owner only, if there is none. The directory must exist. Errors: [ErrLocked],
// [ErrFormat], [ErrCorrupt], [ErrFull], and those of the file system.
func Open(path string, o Options) (*File, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create %s: %w", path, asFull(err))
		}
	}
	db, err := openBolt(path, o.NoSync)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := checkFile(db); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, db.Close()))
	}
	f := &File{
		path:    path,
		db:      db,
		maxRoom: max(o.QueueBytes, MaxBatch),
		queue:   make(chan *request, defaulted(o.QueueBatches, 4096)),
	}
	if o.QueueBytes == 0 {
		f.maxRoom = 64 << 20
	}
	f.room = semaphore.NewWeighted(f.maxRoom)
	f.writer.Go(f.write)
	return f, nil
}

func defaulted(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// openBolt opens an existing bbolt file.
func openBolt(path string, noSync bool) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait,
		NoSync:  noSync,
		// Where few records are deleted the list of free pages is short: writing
		// it with each commit costs little and spares reading the whole file to
		// rebuild it when the file is opened.
		NoFreelistSync: false,
		// The list as a map stays quick when it is long and fragmented.
		FreelistType: bbolt.FreelistMapType,
		// Growing the mapping waits for every read under way. Address space is
		// cheap: start where small installations never have to.
		InitialMmapSize: 256 << 20,
		NoStatistics:    true,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("%w: another process has %s open; stop it, or choose another data directory", ErrLocked, path)
	}
	if errors.Is(err, berrors.ErrInvalid) || errors.Is(err, berrors.ErrVersionMismatch) {
		return nil, fmt.Errorf("%w: not a store (%w)", ErrFormat, err)
	}
	if errors.Is(err, berrors.ErrChecksum) {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return db, err
}

// checkFile refuses a file that this version can not read, or that has been cut
// short.
func checkFile(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		info, err := os.Stat(db.Path())
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes long, should be %d; restore it from a backup", ErrCorrupt, info.Size(), tx.Size())
		}
		b := tx.Bucket([]byte(metaBucket))
		if b == nil {
			return fmt.Errorf("%w: a bbolt file, but not a store", ErrFormat)
		}
		stored, err := unseal(metaBucket, []byte(formatKey), b.Get([]byte(formatKey)))
		if err != nil {
			return err
		}
		if format := binary.BigEndian.Uint64(stored); format != fileFormat {
			return fmt.Errorf("%w: format %d, this version reads format %d; use the version that wrote it", ErrFormat, format, fileFormat)
		}
		return nil
	})
}

// create makes an empty store. It is built under another name and then put in
// place whole, so that no instant of a crash leaves half a file at path.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	if err := temp.Close(); err != nil {
		return err
	}
	if err := writeFormat(temp.Name(), fileFormat); err != nil {
		return err
	}
	// Unlike a rename, a link does not replace what another process has put there
	// in the meantime.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// writeFormat stores the format number in a new or existing bbolt file.
func writeFormat(path string, format uint64) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(metaBucket))
		if err != nil {
			return err
		}
		value := binary.BigEndian.AppendUint64(nil, format)
		return b.Put([]byte(formatKey), appendSealed(nil, metaBucket, []byte(formatKey), value))
	})
	return errors.Join(err, db.Close())
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
