package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"weir/wavelet/client"
)

type importCmd struct {
	remote
	Wavelet string `arg:"" help:"Wavelet to write to: wave/wavelet."`
	File    string `arg:"" optional:"" default:"-" help:"File with a delta a line, as JSON. - is the standard input."`
}

func (importCmd) Help() string {
	return `Brings in what authors elsewhere have written. Each line is a delta: {"author", "text"} for a message, or {"author", "ops", "base"};
with an "id" it goes in once, however often it is sent. The authors take part in the wavelet and have no addresses of the server's domain.

Deltas go in in their order. Those that are refused are listed with the reason, and the rest goes in all the same; when the server fails
for a while the import ends there, and what has an id may be sent again. Exits 1 unless all went in.

Examples:

  weir import WAVELET history.jsonl
  echo '{"author":"carol@elsewhere.example","text":"As I said on Monday."}' | weir import WAVELET`
}

// Bounds of one request of an import.
const (
	importDeltas = 200
	importBytes  = 512 << 10
)

func (c importCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("read deltas: %w", err)
		}
		defer f.Close()
		in = f
	}
	taken, read, err := c.send(ctx, s, a, in)
	fmt.Fprintf(s.out, "%d of %d deltas taken\n", taken, read)
	if err == nil && taken < read {
		err = &outcome{code: exitFailed}
	}
	return err
}

// send imports all lines, some at a time.
func (c importCmd) send(ctx context.Context, s streams, a api, in io.Reader) (taken, read int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var batch []json.RawMessage
	size := 0
	flush := func() error {
		n, err := c.sendBatch(ctx, s, a, batch, read-len(batch))
		taken += n
		batch, size = nil, 0
		return err
	}
	for lines.Scan() {
		line := lines.Bytes()
		if !json.Valid(line) {
			return taken, read, fmt.Errorf("line %d: not JSON", read+1)
		}
		if len(batch) == importDeltas || len(batch) > 0 && size+len(line) > importBytes {
			if err := flush(); err != nil {
				return taken, read, err
			}
		}
		batch = append(batch, json.RawMessage(append([]byte(nil), line...)))
		size += len(line)
		read++
	}
	if err := lines.Err(); err != nil {
		return taken, read, fmt.Errorf("read line %d: %w", read+1, err)
	}
	if len(batch) > 0 {
		err = flush()
	}
	return taken, read, err
}

// sendBatch makes one request, and tells what did not go in. First is the number
// of lines before it. An error says that the rest should not be sent.
func (c importCmd) sendBatch(ctx context.Context, s streams, a api, batch []json.RawMessage, first int) (int, error) {
	var report struct {
		Taken   int
		Results []struct{ Err *client.Error }
	}
	in := map[string]any{"wavelet": c.Wavelet, "deltas": batch}
	if err := a.call(ctx, http.MethodPost, "/api/v1/import/deltas", in, &report); err != nil {
		return 0, fmt.Errorf("lines %d to %d: %w", first+1, first+len(batch), err)
	}
	for i, r := range report.Results {
		if r.Err == nil {
			continue
		}
		if r.Err.Temporary {
			return report.Taken, fmt.Errorf("line %d: %w; send it and those behind it again later", first+i+1, r.Err)
		}
		why := problem{Detail: r.Err.Message, Field: r.Err.Field, Remedy: r.Err.Remedy}
		fmt.Fprintf(s.err, "line %d: %v\n", first+i+1, &why)
	}
	return report.Taken, nil
}
