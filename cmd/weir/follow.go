package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/governor/decisions"
)

// follower shows decisions as the server takes them.
type follower struct {
	api    api
	out    streams
	filter url.Values
	last   uint64 // number of the last one that was shown, or passed over by the filter
	json   bool
}

// A follower comes back after so long, and gives up a stream on which nothing
// came, not even a sign of life.
const (
	followAgain  = time.Second
	followSilent = 45 * time.Second
)

// run follows until ctx ends. It comes back after a broken connection, and ends
// with an error if the server refuses it.
func (f *follower) run(ctx context.Context) error {
	told := false
	for {
		began := f.last
		err := f.stream(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if p, refused := errors.AsType[*problem](err); refused && p.Status < http.StatusInternalServerError {
			return err
		}
		if f.last > began {
			told = false
		}
		if !told {
			fmt.Fprintf(f.out.err, "weir: the stream broke off (%v); coming back\n", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followAgain):
		}
	}
}

// stream shows one stream up to its end.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query := url.Values{}
	for name, values := range f.filter {
		query[name] = values
	}
	query.Set("after", strconv.FormatUint(f.last, 10))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.api.url+"/api/v1/decisions/stream?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+f.api.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("reach the server at %s: %w", f.api.url, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return refused(resp, answer)
	}
	silence := time.AfterFunc(followSilent, cancel)
	defer silence.Stop()
	return readEvents(resp.Body, func(kind, data string) error {
		silence.Reset(followSilent)
		return f.take(kind, data)
	})
}

// readEvents reads server-sent events until take has an error, which is then its
// own; at the end of the stream that is io.EOF. A comment, as a sign of life, and
// an empty line have no kind.
func readEvents(from io.Reader, take func(kind, data string) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxAnswer)
	kind := ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		var err error
		switch name {
		case "":
			err = take("", value)
		case "event":
			kind = value
		case "data":
			err = take(kind, value)
		}
		if err != nil {
			return err
		}
	}
	if lines.Err() != nil {
		return lines.Err()
	}
	return io.EOF
}

// take shows what one event holds.
func (f *follower) take(kind, data string) error {
	switch kind {
	case "": // a sign of life names the last one that was looked at
		if n, err := strconv.ParseUint(data, 10, 64); err == nil {
			f.last = n
		}
	case "decision":
		var d decisions.Entry
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			return fmt.Errorf("read a decision: %w", err)
		}
		f.last = d.Number
		return f.show(d)
	case "missed":
		var gap struct{ After, Next uint64 }
		if err := json.Unmarshal([]byte(data), &gap); err != nil {
			return fmt.Errorf("read what was missed: %w", err)
		}
		f.last = gap.Next - 1
		fmt.Fprintf(f.out.err, "weir: decisions %d to %d are no longer kept\n", gap.After+1, gap.Next-1)
	}
	return nil
}

// show prints a decision.
func (f *follower) show(d decisions.Entry) error {
	if f.json {
		return writeLine(f.out.out, d)
	}
	writeDecision(f.out.out, d)
	return nil
}
