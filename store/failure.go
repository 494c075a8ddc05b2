package store

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// explain says what the failure of transaction id means. A transaction exists
// as soon as its meta page does, and bbolt writes and syncs that page last.
func (f *File) explain(id int, failure error) error {
	visible := false
	err := f.db.View(func(tx *bbolt.Tx) error {
		visible = tx.ID() >= id
		return nil
	})
	if err != nil || visible {
		return errors.Join(fmt.Errorf("%w: %w", ErrUnknown, failure), err)
	}
	return asFull(failure)
}

// asFull marks an error that means want of space with ErrFull.
func asFull(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		// Of a failure to make the file longer bbolt keeps the text alone.
		if attempt, found := strings.CutSuffix(err.Error(), errno.Error()); found {
			return fmt.Errorf("%w: %s%w", ErrFull, attempt, errno)
		}
	}
	return err
}

// guard runs do and turns a panic within, or a fault in the mapped file, into
// an ErrCorrupt: bbolt trusts the structure of its pages, and panics where
// damage has bent it.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the file's structure: %v", ErrCorrupt, p)
		}
	}()
	return do()
}
