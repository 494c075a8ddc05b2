package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"weir/store"
)

// runHolder opens the store, says so, and keeps it until its input ends.
func runHolder(path string) error {
	f, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return f.Close()
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	holder := child(t, "holder", path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("holder says %q, %v", line, err)
	}

	_, err = store.Open(path, store.Options{})
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("error is %v, want ErrLocked", err)
	}
	for _, part := range []string{path, "another process", "stop that process"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("message %q does not say %q", err, part)
		}
	}

	in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := openFile(t, path, store.Options{}).Close(); err != nil {
		t.Errorf("after the holder has ended: %v", err)
	}
}

func TestSecondFileInProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{})
	defer f.Close()
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("error is %v, want ErrLocked", err)
	}
}

func TestOpenMakesOnePrivateFile(t *testing.T) {
	dir := t.TempDir()
	f := openFile(t, filepath.Join(dir, "weir.db"), store.Options{})
	defer f.Close()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("directory holds %v (%v), want the file alone", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v (%v), want 0600", info.Mode(), err)
	}
	if size := f.Stats().Size; size != info.Size() {
		t.Errorf("stats give size %d, want %d", size, info.Size())
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	closed := func(path string) string {
		if err := openFile(t, path, store.Options{NoSync: true}).Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := closed(filepath.Join(dir, "newer.db"))
	if err := store.WriteFormat(newer, 2); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a store\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	short := closed(filepath.Join(dir, "short.db"))
	if err := os.Truncate(short, 3*4096); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		path    string
		want    error
		message string
	}{
		{newer, store.ErrFormat, "format 2, this version reads format 1"},
		{foreign, store.ErrFormat, "another program"},
		{text, store.ErrFormat, "not a data file"},
		{short, store.ErrCorrupt, "restore the file from a backup"},
		{dir, nil, "is a directory"},
		{filepath.Join(dir, "none", "weir.db"), os.ErrNotExist, "no such file or directory"},
	} {
		f, err := store.Open(c.path, store.Options{})
		if err == nil {
			f.Close()
			t.Errorf("%s: opened, want %v", c.path, c.want)
			continue
		}
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", c.path, err, c.want)
		}
		for _, part := range []string{c.path, c.message} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("message %q does not say %q", err, part)
			}
		}
	}
}

// TestStoredForm pins the bytes of a record: they are a promise to files that
// exist.
func TestStoredForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	f := openFile(t, path, store.Options{NoSync: true})
	if err := f.Commit(context.Background(), store.Batch{{Bucket: "log", Key: store.Key(1, 2), Value: []byte("hello")}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := make(map[string]string)
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				got[fmt.Sprintf("%s/%x", name, k)] = fmt.Sprintf("%x", v)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		".store/666f726d6174":                  "012b7cd4c60000000000000001",
		"log/00000000000000010000000000000002": "0189b8909568656c6c6f",
	} {
		if got[at] != want {
			t.Errorf("%s holds %s, want %s", at, got[at], want)
		}
	}
}
