package web_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
	"weir/web"
)

// The convergence law. Two authors replay a recorded session of two people
// through two real clients, over connections that delay and break at random.
// Every character they type is unique: the i-th character of the whole session
// is the i-th letter of a private alphabet. Positions are those of the record,
// clamped to what the author's own copy holds at that moment, because delays
// differ from the recorded ones; each author remembers which letters it typed
// and which it saw itself delete. At rest this must hold:
//
//  1. both clients' texts, the server's text and an independent replay of the
//     server's log are equal, and the two clients are at the server's version;
//  2. the text holds exactly the letters that were typed and that nobody
//     deleted, each of them once: nothing lost, nothing doubled, nothing back
//     from the dead;
//  3. no client had to give up an edit or start over from a snapshot, and none
//     found that its copy disagreed with the server.
//
// TestConvergeFindsBrokenServers shows that the law is able to fail.

// step is one transaction of the record.
type step struct {
	author  int
	patches []patch
}

type patch struct {
	at, deleted int
	inserted    string
}

// session reads the first n transactions of a concurrent trace; 0 is all. The
// record has three agents, of which two are one person before and after a
// reload.
func session(t *testing.T, n int) []step {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "traces", "clownschool.json.gz")
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the recorded session is not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var trace struct {
		Txns []struct {
			Agent   int
			Patches [][3]any
		}
	}
	if err := json.NewDecoder(z).Decode(&trace); err != nil {
		t.Fatal(err)
	}
	var steps []step
	for _, x := range trace.Txns {
		s := step{author: min(x.Agent, 1)}
		for _, p := range x.Patches {
			s.patches = append(s.patches, patch{int(p[0].(float64)), int(p[1].(float64)), p[2].(string)})
		}
		if steps = append(steps, s); len(steps) == n {
			break
		}
	}
	return steps
}

// letter is the i-th letter of the alphabet: unified ideographs, then Hangul.
func letter(i int) rune {
	const ideographs = 0x9fff - 0x4e00
	if i < ideographs {
		return rune(0x4e00 + i)
	}
	return rune(0xac00 + i - ideographs)
}

// author replays the steps of one person.
type author struct {
	w       *client.Wavelet
	typed   []rune
	deleted map[rune]bool
}

