package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"weir/store"
)

// ranges are bounds over the keys b, d, f and what a scan of them yields.
func ranges() []struct{ from, to, scan, last string } {
	return []struct{ from, to, scan, last string }{
		{"", "", "b=1 d=2 f=3", "f"},
		{"a", "z", "b=1 d=2 f=3", "f"},
		{"b", "f", "b=1 d=2", "d"},
		{"b", "f\x00", "b=1 d=2 f=3", "f"},
		{"b\x00", "e", "d=2", "d"},
		{"c", "d", "", ""},
		{"d", "", "d=2 f=3", "f"},
		{"", "d", "b=1", "b"},
		{"", "b", "", ""},
		{"g", "", "", ""},
		{"d", "d", "", ""},
		{"f", "b", "", ""},
	}
}

// bound returns nil for the empty string, else its bytes.
func bound(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func testScanRange(t *testing.T, s store.Store) {
	commit(t, s, put("k", "f", "3"), put("k", "b", "1"), put("k", "d", "2"))
	for _, r := range ranges() {
		if got := scanned(t, s, "k", bound(r.from), bound(r.to)); got != r.scan {
			t.Errorf("scan from %q to %q yields %q, want %q", r.from, r.to, got, r.scan)
		}
	}
	if got := scanned(t, s, "k", []byte{}, []byte{}); got != "" {
		t.Errorf("scan to the empty key yields %q, want nothing", got)
	}
}

func testLast(t *testing.T, s store.Store) {
	commit(t, s, put("k", "f", "3"), put("k", "b", "1"), put("k", "d", "2"))
	for _, r := range ranges() {
		got, err := s.Last("k", bound(r.from), bound(r.to))
		if r.last == "" {
			wantError(t, err, store.ErrNotFound, "k", r.from)
		} else if err != nil || string(got.Key) != r.last {
			t.Errorf("last from %q to %q is %q (%v), want %q", r.from, r.to, got.Key, err, r.last)
		}
	}

	// The use it exists for: the nearest snapshot at or below a version.
	for id := range uint64(3) {
		for version := uint64(500); version <= 2000; version += 500 {
			commit(t, s, store.Write{Bucket: "snapshots", Key: store.Key(id, version), Value: store.Key(id, version)})
		}
	}
	for version, want := range map[uint64]uint64{500: 500, 501: 500, 999: 500, 1999: 1500, 1 << 40: 2000} {
		r, err := s.Last("snapshots", store.Key(1), store.Key(1, version+1))
		if err != nil || !bytes.Equal(r.Key, store.Key(1, want)) || !bytes.Equal(r.Value, r.Key) {
			t.Errorf("nearest snapshot to version %d is %x (%v), want %d", version, r.Key, err, want)
		}
	}
	_, err := s.Last("snapshots", store.Key(1), store.Key(1, 500))
	wantError(t, err, store.ErrNotFound)
}

func testBuckets(t *testing.T, s store.Store) {
	commit(t, s, put("a", "k", "of a"), put("b", "k", "of b"), put("ab", "k", "of ab"))
	commit(t, s, remove("ab", "k"))
	want(t, s, "a", "k=of a")
	want(t, s, "b", "k=of b")
	want(t, s, "ab", "")
}

// testScanPages scans more records than any store reads at once, small and large.
func testScanPages(t *testing.T, s store.Store) {
	const records = 3000
	var b store.Batch
	for i := range uint64(records) {
		size := 10
		if i%100 == 99 {
			size = 40 << 10
		}
		b = append(b, store.Write{Bucket: "a", Key: store.Key(7, i), Value: bytes.Repeat([]byte{byte(i)}, size)})
	}
	commit(t, s, b...)
	for _, from := range []uint64{0, 1, 255, 256, 257, 2999, 3000} {
		next := from
		for r, err := range s.Scan("a", store.Key(7, from), nil) {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Key, b[next].Key) || !bytes.Equal(r.Value, b[next].Value) {
				t.Fatalf("scan from %d: record %d has key %x and %d bytes", from, next, r.Key, len(r.Value))
			}
			next++
		}
		if next != records {
			t.Errorf("scan from %d ends before record %d, want %d", from, next, records)
		}
	}
	for at := uint64(0); at < records; at += 7 {
		r, err := s.Last("a", store.Key(7), store.Key(7, at+1))
		if err != nil || !bytes.Equal(r.Key, b[at].Key) || !bytes.Equal(r.Value, b[at].Value) {
			t.Fatalf("last up to record %d is %x (%v)", at, r.Key, err)
		}
	}
	for range s.Scan("a", nil, nil) {
		break // a consumer that leaves early leaves nothing behind
	}
}

// testScanChanging commits from within a scan: it must neither stall nor lose
// or repeat a record that stands throughout.
func testScanChanging(t *testing.T, s store.Store) {
	const records = 1000
	var b store.Batch
	for i := range uint64(records) {
		b = append(b, store.Write{Bucket: "a", Key: store.Key(2 * i), Value: []byte("v")})
	}
	commit(t, s, b...)
	var seen []uint64
	for r, err := range s.Scan("a", nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		at := store.KeyPart(r.Key, 0)
		if at%2 != 0 {
			continue // written during the scan: it may be seen
		}
		if n := uint64(len(seen)); n%100 == 50 {
			commit(t, s,
				store.Write{Bucket: "a", Key: store.Key(at + 1), Value: []byte("new")},
				store.Write{Bucket: "a", Key: store.Key(at - 2), Delete: true},
				store.Write{Bucket: "a", Key: store.Key(2*records + at + 1), Value: []byte("new")})
		}
		seen = append(seen, at)
	}
	for i, at := range seen {
		if at != 2*uint64(i) {
			t.Fatalf("record %d of the scan is %d, want %d", i, at, 2*i)
		}
	}
	if len(seen) != records {
		t.Errorf("the scan yields %d records, want %d", len(seen), records)
	}
	err := s.Commit(context.Background(), store.Batch{expecting(put("b", "k", fmt.Sprint(len(seen))), store.ExpectAbsent())})
	if err != nil {
		t.Errorf("commit after the scan: %v", err)
	}
}
