package gateway_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// trace is a recording of somebody writing.
type trace struct {
	EndContent string `json:"endContent"`
	Txns       []struct {
		Time    time.Time `json:"time"`
		Patches []patch   `json:"patches"`
	} `json:"txns"`
}

// patch is [position, deleted, inserted].
type patch struct {
	pos, deleted int
	inserted     string
}

func (p *patch) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[3]any{&p.pos, &p.deleted, &p.inserted})
}

func readTrace(t *testing.T, name string) trace {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "traces", name)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the recorded trace is not here: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	if err := json.NewDecoder(z).Decode(&tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

// A whole document, typed at its own clock to a robot that answers at once: its
// keystrokes are merged to about a third as many bundles, the pace holds
// throughout, and nothing is lost.
func TestTraceLaw(t *testing.T) {
	tr := readTrace(t, "json-crdt-blog-post.json.gz")
	inBubble(t, func(t *testing.T, r *rig) {
		var last time.Time
		bundles, raw, inFlight := 0, 0, 0
		var seen *wavelet.State
		r.register(quiet, "default", func(_ context.Context, b events.Bundle) (events.Answer, error) {
			if inFlight++; inFlight != 1 {
				t.Error("two bundles in flight")
			}
			if gap := time.Since(last); gap < 500*time.Millisecond {
				t.Errorf("bundle %d came %s after the one before", bundles, gap)
			}
			last = time.Now()
			if b.Lane != events.HumanLane {
				t.Errorf("a bundle in the %s lane", b.Lane)
			}
			bundles++
			raw += b.Deltas
			seen = b.State
			inFlight--
			return events.Answer{}, nil
		})
		r.start()
		defer r.stop()
		r.create(quiet)
		root := r.state().Root()
		head, begin := r.state().Version(), time.Now()
		for _, tx := range tr.Txns {
			time.Sleep(time.Until(begin.Add(tx.Time.Sub(tr.Txns[0].Time))))
			var ops []wavelet.Op
			for _, p := range tx.Patches {
				d := richtext.Delta(nil).Retain(p.pos, none).Insert(p.inserted, none).Delete(p.deleted)
				ops = append(ops, wavelet.EditBlip{Blip: root, Delta: d})
			}
			c, err := r.host.SubmitHuman(t.Context(), main, wavelet.Delta{Author: ann, Base: head, Ops: ops})
			if err != nil {
				t.Fatal(err)
			}
			head = c.Version
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if bundles < 7000 || bundles > 7200 {
			t.Errorf("%d bundles for %d deltas, want 7,000 to 7,200", bundles, len(tr.Txns))
		}
		if want := tr.EndContent + "\n"; seen.Text() != want || r.state().Text() != want {
			t.Error("the text is not that of the trace")
		}
		t.Logf("%d bundles for %d deltas, %d of them told", bundles, len(tr.Txns), raw-1)
	})
}
