package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/store"
)

// The writers of the child each keep a log of their own, the way a document
// is kept: an entry under writer and sequence, its id in an index, and a head.
const crashWriters = 8

// runWriters commits entries until the disk fails, and reports each acknowledged
// one on standard output, as writer and sequence of 8 bytes each.
func runWriters(path string) error {
	os.Stdout.Write(store.Key(0, 0)) // alive, and about to open
	f, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	failed := make(chan error, crashWriters)
	var wg sync.WaitGroup
	for w := range uint64(crashWriters) {
		wg.Go(func() { failed <- writeEntries(f, w) })
	}
	wg.Wait()
	err = f.Commit(context.Background(), store.Batch{{Bucket: "head", Key: store.Key(0)}})
	if !errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrUnknown) {
		return fmt.Errorf("a commit after the failure answers: %w", err)
	}
	return errors.Join(<-failed, f.Close())
}

func writeEntries(f *store.File, w uint64) error {
	seq, expect, err := head(f, w)
	for err == nil {
		seq++
		id := store.Key(rand.Uint64(), rand.Uint64())
		next := store.Key(seq)
		err = f.Commit(context.Background(), store.Batch{
			{Bucket: "log", Key: store.Key(w, seq), Value: id, Expect: store.ExpectAbsent()},
			{Bucket: "ids", Key: id, Value: store.Key(w, seq), Expect: store.ExpectAbsent()},
			{Bucket: "head", Key: store.Key(w), Value: next, Expect: expect},
		})
		expect = store.ExpectValue(next)
		if err == nil {
			_, err = os.Stdout.Write(store.Key(w, seq))
		}
	}
	return fmt.Errorf("writer %d: %w", w, err)
}

// head returns the last sequence of a writer and the condition that it stands.
func head(f *store.File, w uint64) (seq uint64, stands store.Expect, err error) {
	value, err := f.Get("head", store.Key(w))
	if errors.Is(err, store.ErrNotFound) {
		return 0, store.ExpectAbsent(), nil
	}
	if err != nil {
		return 0, store.Expect{}, err
	}
	return store.KeyPart(value, 0), store.ExpectValue(value), nil
}

// TestKilledWriter kills a process that writes, again and again, and looks at
// what it left each time.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	const kills = 50
	path := filepath.Join(t.TempDir(), "weir.db")
	random := rand.New(rand.NewPCG(1, 2))
	acked := make([]uint64, crashWriters)
	for kill := range kills {
		messages := 1 // dies while it opens the file
		if kill%5 != 0 {
			messages += random.IntN(120)
		}
		killAfter(t, path, messages, acked)
		checkLogs(t, path, acked)
		if t.Failed() {
			t.Fatalf("after kill %d", kill+1)
		}
	}
	total := uint64(0)
	for _, n := range acked {
		total += n
	}
	if total < kills {
		t.Errorf("only %d entries in all: nothing was tested", total)
	}
	t.Logf("%d entries of %d writers survived %d kills", total, crashWriters, kills)
}

// TestKilledCreator kills a process that makes the file.
func TestKilledCreator(t *testing.T) {
	t.Parallel()
	for range 10 {
		path := filepath.Join(t.TempDir(), "weir.db")
		acked := make([]uint64, crashWriters)
		killAfter(t, path, 1, acked)
		checkLogs(t, path, acked)
	}
}

