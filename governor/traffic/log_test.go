package traffic_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/governor"
	"weir/governor/traffic"
	"weir/wavelet"
)

var (
	epoch = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	main  = wavelet.Name{Wave: "example.com!w+main", Wavelet: "example.com!conv+root"}
)

// numbered is a row that is told from others by its number.
func numbered(n int) *traffic.Row {
	return &traffic.Row{Kind: traffic.Commit, At: epoch.Add(time.Duration(n) * time.Millisecond), Commit: wavelet.Commit{
		Wavelet: main, Delta: wavelet.Delta{ID: wavelet.DeltaID("ann/" + strconv.Itoa(n)), Author: "ann@example.com",
			Cause: wavelet.Cause{ID: fmt.Sprintf("%032x", n), Kind: wavelet.Human}},
	}}
}

// numberOf is the number of a row.
func numberOf(t *testing.T, r *traffic.Row) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(string(r.Commit.Delta.ID), "ann/"))
	if err != nil || r.Commit.Delta.Cause.ID != fmt.Sprintf("%032x", n) {
		t.Fatalf("a row that nobody wrote: %+v", r)
	}
	return n
}

func open(t *testing.T, dir string, o traffic.Options) *traffic.Log {
	t.Helper()
	l, err := traffic.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// found is what a log holds: the numbers of rows, and how many gaps and starts.
type found struct {
	numbers      []int
	gaps, starts int
	missing      uint64
}

func read(t *testing.T, l *traffic.Log, from time.Time) (f found) {
	t.Helper()
	for r, err := range l.Rows(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Kind {
		case traffic.Start:
			f.starts++
		case traffic.Gap:
			f.gaps++
			f.missing += r.Missing
		default:
			f.numbers = append(f.numbers, numberOf(t, r))
		}
	}
	return f
}

// upTo is the numbers from first to last.
func upTo(first, last int) (list []int) {
	for n := first; n <= last; n++ {
		list = append(list, n)
	}
	return list
}

func sizeOf(t *testing.T, dir string) (size int64, files []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.rows"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size, files
}

// TestTheOldestGo fills a tiny log many times over.
func TestTheOldestGo(t *testing.T) {
	const bound, rows = 64 << 10, 20_000
	dir := t.TempDir()
	l := open(t, dir, traffic.Options{Bytes: bound})
	for n := range rows {
		l.Add(numbered(n + 1))
		if n%50 == 0 {
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
			if size, _ := sizeOf(t, dir); size > bound {
				t.Fatalf("%d bytes after %d rows, more than %d", size, n, bound)
			}
		}
	}
	f := read(t, l, time.Time{})
	if f.gaps > 0 || len(f.numbers) < 500 || !slices.Equal(f.numbers, upTo(f.numbers[0], rows)) || f.numbers[0] < rows/2 {
		t.Errorf("%d rows from %d to %d, %d gaps; want the newest without a gap", len(f.numbers), f.numbers[0], f.numbers[len(f.numbers)-1], f.gaps)
	}
	from := epoch.Add((rows - 100) * time.Millisecond)
	if f := read(t, l, from); !slices.Equal(f.numbers, upTo(rows-100, rows)) {
		t.Errorf("from an instant on there are %d rows, want 101", len(f.numbers))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, traffic.Options{Bytes: bound})
	l.Add(numbered(rows + 1))
	f = read(t, l, from)
	if f.starts != 1 || !slices.Equal(f.numbers, upTo(rows-100, rows+1)) {
		t.Errorf("after a restart there are %d rows and %d starts", len(f.numbers), f.starts)
	}
}

// TestTornTail cuts a record off at every byte of its last frame, and spoils one
// byte after another.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, traffic.Options{})
	for n := range 5 {
		l.Add(numbered(n + 1))
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	whole, files := sizeOf(t, dir)
	for n := range 3 {
		l.Add(numbered(n + 6))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	look := func(name string, raw []byte, want int) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(files[0])), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, traffic.Options{})
		defer l.Close()
		l.Add(numbered(9))
		f := read(t, l, time.Time{})
		if !slices.Equal(f.numbers, append(upTo(1, want), 9)) {
			t.Errorf("%s: read %v", name, f.numbers)
		}
		if gap := len(raw) != int(whole) && want < 8; (f.gaps == 1) != gap {
			t.Errorf("%s: %d gaps", name, f.gaps)
		}
	}
	for n := int(whole); n < len(raw); n++ {
		look(fmt.Sprintf("cut off at %d", n), raw[:n], 5)
	}
	look("whole", raw, 8)
	for n := int(whole); n < len(raw); n += 7 {
		spoilt := slices.Clone(raw)
		spoilt[n] ^= 0x20
		look(fmt.Sprintf("byte %d spoilt", n), spoilt, 5)
	}
}