// replay makes one step's edits, each as one delta. First is the number of the
// first letter it types.
func (a *author) replay(ctx context.Context, s step, first int) error {
	for _, p := range s.patches {
		err := a.w.Update(ctx, func(state *wavelet.State) ([]wavelet.Op, error) {
			b, _ := state.Blip(state.Root())
			length := b.Doc.Len() - 1 // the final newline stays
			at := min(p.at, length)
			n := min(p.deleted, length-at)
			text := make([]rune, 0, len(p.inserted))
			for range p.inserted {
				text = append(text, letter(first))
				first++
			}
			if n == 0 && len(text) == 0 {
				return nil, nil
			}
			a.typed = append(a.typed, text...)
			for _, r := range b.Doc.Slice(at, at+n).Text() {
				a.deleted[r] = true
			}
			d := richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(string(text), richtext.Attributes{}).Delete(n)
			return []wavelet.Op{wavelet.EditBlip{Blip: b.ID, Delta: d}}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// race keeps two authors within a few steps of each other.
type race struct {
	mu   sync.Mutex
	cond *sync.Cond
	at   [2]int
}

func (r *race) reach(author, index int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[author] = index
	r.cond.Broadcast()
	for index-r.at[1-author] > 48 {
		r.cond.Wait()
	}
}

// result is what a run came to.
type result struct {
	broken string // how the law was broken, "" if it was kept
	deltas int    // committed
	cuts   int
	stats  [2]client.Stats
}

// run replays steps through a house, with connections that carry mean bytes
// between two cuts on average.
func run(t *testing.T, h *house, steps []step, seed uint64, mean int) result {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Minute, errors.New("the clients do not come to rest"))
	defer cancel()
	name := h.wave(bob)
	beats := newPulse()
	var proxies [2]*proxy
	var clients [2]*client.Client
	var authors [2]*author
	for i, user := range []wavelet.Participant{ann, bob} {
		proxies[i] = newProxy(t, strings.TrimPrefix(h.url, "http://"), seed*2+uint64(i), mean, beats)
		clients[i] = h.dial(user, proxies[i].url())
		authors[i] = &author{w: h.open(clients[i], name), deleted: map[rune]bool{}}
	}
	r := &race{}
	r.cond = sync.NewCond(&r.mu)
	var failed [2]error
	var wg sync.WaitGroup
	for i, a := range authors {
		wg.Go(func() {
			defer r.reach(i, 1<<30)
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			first := 0
			for n, s := range steps {
				if s.author == i {
					r.reach(i, n)
					failed[i] = a.replay(ctx, s, first)
					beats.beat()
					if failed[i] == nil && rng.IntN(8) == 0 {
						failed[i] = a.w.Wait(ctx) // now and then an author pauses
					}
					if failed[i] != nil {
						return
					}
				}
				for _, p := range s.patches {
					first += len([]rune(p.inserted))
				}
			}
			failed[i] = a.w.Wait(ctx)
		})
	}
	wg.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return result{broken: err.Error()}
	}
	res := result{deltas: int(h.state(name).Version()), cuts: proxies[0].cutsSoFar() + proxies[1].cutsSoFar()}
	for i := range proxies {
		proxies[i].calm()
	}
	res.broken = law(ctx, h, name, authors)
	for i, c := range clients {
		res.stats[i] = c.Stats()
		if s := res.stats[i]; res.broken == "" && (s.Diverged != 0 || s.Snapshots != 0) {
			res.broken = fmt.Sprintf("client %d restarted %d times and diverged %d times", i, s.Snapshots, s.Diverged)
		}
		c.Close()
	}
	return res
}

// law says how it was broken, "" if it was kept.
func law(ctx context.Context, h *house, name wavelet.Name, authors [2]*author) string {
	server := h.state(name)
	if log := h.replayed(name); log.Text() != server.Text() {
		return fmt.Sprintf("the log replays to %q, the server has %q", log.Text(), server.Text())
	}
	dead := map[rune]bool{}
	var want []rune
	for i, a := range authors {
		if err := a.w.WaitFor(ctx, server.Version()); err != nil {
			return fmt.Sprintf("client %d: %v", i, err)
		}
		if got := a.w.Text(); got != server.Text() {
			return fmt.Sprintf("client %d has %q, the server %q", i, got, server.Text())
		}
		if lost := a.w.TakeLost(); len(lost) > 0 {
			return fmt.Sprintf("client %d gave up %q: %v", i, lost[0].Text, lost[0].Reason)
		}
		want = append(want, a.typed...)
		for r := range a.deleted {
			dead[r] = true
		}
	}
	want = slices.DeleteFunc(want, func(r rune) bool { return dead[r] })
	got := []rune(strings.ReplaceAll(server.Text(), "\n", ""))
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Sprintf("%d letters, want %d; %s", len(got), len(want), firstDifference(got, want))
	}
	return ""
}

// firstDifference tells the first letter that is missing or too much.
func firstDifference(got, want []rune) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%q is lost", want[i])
		case i >= len(want), cmp.Compare(got[i], want[i]) < 0:
			return fmt.Sprintf("%q is there once too often", got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("%q is lost", want[i])
		}
	}
	return "no difference"
}