// TestFailingSync has a debugger fail a sync of the writers with EIO: early ones
// before the transaction can be seen, others after it. Whatever the writers
// were told, nothing acknowledged may be missing.
func TestFailingSync(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace to make the disk fail")
	}
	path := filepath.Join(t.TempDir(), "weir.db")
	acked := make([]uint64, crashWriters)
	killAfter(t, path, 10, acked)
	checkLogs(t, path, acked)
	told := make(map[string]int)
	for sync := 1; sync <= 6; sync++ {
		writers := child(t, "writers", path)
		cmd := exec.Command(strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fdatasync",
			"-e", fmt.Sprintf("inject=fdatasync:error=EIO:when=%d", sync), writers.Path, path)
		cmd.Env = writers.Env
		var says strings.Builder
		cmd.Stderr = &says
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		readAcks(t, out, acked, func(int) {})
		cmd.Wait()
		if strings.Contains(says.String(), "ptrace") {
			t.Skipf("strace may not trace here: %s", says.String())
		}
		for _, sentinel := range []error{store.ErrBroken, store.ErrUnknown} {
			if strings.Contains(says.String(), sentinel.Error()) {
				told[sentinel.Error()]++
			}
		}
		if strings.Contains(says.String(), "after the failure") {
			t.Error("commits after a failure are not refused with ErrBroken alone")
		}
		checkLogs(t, path, acked)
		if t.Failed() {
			t.Fatalf("after failure of sync %d: %s", sync, says.String())
		}
	}
	if told[store.ErrBroken.Error()] == 0 {
		t.Errorf("the writers were told %v, want ErrBroken at times", told)
	}
	t.Log(told)
}

// killAfter runs the writers until so many messages have come, and kills them
// with SIGKILL.
func killAfter(t *testing.T, path string, messages int, acked []uint64) {
	t.Helper()
	cmd := child(t, "writers", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	readAcks(t, out, acked, func(n int) {
		if n == messages {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writers ended by themselves: %v", err)
	}
}

// readAcks reads the messages of the writers until they have ended, and notes
// the last acknowledged entry of each. It calls got with the number of messages
// after each one.
func readAcks(t *testing.T, out io.Reader, acked []uint64, got func(n int)) {
	t.Helper()
	var message [16]byte
	for n := 1; ; n++ {
		if _, err := io.ReadFull(out, message[:]); err != nil {
			return
		}
		w, seq := store.KeyPart(message[:], 0), store.KeyPart(message[:], 1)
		if seq > 0 && seq != acked[w]+1 {
			t.Errorf("writer %d acknowledged entry %d after %d", w, seq, acked[w])
		}
		acked[w] = max(acked[w], seq)
		got(n)
	}
}

// checkLogs checks that nothing acknowledged is lost, nothing is doubled and no
// batch is there by half. An entry that was committed but not yet acknowledged
// is noted, since the next writers build on it.
func checkLogs(t *testing.T, path string, acked []uint64) {
	t.Helper()
	f := openFile(t, path, store.Options{})
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := f.Check(); err != nil {
		t.Errorf("structure of the file: %v", err)
	}
	ids := make(map[string]string)
	for r, err := range f.Scan("ids", nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		ids[string(r.Value)] = string(r.Key)
	}
	entries := 0
	for w := range acked {
		seq, _, err := head(f, uint64(w))
		if err != nil {
			t.Fatal(err)
		}
		if seq < acked[w] {
			t.Errorf("writer %d: head is %d, but %d was acknowledged", w, seq, acked[w])
		}
		if seq > acked[w]+1 {
			t.Errorf("writer %d: head is %d, but it never sent more than %d", w, seq, acked[w]+1)
		}
		acked[w] = seq
		next := uint64(1)
		for r, err := range f.Scan("log", store.Key(uint64(w)), store.Key(uint64(w)+1)) {
			if err != nil {
				t.Fatal(err)
			}
			if store.KeyPart(r.Key, 1) != next {
				t.Fatalf("writer %d: entry %d follows on %d", w, store.KeyPart(r.Key, 1), next-1)
			}
			if ids[string(r.Key)] != string(r.Value) {
				t.Errorf("writer %d: the id of entry %d is not in the index", w, next)
			}
			next++
			entries++
		}
		if next-1 != seq {
			t.Errorf("writer %d: %d entries, head %d", w, next-1, seq)
		}
	}
	if len(ids) != entries {
		t.Errorf("%d ids for %d entries", len(ids), entries)
	}
}
