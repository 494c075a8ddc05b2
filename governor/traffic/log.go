package traffic

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a Log.
type Options struct {
	Bytes  int64        // of the files, at most; never less than 64 KiB. 0: 256 MiB
	Logger *slog.Logger // told when rows cannot be written. nil: silent
}

// DefaultBytes is how much a Log keeps if Options do not say.
const DefaultBytes = 256 << 20

const (
	leastBytes = 64 << 10
	segments   = 16                     // that make up a full log
	mostQueue  = 4 << 20                // bytes that wait to be written
	block      = 4 << 10                // what a file of a byte takes up
	frameHead  = 8                      // a frame's length and checksum
	extension  = ".rows"                // of a segment
	magic      = "weirrow1"             // how a segment begins
	often      = 250 * time.Millisecond // between two writings
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Log is the record of the governor's traffic, in a directory of its own.
type Log struct {
	dir     string
	bytes   int64
	segment int64 // bytes after which the next one begins
	queue   int   // bytes
	log     *slog.Logger
	wake    chan struct{} // there is much to write

	mu     sync.Mutex // guards what waits to be written
	wire   wire       // its data is the frame that is being filled
	held   tally      // in that frame
	begins bool       // that frame begins a segment
	filled int64      // bytes of the segment, up to that frame
	missed uint64     // rows left out since the last Gap
	added  uint64
	lost   uint64

	writing sync.Mutex // guards the files
	file    *os.File   // the segment that is being written, nil if none is
	files   []segment
	newest  uint64 // number of a segment
	spare   []byte
}

// tally is what a frame holds.
type tally struct {
	rows uint64
	told uint64 // rows that a Gap says are missing
}

// segment is a file of the log.
type segment struct {
	number uint64
	size   int64
}

// space is what the file takes up on a disk.
func (s segment) space() int64 { return (s.size + block - 1) / block * block }

func (l *Log) path(number uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%012d%s", number, extension))
}

// Open takes up the log in a directory, which it makes if it is not there. At
// most one process may have it open.
func Open(dir string, o Options) (*Log, error) {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Bytes = max(o.Bytes, leastBytes)
	l := &Log{dir: dir, bytes: o.Bytes, segment: o.Bytes / segments, log: o.Logger, wake: make(chan struct{}, 1), begins: true}
	l.queue = int(min(l.segment, mostQueue))
	l.wire.restart()
	l.begin(nil)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the record of traffic: %w", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the record of traffic: %w", err)
	}
	for _, f := range list {
		name, ok := strings.CutSuffix(f.Name(), extension)
		number, err := strconv.ParseUint(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, fmt.Errorf("open the record of traffic: %w", err)
		}
		l.files = append(l.files, segment{number, info.Size()})
		l.newest = max(l.newest, number)
	}
	slices.SortFunc(l.files, func(a, b segment) int { return int(a.number) - int(b.number) })
	if err := l.fit(0); err != nil {
		return nil, fmt.Errorf("open the record of traffic: %w", err)
	}
	l.Add(&Row{Kind: Start, At: time.Now()})
	return l, nil
}

// begin begins a frame in a buffer. l.mu is held, or nobody else knows l.
func (l *Log) begin(buffer []byte) {
	if buffer == nil {
		buffer = make([]byte, 0, min(l.queue, leastBytes))
	}
	l.wire.data = append(buffer[:0], make([]byte, frameHead)...)
	l.wire.clock, l.held = 0, tally{}
}

