package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/store"
)

// flip inverts a bit of the byte at each place where old stands in the file.
func flip(t *testing.T, path string, old []byte, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, old) {
		t.Fatalf("%q is not in the file", old)
	}
	damaged := bytes.Clone(old)
	damaged[at] ^= 4
	if err := os.WriteFile(path, bytes.ReplaceAll(data, old, damaged), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{NoSync: true})
	for _, key := range []string{"1", "2", "3"} {
		w := store.Write{Bucket: "log", Key: []byte(key), Value: []byte("the value of record " + key + strings.Repeat(".", 2000))}
		if err := f.Commit(context.Background(), store.Batch{w}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, path, []byte("the value of record 2"), 7)

	f = openFile(t, path, store.Options{NoSync: true})
	wantDamage := func(what string, err error) {
		t.Helper()
		r, ok := errors.AsType[*store.RecordError](err)
		if !errors.Is(err, store.ErrCorrupt) || !ok || r.Bucket != "log" || string(r.Key) != "2" {
			t.Errorf("%s: error is %v, want ErrCorrupt of log 2", what, err)
		}
	}
	_, err := f.Get("log", []byte("2"))
	wantDamage("get", err)
	t.Log(err)
	_, err = f.Last("log", nil, []byte("3"))
	wantDamage("last", err)
	var keys []string
	var damage error
	for r, err := range f.Scan("log", nil, nil) {
		if err != nil {
			damage = err
			continue
		}
		keys = append(keys, string(r.Key))
	}
	wantDamage("scan", damage)
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		wantDamage("scan, when the file is closed", damage)
	}()
	if fmt.Sprint(keys) != "[1]" {
		t.Errorf("scan yields %q before the damage, want record 1", keys)
	}
	if _, err := f.Get("log", []byte("3")); err != nil {
		t.Errorf("a record beside it: %v", err)
	}

	w := store.Write{Bucket: "log", Key: []byte("2"), Value: []byte("new"), Expect: store.ExpectValue([]byte("any"))}
	wantDamage("condition", f.Commit(context.Background(), store.Batch{w}))
	w.Expect = store.Expect{}
	if err := f.Commit(context.Background(), store.Batch{w}); err != nil {
		t.Errorf("commit over the damage: %v", err)
	}
	if value, err := f.Get("log", []byte("2")); err != nil || string(value) != "new" {
		t.Errorf("after that the record holds %q, %v", value, err)
	}
}

// TestStrayRecord checks that a value in another record's place is damage.
func TestStrayRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{NoSync: true})
	w := store.Write{Bucket: "log", Key: []byte("a key like no other"), Value: []byte("v")}
	if err := f.Commit(context.Background(), store.Batch{w}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, path, w.Key, len(w.Key)-1)
	f = openFile(t, path, store.Options{NoSync: true})
	defer f.Close()
	for r, err := range f.Scan("log", nil, nil) {
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("scan yields %q, %v; want ErrCorrupt", r.Key, err)
		}
	}
}

// TestDamagedAnywhere flips single bits all over a file: a read may fail, but
// never end the process or give wrong bytes.
func TestDamagedAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "weir.db")
	f := openFile(t, path, store.Options{NoSync: true})
	var b store.Batch
	for i := range uint64(500) {
		b = append(b, store.Write{Bucket: "log", Key: store.Key(1, i), Value: bytes.Repeat(store.Key(i), 20)})
	}
	if err := f.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	damaged := filepath.Join(dir, "damaged.db")
	refused, failed := 0, 0
	for range 400 {
		data := bytes.Clone(whole)
		data[random.IntN(len(data))] ^= 1 << random.IntN(8)
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := store.Open(damaged, store.Options{NoSync: true})
		if err != nil {
			refused++
			if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
				t.Errorf("open: %v", err)
			}
			continue
		}
		for r, err := range f.Scan("log", nil, nil) {
			if err != nil {
				failed++
				if !errors.Is(err, store.ErrCorrupt) {
					t.Errorf("scan: %v", err)
				}
			} else if !bytes.Equal(r.Value, bytes.Repeat(store.Key(store.KeyPart(r.Key, 1)), 20)) {
				t.Errorf("record %x holds wrong bytes", r.Key)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if failed == 0 {
		t.Error("no scan failed: the flips hit nothing")
	}
	t.Logf("400 flips: %d files refused, %d scans failed", refused, failed)
}

// TestCutShort takes pages off the end of a file: it must not open, since a
// read of what is gone would end the process.
func TestCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{NoSync: true})
	for i := range 20 {
		if err := f.Commit(context.Background(), store.Batch{{Bucket: "log", Key: store.Key(uint64(i)), Value: make([]byte, 4000)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for size := len(whole) - 2*page; size > 0; size -= page {
		short := filepath.Join(t.TempDir(), "short.db")
		if err := os.WriteFile(short, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := store.Open(short, store.Options{NoSync: true})
		if err == nil {
			f.Close()
			t.Errorf("cut to %d of %d bytes, it opens", size, len(whole))
		}
	}
}