// TestConverge replays 20 times 2,000 transactions; with WEIR_SOAK set, 200
// times the whole session.
func TestConverge(t *testing.T) {
	seeds, n := 20, 2000
	if os.Getenv("WEIR_SOAK") != "" {
		seeds, n = 200, 0
	}
	steps := session(t, n)
	h := build(t, nil)
	var mu sync.Mutex
	var total result
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				r := run(t, &house{t: t, host: h.host, url: h.url}, steps, seed, 20<<10)
				if r.broken != "" {
					t.Error(r.broken)
				}
				mu.Lock()
				defer mu.Unlock()
				total.cuts += r.cuts
				total.deltas += r.deltas
				for _, s := range r.stats {
					total.stats[0].Resumes += s.Resumes
					total.stats[0].Resends += s.Resends
				}
			})
		}
	})
	t.Logf("%d seeds of %d transactions: %d deltas, %d connections cut, %d wavelets resumed, %d deltas sent again",
		seeds, len(steps), total.deltas, total.cuts, total.stats[0].Resumes, total.stats[0].Resends)
	if !t.Failed() && (total.cuts < seeds || total.stats[0].Resends < seeds/2) {
		t.Errorf("%d cuts and %d resubmissions in %d runs: the weather was too good to prove anything", total.cuts, total.stats[0].Resends, seeds)
	}
}

// forgetful does not know a delta again that it has seen.
type forgetful struct {
	web.Host
	n atomic.Int64
}

func (f *forgetful) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	d.ID = wavelet.DeltaID(fmt.Sprintf("%s.%d", d.ID, f.n.Add(1)))
	return f.Host.SubmitHuman(ctx, name, d)
}

// careless now and then says that a delta came to nothing, and drops it.
type careless struct {
	web.Host
	n atomic.Int64
}

func (c *careless) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if c.n.Add(1)%50 == 49 {
		state, err := c.Host.Snapshot(ctx, name, ^wavelet.Version(0))
		return wavelet.Commit{Version: state.Version()}, err
	}
	return c.Host.SubmitHuman(ctx, name, d)
}

// stutterer commits every fiftieth delta a second time, as if it were another.
type stutterer struct {
	web.Host
	n atomic.Int64
}

func (x *stutterer) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	c, err := x.Host.SubmitHuman(ctx, name, d)
	if err == nil && x.n.Add(1)%50 == 49 {
		d.ID += "x"
		if _, err := x.Host.SubmitHuman(ctx, name, d); err != nil {
			return c, err
		}
	}
	return c, err
}

// eater deletes a letter after every fiftieth delta.
type eater struct {
	web.Host
	n atomic.Int64
}

func (x *eater) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	c, err := x.Host.SubmitHuman(ctx, name, d)
	if err == nil && x.n.Add(1)%50 == 49 {
		bite := wavelet.EditBlip{Blip: d.Ops[0].(wavelet.EditBlip).Blip, Delta: richtext.Delta{}.Delete(1)}
		if _, err := x.Host.SubmitHuman(ctx, name, wavelet.Delta{Author: d.Author, Base: c.Version, Ops: []wavelet.Op{bite}}); err != nil {
			return c, err
		}
	}
	return c, err
}

// TestConvergeFindsBrokenServers runs the law against servers that are wrong in
// the ways it is there to find. The first two are noticed by the clients, the
// others only by counting letters.
func TestConvergeFindsBrokenServers(t *testing.T) {
	steps := session(t, 400)
	for _, test := range []struct {
		name, want string
		wrap       func(web.Host) web.Host
	}{
		{"forgets deltas it has seen", "", func(h web.Host) web.Host { return &forgetful{Host: h} }},
		{"drops deltas", "gave up", func(h web.Host) web.Host { return &careless{Host: h} }},
		{"commits deltas twice", "is there once too often", func(h web.Host) web.Host { return &stutterer{Host: h} }},
		{"loses letters", "is lost", func(h web.Host) web.Host { return &eater{Host: h} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := build(t, test.wrap)
			for seed := range uint64(8) {
				r := run(t, h, steps, seed, 4<<10)
				if r.broken == "" {
					continue
				}
				if !strings.Contains(r.broken, test.want) {
					t.Errorf("found as %q, want %q", r.broken, test.want)
				}
				return
			}
			t.Error("8 runs against a broken server, and the law was kept")
		})
	}
}
