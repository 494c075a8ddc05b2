package enginebench

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"weir/wavelet/richtext"
)

// Edit replaces Gone UTF-16 units at the position At by Text.
type Edit struct {
	At, Gone int
	Text     string
}

// Delta returns the edit as a delta.
func (e Edit) Delta() richtext.Delta {
	return richtext.Delta{}.Retain(e.At, richtext.Attributes{}).Insert(e.Text, richtext.Attributes{}).Delete(e.Gone)
}

// Trace is a recorded history of plain text, from the empty text to End.
type Trace struct {
	Name  string
	Edits []Edit
	End   string
}

// ErrConcurrent is returned for a trace of several authors who type at once: its
// edits cannot be applied one after the other as they stand.
var ErrConcurrent = errors.New("the trace is concurrent; a sequential one is needed")

// traceFile is the sequential form of the editing-traces format. Positions count
// code points.
type traceFile struct {
	Kind         string
	StartContent string
	EndContent   string
	Txns         []struct{ Patches []patch }
}

// patch is an array of a position, a number of characters and a text.
type patch Edit

func (p *patch) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&p.At, &p.Gone, &p.Text})
}

// Load reads a trace in the editing-traces format, gzipped or not. Characters
// outside the basic plane are replaced by U+FFFD, so that its positions, which
// count code points, are positions in UTF-16 units.
func Load(path string) (Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return Trace{}, fmt.Errorf("open trace: %w", err)
	}
	defer f.Close()
	t, err := read(f)
	if err != nil {
		return Trace{}, fmt.Errorf("read trace %s: %w", path, err)
	}
	t.Name = path
	return t, nil
}

func read(r io.Reader) (Trace, error) {
	buffered := bufio.NewReader(r)
	var plain io.Reader = buffered
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1F && magic[1] == 0x8B {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return Trace{}, err
		}
		plain = z
	}
	var file traceFile
	if err := json.NewDecoder(plain).Decode(&file); err != nil {
		return Trace{}, err
	}
	if file.Kind == "concurrent" {
		return Trace{}, ErrConcurrent
	}
	t := Trace{End: flat(file.EndContent)}
	if file.StartContent != "" {
		t.Edits = append(t.Edits, Edit{Text: flat(file.StartContent)})
	}
	for _, txn := range file.Txns {
		for _, p := range txn.Patches {
			p.Text = flat(p.Text)
			t.Edits = append(t.Edits, Edit(p))
		}
	}
	if len(t.Edits) == 0 {
		return Trace{}, errors.New("the trace has no edits")
	}
	return t, nil
}

// flat replaces what takes two units by what takes one.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, s)
}
