package traffic

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"slices"
	"time"
)

// Rows yields the rows that were added from an instant on, in the order in which
// they came, up to the newest at the time of the call. What cannot be read is a
// Gap among them. An error ends it. A row is not to be changed.
func (l *Log) Rows(ctx context.Context, from time.Time) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		if err := l.Flush(); err != nil {
			yield(nil, err)
			return
		}
		l.writing.Lock()
		files := slices.Clone(l.files)
		l.writing.Unlock()
		r := &reader{ctx: ctx, buffer: bufio.NewReaderSize(nil, 1<<16)}
		r.wire.reading = true
		first := l.since(r, files, from)
		r.from, r.yield, r.last = from, yield, time.Time{}
		for _, f := range files[first:] {
			if !r.segment(l.path(f.number), f.size) {
				return
			}
		}
	}
}

// since finds the segment in which the rows of an instant are, by r, which reads
// from the beginning still.
func (l *Log) since(r *reader, files []segment, from time.Time) int {
	at := 0
	for i := 1; i < len(files); i++ {
		began := time.Time{}
		r.yield = func(row *Row, _ error) bool {
			began = row.At
			return false
		}
		r.segment(l.path(files[i].number), files[i].size)
		if !began.IsZero() && !began.After(from) {
			at = i
		}
	}
	return at
}

// reader reads segments.
type reader struct {
	ctx    context.Context
	from   time.Time
	yield  func(*Row, error) bool
	buffer *bufio.Reader
	frame  []byte
	wire   wire
	last   time.Time
}

// segment reads the first size bytes of a file. It reports whether there is to be
// read on.
func (r *reader) segment(path string, size int64) bool {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) { // it has gone meanwhile
		return r.gap()
	}
	if err != nil {
		r.yield(nil, err)
		return false
	}
	defer file.Close()
	r.buffer.Reset(io.LimitReader(file, size))
	r.wire.restart()
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r.buffer, head); err != nil || string(head) != magic {
		return r.gap()
	}
	for {
		err := r.read()
		if errors.Is(err, io.EOF) {
			return true
		}
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errDamaged) {
			return r.gap()
		}
		if err != nil {
			r.yield(nil, err)
			return false
		}
		if !r.rows() {
			return false
		}
		if r.wire.err != nil {
			r.wire.err = nil
			return r.gap()
		}
	}
}

// gap tells that rows are missing.
func (r *reader) gap() bool {
	if r.last.Before(r.from) && !r.last.IsZero() {
		return true
	}
	return r.yield(&Row{Kind: Gap, At: r.last}, nil)
}

// read reads a frame.
func (r *reader) read() error {
	var head [frameHead]byte
	if _, err := io.ReadFull(r.buffer, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > 4*mostQueue {
		return errDamaged
	}
	r.frame = slices.Grow(r.frame[:0], int(n))[:n]
	if _, err := io.ReadFull(r.buffer, r.frame); err != nil {
		return io.ErrUnexpectedEOF
	}
	if crc32.Checksum(r.frame, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return errDamaged
	}
	return nil
}

// rows yields the rows of the frame. It reports whether there is to be read on.
func (r *reader) rows() bool {
	r.wire.data, r.wire.clock = r.frame, 0
	for len(r.wire.data) > 0 {
		var row Row
		if r.wire.row(&row); r.wire.err != nil {
			return true
		}
		r.last = row.At
		if row.At.Before(r.from) {
			continue
		}
		if err := r.ctx.Err(); err != nil {
			r.yield(nil, context.Cause(r.ctx))
			return false
		}
		if !r.yield(&row, nil) {
			return false
		}
	}
	return true
}
