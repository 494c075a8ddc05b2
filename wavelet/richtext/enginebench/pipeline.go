package enginebench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"weir/wavelet/richtext"
)

// pipeline does to a delta what a server does: decode it strictly, check and
// apply it, and write it into a log, here in memory.
type pipeline struct {
	doc *richtext.Doc
	log []byte
}

// segment is the size at which the log in memory starts anew.
const segment = 1 << 20

func (p *pipeline) take(raw []byte) error {
	d, err := richtext.Decode(raw)
	if err != nil {
		return err
	}
	if err := p.doc.Apply(d); err != nil {
		return err
	}
	if len(p.log) > segment {
		p.log = p.log[:0]
	}
	p.log = d.AppendJSON(p.log)
	return nil
}

// task is something that both sides can do: edits of a document.
type task struct {
	base  richtext.Delta
	edits []richtext.Delta
	raw   []byte // the edits as JSON, one after the other
	ends  []int  // where each of them ends
	times int    // how often our side does it in one turn, to be measurable
}

func newTask(base richtext.Delta, edits []richtext.Delta, times int) task {
	t := task{base: base, edits: edits, times: times}
	for _, d := range edits {
		t.raw = d.AppendJSON(t.raw)
		t.ends = append(t.ends, len(t.raw))
	}
	return t
}

// run runs the task through the pipeline. It returns the time that one run took
// and the text at the end.
func (t task) run() (took time.Duration, text string, err error) {
	p := pipeline{log: make([]byte, 0, segment+segment/8)}
	for range t.times {
		if p.doc, err = richtext.NewDoc(t.base); err != nil {
			return 0, "", err
		}
		start, from := time.Now(), 0
		for i, to := range t.ends {
			if err := p.take(t.raw[from:to]); err != nil {
				return 0, "", fmt.Errorf("edit %d: %w", i, err)
			}
			from = to
		}
		took += time.Since(start)
	}
	return took / time.Duration(t.times), p.doc.Text(), nil
}

// typing is the task of typing a trace into an empty document.
func typing(trace Trace) task {
	edits := make([]richtext.Delta, len(trace.Edits))
	for i, e := range trace.Edits {
		edits[i] = e.Delta()
	}
	return newTask(richtext.Delta{}.Insert("\n", richtext.Attributes{}), edits, 1+200_000/len(edits))
}

// formatted is the task of typing in a document of the given number of attribute
// runs, such as a listing with coloured words: bursts of ten letters at random
// places, each with the attributes of what is to its left.
func formatted(runs, keystrokes int) task {
	random := rand.New(rand.NewPCG(3, 0))
	styles := []richtext.Attributes{
		{}, richtext.Attr("color", "#a31515"), richtext.Attr("color", "#0000ff"), richtext.Attr("bold", true), richtext.Attr("color", "#098658"),
	}
	var base richtext.Delta
	var ends []int
	for i := range runs {
		base = base.Insert("some words"[:3+random.IntN(8)], styles[i%len(styles)])
		ends = append(ends, base[i].Len())
		if i > 0 {
			ends[i] += ends[i-1]
		}
	}
	base = base.Insert("\n", richtext.Attr("list", "ordered"))
	var edits []richtext.Delta
	for len(edits) < keystrokes {
		run := random.IntN(runs)
		for i := range 10 {
			edits = append(edits, richtext.Delta{}.Retain(ends[run]+i, richtext.Attributes{}).Insert("x", styles[run%len(styles)]))
		}
		for i := run; i < runs; i++ {
			ends[i] += 10
		}
	}
	return newTask(base, edits, 20)
}
