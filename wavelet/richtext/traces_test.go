package richtext_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"weir/wavelet/richtext"
)

// recording is a trace in the editing-traces format. Its positions count code
// points, which in these traces are all one unit.
type recording struct {
	EndContent string
	Txns       []struct{ Patches []patch }
}

type patch struct {
	at, gone int
	text     string
}

// UnmarshalJSON reads [at, gone, "text"]; there are so many that reflection is
// noticed.
func (p *patch) UnmarshalJSON(raw []byte) error {
	parts := bytes.SplitN(bytes.TrimSuffix(bytes.TrimPrefix(raw, []byte("[")), []byte("]")), []byte{','}, 3)
	if len(parts) != 3 {
		return fmt.Errorf("patch %s has %d parts", raw, len(parts))
	}
	var errAt, errGone error
	p.at, errAt = strconv.Atoi(string(bytes.TrimSpace(parts[0])))
	p.gone, errGone = strconv.Atoi(string(bytes.TrimSpace(parts[1])))
	return errors.Join(errAt, errGone, json.Unmarshal(parts[2], &p.text))
}

func readRecording(t *testing.T, name string) recording {
	t.Helper()
	f, err := os.Open(shared(t, "traces/"+name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// each calls f with every patch of the recording as a delta.
func (r recording) each(f func(p patch, d richtext.Delta)) {
	for _, txn := range r.Txns {
		for _, p := range txn.Patches {
			f(p, richtext.Delta{}.Retain(p.at, plain).Insert(p.text, plain).Delete(p.gone))
		}
	}
}

func TestDocTypesSequentialTraces(t *testing.T) {
	const composed = 5000 // edits, after which Compose, which copies the text each time, takes too long
	for name, edits := range map[string]int{"automerge-paper": 259_778, "json-crdt-blog-post": 21_447} {
		t.Run(name, func(t *testing.T) {
			r := readRecording(t, name)
			doc := newDoc(t, richtext.Delta{}.Insert("\n", plain))
			naive, n := doc.Delta(), 0
			r.each(func(p patch, d richtext.Delta) {
				if err := doc.Apply(d); err != nil {
					t.Fatal(err)
				}
				if n++; n <= composed {
					naive = richtext.Compose(naive, d)
				}
				if n == composed {
					wantDelta(t, "content", doc.Delta(), naive)
				}
			})
			if n != edits {
				t.Errorf("%d edits, want %d", n, edits)
			}
			if doc.Text() != r.EndContent+"\n" {
				t.Error("the text is not that of the trace")
			}
		})
	}
}

// TestDocTypesConcurrentTraces applies the edits of two authors as if one had
// made them all, moved into the document where they lie outside, and compares
// with an array of characters. What the authors really wrote
// takes a server to find out.
func TestDocTypesConcurrentTraces(t *testing.T) {
	for name, edits := range map[string]int{"clownschool": 23_182, "friendsforever": 26_078} {
		t.Run(name, func(t *testing.T) {
			doc := newDoc(t, richtext.Delta{}.Insert("\n", plain))
			var text []rune
			n := 0
			readRecording(t, name).each(func(p patch, _ richtext.Delta) {
				p.at = min(p.at, len(text))
				p.gone = min(p.gone, len(text)-p.at)
				d := richtext.Delta{}.Retain(p.at, plain).Insert(p.text, plain).Delete(p.gone)
				if err := doc.Apply(d); err != nil {
					t.Fatal(err)
				}
				inserted := []rune(p.text)
				text = slices.Replace(text, p.at, p.at+p.gone, inserted...)
				n++
			})
			if n != edits {
				t.Errorf("%d edits, want %d", n, edits)
			}
			if got := doc.Text(); got != string(text)+"\n" || utf8.RuneCountInString(got) != doc.Len() {
				t.Error("the text is not that of the array")
			}
		})
	}
}
