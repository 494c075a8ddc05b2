package store

import "go.etcd.io/bbolt"

// HoldWriter keeps the writer from starting a transaction until release is
// called.
func (f *File) HoldWriter() (release func() error, err error) {
	tx, err := f.db.Begin(true)
	if err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}

// Waiting returns the number of batches in the queue.
func (f *File) Waiting() int { return len(f.queue) }

// Check returns the first fault in the structure of the file, or nil.
func (f *File) Check() error {
	return f.db.View(func(tx *bbolt.Tx) (first error) {
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	})
}

// Fd returns the descriptor of the data file.
func (f *File) Fd() int { return int(f.data.Fd()) }

// LastTx returns the number of the latest transaction.
func (f *File) LastTx() (id int) {
	f.db.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil })
	return id
}

// Explain is explain.
func (f *File) Explain(id int, failure error) error { return f.explain(id, failure) }

// WriteFormat writes a format number into the file at path.
func WriteFormat(path string, format uint64) error { return writeFormat(path, format) }

// Walk reads a bucket with bbolt alone and returns the bytes of its records.
func (f *File) Walk(bucket string) (bytes int) {
	f.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucket)).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			bytes += len(k) + len(v)
		}
		return nil
	})
	return bytes
}