// Add has a row written soon. It waits for nobody: a row for which there is no
// room is left out.
func (l *Log) Add(r *Row) {
	l.mu.Lock()
	l.added++
	if len(l.wire.data) >= l.queue {
		l.missed++
		l.lost++
		l.mu.Unlock()
		return
	}
	l.admit(r.At)
	l.wire.row(r)
	l.held.rows++
	much := len(l.wire.data) >= l.queue/2
	l.mu.Unlock()
	if much {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// admit says in the frame how many rows are missing before it. l.mu is held.
func (l *Log) admit(at time.Time) {
	if l.missed > 0 {
		l.wire.row(&Row{Kind: Gap, At: at, Missing: l.missed})
		l.held.told += l.missed
		l.missed = 0
	}
}

// Run writes rows a few times a second, until ctx ends. It writes no more then;
// Close does. It tells the logger of trouble and returns no error.
func (l *Log) Run(ctx context.Context) error {
	beat := time.NewTicker(often)
	defer beat.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-beat.C:
		}
		err := l.Flush()
		if err != nil && !told {
			l.log.Warn("traffic is not recorded", "error", err)
		}
		told = err != nil
	}
}

// Flush writes the rows that wait. Those that it cannot write are lost.
func (l *Log) Flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	frame, held, begins := l.take()
	l.spare = frame
	if held.rows == 0 {
		return nil
	}
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-frameHead))
	binary.BigEndian.PutUint32(frame[4:], crc32.Checksum(frame[frameHead:], castagnoli))
	err := l.write(frame, begins)
	if err != nil {
		l.abandon(held)
		return fmt.Errorf("record traffic: %w", err)
	}
	return nil
}

// take gives the frame that is to be written, and begins the next one.
func (l *Log) take() (frame []byte, held tally, begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held.rows == 0 {
		return l.spare, held, false
	}
	l.admit(unix(l.wire.clock))
	frame, held, begins = l.wire.data, l.held, l.begins
	l.begins = false
	if l.filled += int64(len(frame)); l.filled >= l.segment {
		l.wire.restart()
		l.filled, l.begins = 0, true
	}
	l.begin(l.spare)
	return frame, held, begins
}

// write appends a frame to its segment. l.writing is held.
func (l *Log) write(frame []byte, begins bool) error {
	if begins {
		if err := l.next(); err != nil {
			return err
		}
	}
	if err := l.fit(int64(len(frame))); err != nil {
		return err
	}
	n, err := l.file.Write(frame)
	l.files[len(l.files)-1].size += int64(n)
	return err
}

// next begins a segment.
func (l *Log) next() error {
	if err := l.closeFile(); err != nil {
		return err
	}
	l.newest++
	file, err := os.OpenFile(l.path(l.newest), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	l.file = file
	l.files = append(l.files, segment{number: l.newest})
	n, err := file.WriteString(magic)
	l.files[len(l.files)-1].size = int64(n)
	return err
}

// fit removes the oldest segments until there is room for so many bytes more.
func (l *Log) fit(more int64) error {
	space := more + block
	for _, s := range l.files {
		space += s.space()
	}
	keep := 0
	if l.file != nil {
		keep = 1
	}
	for space > l.bytes && len(l.files) > keep {
		if err := os.Remove(l.path(l.files[0].number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		space -= l.files[0].space()
		l.files = l.files[1:]
	}
	return nil
}

// abandon gives up a segment that could not be written on: what waits names
// strings that are not in it.
func (l *Log) abandon(held tally) {
	_ = l.closeFile()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed += held.rows + held.told + l.held.rows + l.held.told
	l.lost += held.rows + l.held.rows
	l.wire.restart()
	l.begin(l.wire.data)
	l.filled, l.begins = 0, true
}

func (l *Log) closeFile() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// Close writes what waits. Nothing may be added any more.
func (l *Log) Close() error {
	err := l.Flush()
	l.writing.Lock()
	defer l.writing.Unlock()
	return errors.Join(err, l.closeFile())
}

// Stats is what the log has done.
type Stats struct {
	Rows  uint64 // since it was opened
	Lost  uint64 // of these, left out because the disk did not keep up
	Bytes int64  // of the files
}

// Stats counts.
func (l *Log) Stats() (s Stats) {
	l.mu.Lock()
	s.Rows, s.Lost = l.added, l.lost
	l.mu.Unlock()
	l.writing.Lock()
	defer l.writing.Unlock()
	for _, f := range l.files {
		s.Bytes += f.size
	}
	return s
}
