package store

import (
	"cmp"
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

// lockWait is how long to wait for the lock, for a process that is just ending.
const lockWait = time.Second

// Open opens the store in the file at path and makes the file, readable by its
// owner only, if there is none. The directory must exist. Errors: [ErrLocked],
// [ErrFormat], [ErrCorrupt], [ErrFull], and those of the file system.
func Open(path string, o Options) (*File, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create %s: %w", path, asFull(err))
		}
	}
	f := &File{
		path:    path,
		maxRoom: cmp.Or(o.QueueBytes, 64<<20),
		queue:   make(chan *request, cmp.Or(o.QueueBatches, 4096)),
	}
	f.room = semaphore.NewWeighted(f.maxRoom)
	if err := f.open(o.NoSync); err != nil {
		remedy := ""
		if errors.Is(err, ErrCorrupt) {
			remedy = "; restore the file from a backup"
		}
		return nil, fmt.Errorf("open %s: %w%s", path, err, remedy)
	}
	f.stats.Size = f.size()
	f.writer.Go(f.write)
	return f, nil
}

// open opens the bbolt file, which must exist, and leaves nothing open when it
// fails. Only if bbolt panics over damage does its mapping of the file, and with
// it the lock, stay until the process ends.
func (f *File) open(noSync bool) error {
	err := guard(func() error { return f.openBolt(noSync) })
	if err != nil {
		if f.data != nil {
			f.data.Close() // bbolt has done so itself, unless it panicked
		}
		return err
	}
	if err := guard(f.checkFormat); err != nil {
		return errors.Join(err, f.db.Close())
	}
	return nil
}

func (f *File) openBolt(noSync bool) (err error) {
	f.db, err = bbolt.Open(f.path, 0o600, &bbolt.Options{
		Timeout: lockWait,
		OpenFile: func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
			f.data, err = os.OpenFile(path, flag&^os.O_CREATE, mode)
			return f.data, err
		},
		NoSync:     noSync,
		NoGrowSync: noSync,
		// Where few records are deleted the list of free pages is short: writing
		// it with each commit costs little, and spares reading the whole file to
		// rebuild it when the file is opened.
		NoFreelistSync: false,
		// The list as a map stays quick when it is long and fragmented.
		FreelistType: bbolt.FreelistMapType,
		// Growing the mapping waits for every read under way. Address space is
		// cheap: start where small installations never have to.
		InitialMmapSize: 256 << 20,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w: another process holds this file; stop that process, or use another data directory", ErrLocked)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: this is not a data file (%w)", ErrFormat, err)
	case errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// checkFormat refuses a file that this version can not read, or that has been
// cut short.
func (f *File) checkFormat() error {
	return f.db.View(func(tx *bbolt.Tx) error {
		if size := f.size(); size < tx.Size() {
			return fmt.Errorf("%w: the file has %d bytes of at least %d", ErrCorrupt, size, tx.Size())
		}
		b := tx.Bucket([]byte(metaBucket))
		if b == nil {
			return fmt.Errorf("%w: a bbolt file of another program", ErrFormat)
		}
		stored, err := unseal(metaBucket, []byte(formatKey), b.Get([]byte(formatKey)))
		if err != nil {
			return err
		}
		if format := KeyPart(stored, 0); format != fileFormat {
			return fmt.Errorf("%w: the file has format %d, this version reads format %d; use the version that wrote it", ErrFormat, format, fileFormat)
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
		return b.Put([]byte(formatKey), appendSealed(nil, metaBucket, []byte(formatKey), Key(format)))
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
