package host

import (
	"bufio"
	"context"
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
	"weir/wavelet"
)

// Many writers, each on a base that is old by more or less: the history replays
// to the head, observers saw every version once and in order, and all of it is
// there when the store is opened again.
func TestManyWritersOneHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	file, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := New(NewStoreLog(file), Options{})
	seen := &recorder{}
	h.Observe(seen)
	names := []wavelet.Name{named("a"), named("b"), named("c")}
	for _, name := range names {
		founded(t, h, name, "to begin with")
	}
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() { scribble(t, h, names[i%len(names)], rand.New(rand.NewPCG(7, uint64(i))), 60) })
	}
	wg.Wait()
	heads := make(map[wavelet.Name]string)
	for _, name := range names {
		cs := history(t, h, name)
		inOrder(t, "log", cs, 1)
		heads[name] = written(at(t, h, name, Head))
		if got := written(replayed(t, name, cs)); got != heads[name] {
			t.Errorf("%s: the replay is\n%s\nthe head\n%s", name, got, heads[name])
		}
		told := seen.of(name)
		if inOrder(t, "observer", told, 1); len(told) != len(cs) {
			t.Errorf("%s: the observer saw %d of %d commits", name, len(told), len(cs))
		}
		ids := make(map[wavelet.DeltaID]bool)
		for i, c := range cs {
			if ids[c.Delta.ID] || fmt.Sprint(told[i]) != fmt.Sprint(c) {
				t.Fatalf("%s: version %d is told as %v and stored as %v", name, c.Version, told[i], c)
			}
			ids[c.Delta.ID] = true
		}
		if len(cs) < 200 {
			t.Errorf("%s: only %d commits", name, len(cs))
		}
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if file, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h = New(NewStoreLog(file), Options{})
	for name, head := range heads {
		if written(at(t, h, name, Head)) != head || written(replayed(t, name, history(t, h, name))) != head {
			t.Errorf("%s is another after opening it again", name)
		}
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// killEnv tells the test binary to be the process that is killed.
const killEnv = "WEIR_HOST_TEST_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(killEnv); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled submits for ever and says which deltas are acknowledged.
func writeUntilKilled(path string) {
	file, err := store.Open(path, store.Options{})
	if err != nil {
		panic(err)
	}
	h := New(NewStoreLog(file), Options{})
	pid := os.Getpid()
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d/%d", pid, w, i)
				d := edit(id, 0, insert(0, "x"))
				if s, err := h.Snapshot(context.Background(), plans, Head); err == nil {
					d.Base = s.Version()
				}
				if c, err := h.SubmitHuman(context.Background(), plans, d); err != nil {
					panic(err)
				} else if _, err := fmt.Printf("%s %d\n", id, c.Version); err != nil {
					panic(err)
				}
			}
		}()
	}
	select {}
}

// A process killed in the middle of its work loses nothing it acknowledged.
func TestKilledProcessLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.db")
	file, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := New(NewStoreLog(file), Options{})
	founded(t, h, plans, "x")
	acknowledged := make(map[wavelet.DeltaID]wavelet.Version)
	for range 3 {
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		killedWriter(t, path, acknowledged)
		if file, err = store.Open(path, store.Options{}); err != nil {
			t.Fatalf("after the kill: %v", err)
		}
		h = New(NewStoreLog(file), Options{})
		cs := history(t, h, plans)
		inOrder(t, "log", cs, 1)
		if written(replayed(t, plans, cs)) != written(at(t, h, plans, Head)) {
			t.Fatal("the replay is not the head")
		}
		stored := make(map[wavelet.DeltaID]wavelet.Version)
		for _, c := range cs {
			if stored[c.Delta.ID] != 0 {
				t.Fatalf("delta %s is there twice", c.Delta.ID)
			}
			stored[c.Delta.ID] = c.Version
		}
		for id, v := range acknowledged {
			if stored[id] != v {
				t.Fatalf("delta %s was acknowledged as version %d and is stored as %d", id, v, stored[id])
			}
		}
	}
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// killedWriter runs a process that writes, kills it after some acknowledgements,
// and notes them all.
func killedWriter(t *testing.T, path string, acknowledged map[wavelet.DeltaID]wavelet.Version) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+path)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for r := bufio.NewReader(out); ; lines++ {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break // a line without its end was not acknowledged
		}
		if err != nil {
			t.Fatal(err)
		}
		var id string
		var v wavelet.Version
		if _, err := fmt.Sscanf(line, "%s %d\n", &id, &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		acknowledged[wavelet.DeltaID(id)] = v
		if lines == 200 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || lines < 200 {
		t.Fatalf("the writer ended by itself after %d lines: %v\n%s", lines, err, trouble.String())
	}
}
