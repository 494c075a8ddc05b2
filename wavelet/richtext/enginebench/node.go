package enginebench

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weir"
)

// quillVersion is the version of quill-delta whose semantics richtext has.
const quillVersion = "5.1.0"

//go:embed quill.js
var quillScript []byte

// quillRows compares the pipeline with quill-delta.
func quillRows(ctx context.Context, o Options, trace Trace) ([]weir.Figure, error) {
	rows := []weir.Figure{
		{Name: "pipeline", Unit: "x as fast as quill-delta", Bar: 10, HasBar: true, AtLeast: true},
		{Name: "pipeline, 10,000 runs", Unit: "x as fast as quill-delta", Bar: 50, HasBar: true, AtLeast: true},
	}
	tasks := []task{typing(trace), formatted(10_000, o.pick(300, 20))}
	q, err := startQuill(ctx, o, tasks)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for i := range rows {
			rows[i].Note = err.Error()
		}
		return rows, nil
	}
	defer q.stop()
	for i, t := range tasks {
		o.say("%s, against quill-delta in Node, %d edits", rows[i].Name, len(t.edits))
		if err := q.compare(ctx, o, i, t, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// quill is quill-delta in a Node process that waits to be told which task to do.
type quill struct {
	dir    string // of the script and its data, to be removed
	cancel context.CancelFunc
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors strings.Builder
}

// answer is what the script prints after a task.
type answer struct {
	Nanoseconds int64
	SHA256      string
}

// startQuill installs quill-delta if need be and starts Node with the tasks.
func startQuill(ctx context.Context, o Options, tasks []task) (_ *quill, err error) {
	node, err := exec.LookPath(o.node())
	if err != nil {
		return nil, fmt.Errorf("needs Node: %w", err)
	}
	library, err := installQuill(ctx, o)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	q := &quill{dir: dir, cancel: cancel}
	defer func() {
		if err != nil {
			q.stop()
		}
	}()
	script, data := filepath.Join(dir, "quill.js"), filepath.Join(dir, "tasks.json")
	if err := os.WriteFile(script, quillScript, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(data, tasksJSON(tasks), 0o600); err != nil {
		return nil, err
	}
	q.cmd = exec.CommandContext(ctx, node, script, library, data)
	q.cmd.Stderr = &q.errors
	if q.in, err = q.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := q.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	q.out = bufio.NewScanner(out)
	if err := q.cmd.Start(); err != nil {
		q.cmd = nil
		return nil, fmt.Errorf("start Node: %w", err)
	}
	return q, nil
}

func (o Options) node() string {
	if o.Node != "" {
		return o.Node
	}
	return "node"
}

// tasksJSON writes tasks as [{"base":[...],"edits":[[...],...]},...].
func tasksJSON(tasks []task) []byte {
	var dst []byte
	for i, t := range tasks {
		dst = append(dst, separator(i))
		dst = t.base.AppendOps(append(dst, `{"base":`...))
		dst = append(dst, `,"edits":`...)
		for j, d := range t.edits {
			dst = append(dst, separator(j))
			dst = d.AppendOps(dst)
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, ']')
}

// separator is what goes before element i of an array.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

// stop ends the process and removes its files.
func (q *quill) stop() {
	q.cancel()
	if q.cmd != nil {
		q.cmd.Wait() // it has been killed; how it says so does not matter
	}
	os.RemoveAll(q.dir)
}

// do makes quill-delta do a task once.
func (q *quill) do(task int) (answer, error) {
	var a answer
	if _, err := fmt.Fprintln(q.in, task); err != nil {
		return a, fmt.Errorf("tell Node: %w: %s", err, q.errors.String())
	}
	if !q.out.Scan() {
		q.cmd.Wait()
		q.cmd = nil
		return a, fmt.Errorf("the Node process ended: %w: %s", errors.Join(q.out.Err(), io.ErrUnexpectedEOF), q.errors.String())
	}
	if err := json.Unmarshal(q.out.Bytes(), &a); err != nil {
		return a, fmt.Errorf("the Node process said %q: %w", q.out.Text(), err)
	}
	return a, nil
}

// budget is how long the turns of one comparison may take together, after the
// first three.
const budget = 18 * time.Second

// compare lets both sides take turns at a task and fills in its row.
func (q *quill) compare(ctx context.Context, o Options, number int, t task, row *weir.Figure) error {
	var ours, theirs []time.Duration
	start := time.Now()
	for len(ours) < o.pick(9, 1) && (len(ours) < 3 || time.Since(start) < budget) {
		if err := ctx.Err(); err != nil {
			return err
		}
		took, text, err := t.run()
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		a, err := q.do(number)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		if sum := sha256.Sum256([]byte(text)); a.SHA256 != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("%s: quill-delta comes to another text", row.Name)
		}
		ours, theirs = append(ours, took), append(theirs, time.Duration(a.Nanoseconds))
	}
	row.Measured = true
	row.Value = medianRatio(theirs, ours)
	row.Note = fmt.Sprintf("%s per edit; quill-delta %s %s; %d edits, %d pairs",
		each(median(ours), len(t.edits)), quillVersion, each(median(theirs), len(t.edits)), len(t.edits), len(ours))
	return nil
}
