package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"time"
	"unicode/utf8"

	"weir/wavelet/richtext"
)

// stroke is one thing that somebody at a keyboard does to a text: usually a
// character more, sometimes one less.
type stroke struct {
	gap     time.Duration // since the stroke before, in the typist's own time
	patches []patch       // in order, each against the text after the one before
}

// patch replaces cut characters at position at by text.
type patch struct {
	at, cut int
	text    string
}

// delta is what a stroke does to a document.
func (s stroke) delta() richtext.Delta {
	var whole richtext.Delta
	for _, p := range s.patches {
		var d richtext.Delta
		if p.at > 0 {
			d = d.Retain(p.at, richtext.Attributes{})
		}
		if p.cut > 0 {
			d = d.Delete(p.cut)
		}
		if p.text != "" {
			d = d.Insert(p.text, richtext.Attributes{})
		}
		whole = richtext.Compose(whole, d)
	}
	return whole
}

// gaps is how long people wait between two strokes: the measured distribution
// of a blog post being written, most of it quick, with a long tail of thought.
var gaps = [...]struct {
	share float64
	gap   time.Duration
}{
	{0, 15 * time.Millisecond}, {.01, 25 * time.Millisecond}, {.05, 53 * time.Millisecond}, {.10, 67 * time.Millisecond},
	{.25, 94 * time.Millisecond}, {.50, 149 * time.Millisecond}, {.75, 270 * time.Millisecond}, {.90, 769 * time.Millisecond},
	{.95, 1970 * time.Millisecond}, {.99, 13400 * time.Millisecond}, {1, 20 * time.Second},
}

// gap draws one wait. Between the measured shares it follows the logarithm.
func gap(r *rand.Rand) time.Duration {
	u := r.Float64()
	for i := 1; i < len(gaps); i++ {
		if lo, hi := gaps[i-1], gaps[i]; u <= hi.share {
			part := (u - lo.share) / (hi.share - lo.share)
			return time.Duration(float64(lo.gap) * math.Pow(float64(hi.gap)/float64(lo.gap), part))
		}
	}
	return gaps[len(gaps)-1].gap
}

// typed yields the strokes of a person who types text from its start to its
// end, and now and then takes a wrong letter back. The same seed types the same
// way.
func typed(text string, seed uint64) iter.Seq[stroke] {
	return func(yield func(stroke) bool) {
		r := rand.New(rand.NewPCG(seed, 0))
		at := 0
		for _, c := range text {
			if c >= 'a' && c <= 'z' && r.IntN(60) == 0 { // a slip, seen at once
				slip := string('a' + (c-'a'+1)%26)
				if !yield(stroke{gap(r), []patch{{at, 0, slip}}}) || !yield(stroke{gap(r), []patch{{at, 1, ""}}}) {
					return
				}
			}
			if !yield(stroke{gap(r), []patch{{at, 0, string(c)}}}) {
				return
			}
			at++ // one unit: the text has no character outside the basic plane
		}
	}
}

// ErrTrace says that a file is no trace that one person can type.
var ErrTrace = errors.New("not a trace that one person can type")

// trace is a recorded editing session (the editing-traces format).
type trace struct {
	Kind         string `json:"kind"`
	StartContent string `json:"startContent"`
	EndContent   string `json:"endContent"`
	Txns         []struct {
		Time    string  `json:"time"`
		Patches []patch `json:"patches"`
	} `json:"txns"`
}

// UnmarshalJSON reads [position, deleted, "inserted"].
func (p *patch) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&p.at, &p.cut, &p.text})
}

// readTrace reads a gzipped trace of one author.
func readTrace(file string) (trace, error) {
	f, err := os.Open(file)
	if err != nil {
		return trace{}, fmt.Errorf("read trace: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return trace{}, fmt.Errorf("read trace %s: %w: it is not gzipped", file, ErrTrace)
	}
	var t trace
	if err := json.NewDecoder(io.LimitReader(z, 1<<30)).Decode(&t); err != nil {
		return trace{}, fmt.Errorf("read trace %s: %w: %w", file, ErrTrace, err)
	}
	if t.Kind == "concurrent" {
		return trace{}, fmt.Errorf("read trace %s: %w: several authors write it at once; take a sequential one", file, ErrTrace)
	}
	return t, t.check(file)
}

// check refuses what would not fit the text: positions past its end, and
// characters that take two units, since traces count characters.
func (t trace) check(file string) error {
	length := utf8.RuneCountInString(t.StartContent)
	for i, txn := range t.Txns {
		for _, p := range txn.Patches {
			for _, c := range p.text {
				if c > 0xffff {
					return fmt.Errorf("read trace %s: %w: txns[%d] holds %q, which counts as two", file, ErrTrace, i, c)
				}
			}
			if p.at < 0 || p.cut < 0 || p.at+p.cut > length {
				return fmt.Errorf("read trace %s: %w: txns[%d] changes %d characters at %d of a text of %d", file, ErrTrace, i, p.cut, p.at, length)
			}
			length += utf8.RuneCountInString(p.text) - p.cut
		}
	}
	return nil
}

// strokes yields the recorded strokes with the recorded gaps; where the clock
// is missing, with gaps such as people have.
func (t trace) strokes(seed uint64) iter.Seq[stroke] {
	return func(yield func(stroke) bool) {
		r := rand.New(rand.NewPCG(seed, 0))
		if t.StartContent != "" && !yield(stroke{0, []patch{{0, 0, t.StartContent}}}) {
			return
		}
		var last time.Time
		for _, txn := range t.Txns {
			wait := gap(r)
			if at, err := time.Parse(time.RFC3339, txn.Time); err == nil {
				wait = 0
				if !last.IsZero() {
					wait = max(0, at.Sub(last))
				}
				last = at
			}
			if !yield(stroke{wait, txn.Patches}) {
				return
			}
		}
	}
}

// margin is where a typist's text has been moved to by others' corrections. The
// typist goes on typing into the text as written; others is what everybody else
// has done to it, so that the text as written, with others applied, is the
// text in the document. The zero margin is a text that nobody has touched.
type margin struct{ others richtext.Delta }

// own moves an edit of the text as written to the document.
func (m *margin) own(d richtext.Delta) richtext.Delta {
	moved := richtext.Transform(m.others, d, true)
	m.others = richtext.Transform(d, m.others, false)
	return moved
}

// foreign takes note of what somebody else did to the document.
func (m *margin) foreign(d richtext.Delta) { m.others = richtext.Compose(m.others, d) }