// TestPressure adds rows when nobody writes: they are left out and counted, and
// nothing waits.
func TestPressure(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{Bytes: 64 << 10})
	const rows = 1000
	for n := range rows {
		l.Add(numbered(n + 1))
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	l.Add(numbered(rows + 1))
	f := read(t, l, time.Time{})
	lost := l.Stats().Lost
	if lost == 0 || f.missing != lost || f.gaps != 1 || len(f.numbers)+int(lost) != rows+1 {
		t.Errorf("%d rows of %d, %d missing in %d gaps, %d lost", len(f.numbers), rows+1, f.missing, f.gaps, lost)
	}
}

// TestNoDisk takes the directory away and gives it back.
func TestNoDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "traffic")
	l := open(t, dir, traffic.Options{Bytes: 64 << 10})
	n := 0
	add := func(rows int) (err error) {
		for range rows {
			n++
			l.Add(numbered(n))
		}
		return l.Flush()
	}
	if err := add(10); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range 60 {
		if add(50) != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Fatal("rows were written into a directory that is not there")
	}
	if err := os.Rename(dir+"2", dir); err != nil {
		t.Fatal(err)
	}
	if err := add(10); err != nil {
		t.Fatal(err)
	}
	f := read(t, l, time.Time{})
	if f.missing == 0 || f.missing != l.Stats().Lost || f.numbers[len(f.numbers)-1] != n || f.numbers[0]-1+len(f.numbers)+int(f.missing) < n {
		t.Errorf("%d rows up to %d of %d, %d missing", len(f.numbers), f.numbers[len(f.numbers)-1], n, f.missing)
	}
}

// TestKilled reads what a process leaves that is killed while it records as fast as
// it can.
func TestKilled(t *testing.T) {
	const enough = 50_000
	dir := t.TempDir()
	child := startChild(t, dir)
	child.until(enough)
	child.kill()
	l := open(t, dir, traffic.Options{})
	defer l.Close()
	next, read := 1, 0
	for r, err := range l.Rows(t.Context(), time.Time{}) {
		switch {
		case err != nil:
			t.Fatal(err)
		case r.Kind == traffic.Gap:
			next += int(r.Missing)
		case r.Kind == traffic.Commit:
			if n := numberOf(t, r); n != next {
				t.Fatalf("row %d comes after %d", n, next-1)
			}
			next++
			read++
		}
	}
	if read < enough/2 {
		t.Errorf("%d rows are left of more than %d", read, enough)
	}
	t.Logf("%d rows left", read)
}

// TestManyAtOnce records from many goroutines while others read.
func TestManyAtOnce(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{Bytes: 1 << 20})
	ctx, stop := context.WithCancel(t.Context())
	var run, add sync.WaitGroup
	run.Go(func() { _ = l.Run(ctx) })
	for g := range 4 {
		add.Go(func() {
			for n := range 2000 {
				l.Add(numbered(10_000*g + n + 1))
			}
		})
	}
	add.Go(func() {
		for range 5 {
			read(t, l, time.Time{})
		}
	})
	add.Wait()
	stop()
	run.Wait()
	f := read(t, l, time.Time{})
	if n := len(f.numbers) + int(f.missing); n != 8000 {
		t.Errorf("%d rows and %d missing, want 8000", len(f.numbers), f.missing)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsAllocated holds the promise to the governor's hot path.
func TestNothingIsAllocated(t *testing.T) {
	l := open(t, t.TempDir(), traffic.Options{})
	defer l.Close()
	const runs = 2000
	rows := make([]traffic.Row, 0, 2*runs)
	for n := range cap(rows) {
		d := governor.Delivery{Seat: wavelet.Seat{Wavelet: main, Robot: "echo@example.com"}, Bundle: fmt.Sprintf("%032x", n), RobotLane: true,
			Cause:  wavelet.Cause{ID: "ann/1", Depth: 3, Exact: 3, Parent: "b@example.com", Bundle: fmt.Sprintf("%032x", n-1), Kind: wavelet.Robot},
			Author: "b@example.com", Sent: epoch}
		d.Parts = []governor.Part{{Author: d.Author, Cause: d.Cause}}
		rows = append(rows, traffic.Row{Kind: traffic.Deliver, At: epoch, Delivery: d})
	}
	n := 0
	if allocs := testing.AllocsPerRun(runs, func() {
		l.Add(&rows[n])
		n++
	}); allocs > 0 {
		t.Errorf("%g allocations a row", allocs)
	}
}
