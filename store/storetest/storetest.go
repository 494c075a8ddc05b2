// Package storetest holds every implementation of store.Store to the same
// rules. A package that has one calls [Run] from a test, and [RunDurable] as
// well if its records outlive the process.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/store"
)

// Opener opens the store that lives in the directory dir, or fails t. A store
// that outlives the process finds there what an earlier one has left.
type Opener func(t testing.TB, dir string) store.Store

// Run checks every rule that holds while a store is open.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"Empty":          testEmpty,
		"Batch":          testBatch,
		"Expect":         testExpect,
		"ExpectOrder":    testExpectOrder,
		"Refusals":       testRefusals,
		"Ownership":      testOwnership,
		"ScanRange":      testScanRange,
		"ScanPages":      testScanPages,
		"ScanChanging":   testScanChanging,
		"Last":           testLast,
		"Buckets":        testBuckets,
		"Context":        testContext,
		"CompareAndSwap": testCompareAndSwap,
		"Stats":          testStats,
		"Close":          testClose,
		"CloseAnswers":   testCloseAnswers,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			test(t, s)
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Run("Model", func(t *testing.T) { testModel(t, open, false) })
}

// RunDurable checks that a store which is closed and opened again holds what it
// held before.
func RunDurable(t *testing.T, open Opener) {
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open) })
	t.Run("ModelReopen", func(t *testing.T) { testModel(t, open, true) })
}

func testReopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	commit(t, s, put("a", "1", "one"), put("a", "2", ""), put("b", "1", "eins"))
	commit(t, s, remove("b", "1"), put("a", "3", "three"))
	for range 3 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		want(t, s, "a", "1=one 2= 3=three")
		want(t, s, "b", "")
		if n := s.Stats().Batches; n != 0 {
			t.Errorf("stats of a reopened store start at %d batches, want 0", n)
		}
		commit(t, s, store.Write{Bucket: "a", Key: []byte("2"), Expect: store.ExpectValue(nil)})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// put returns a write of value under key.
func put(bucket, key, value string) store.Write {
	return store.Write{Bucket: bucket, Key: []byte(key), Value: []byte(value)}
}

// remove returns a write that deletes key.
func remove(bucket, key string) store.Write {
	return store.Write{Bucket: bucket, Key: []byte(key), Delete: true}
}

// expecting returns w with a condition.
func expecting(w store.Write, e store.Expect) store.Write {
	w.Expect = e
	return w
}

// commit commits a batch that must succeed.
func commit(t testing.TB, s store.Store, b ...store.Write) {
	t.Helper()
	if err := s.Commit(context.Background(), b); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// want checks all of a bucket, written `key=value key=value`.
func want(t testing.TB, s store.Store, bucket, records string) {
	t.Helper()
	if diff := cmp.Diff(records, scanned(t, s, bucket, nil, nil)); diff != "" {
		t.Errorf("bucket %q (-want +got):\n%s", bucket, diff)
	}
}

// scanned writes down what a scan yields.
func scanned(t testing.TB, s store.Store, bucket string, from, to []byte) string {
	t.Helper()
	var out bytes.Buffer
	for r, err := range s.Scan(bucket, from, to) {
		if err != nil {
			t.Fatalf("scan of %q: %v", bucket, err)
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		fmt.Fprintf(&out, "%s=%s", r.Key, r.Value)
	}
	return out.String()
}

// wantError checks that err is target and, if it is about a record, which one.
func wantError(t testing.TB, err, target error, record ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error is %v, want %v", err, target)
		return
	}
	if len(record) == 0 {
		return
	}
	r, ok := errors.AsType[*store.RecordError](err)
	if !ok || r.Bucket != record[0] || string(r.Key) != record[1] {
		t.Errorf("error %v names another record than %q", err, record)
	}
}

// temporary returns a directory for one run of a property, and its removal.
func temporary(t interface{ Fatalf(string, ...any) }) (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		t.Fatalf("temporary directory: %v", err)
	}
	return dir, func() { os.RemoveAll(dir) }
}
