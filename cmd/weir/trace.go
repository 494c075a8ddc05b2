package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"weir/web"
)

type traceCmd struct {
	remote
	Who  string `arg:"" help:"A person or a robot."`
	JSON bool   `help:"Print one JSON object a line."`
}

func (traceCmd) Help() string {
	return `Shows what a person or a robot does, as it happens, until interrupted: frames with their operation, wavelet, size, time taken and error
code; a robot's bundles, answers, calls and what the governor decided. Never what was written, no token and no key, so that a trace may
be shown to others. The server does nothing for it while nobody traces; a reader that is too slow is told how much it missed.

Examples:

  weir trace ann@example.com
  weir trace echo-a@weir.local --json`
}

func (c traceCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	events, err := a.stream(ctx, http.MethodGet, "/api/v1/trace?"+url.Values{"who": {c.Who}}.Encode(), nil)
	if err != nil {
		return err
	}
	defer events.Close()
	err = readEvents(events, func(kind, data string) error { return c.show(s, kind, data) })
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the trace broke off: %w", err)
}

// show prints one event.
func (c traceCmd) show(s streams, kind, data string) error {
	switch kind {
	case "tracing":
		fmt.Fprintf(s.err, "tracing %s\n", c.Who)
	case "dropped":
		fmt.Fprintf(s.err, "%s events were dropped: they came faster than they were read\n", data)
	case "traced":
		if c.JSON {
			fmt.Fprintln(s.out, data)
			return nil
		}
		var e web.Traced
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		fmt.Fprintln(s.out, traceLine(e))
	}
	return nil
}

// traceLine is an event as people read it: what is there of it.
func traceLine(e web.Traced) string {
	line := []string{e.At.Local().Format("15:04:05.000"), e.Kind}
	word := func(name, value string) {
		if value != "" && value != "0" {
			line = append(line, strings.TrimSpace(name+" "+value))
		}
	}
	word("", e.Op)
	word("", e.Method)
	word("#", strconv.FormatUint(e.ID, 10))
	word("", e.Wavelet)
	word("version", strconv.FormatUint(e.Version, 10))
	word("bundle", e.Bundle)
	word("lane", e.Lane)
	word("attempt", strconv.Itoa(e.Attempt))
	word("deltas", strconv.Itoa(e.Deltas))
	word("events", strconv.Itoa(e.Events))
	word("answers", strconv.Itoa(e.Answers))
	word("operations", strconv.Itoa(e.Operations))
	word("depth", strconv.Itoa(e.Depth))
	word("", strings.TrimSpace(e.Action+" "+e.Rule))
	word("bytes", strconv.Itoa(e.Bytes))
	if e.TookUS > 0 {
		word("took", (time.Duration(e.TookUS) * time.Microsecond).String())
	}
	if e.Reason != "" {
		word("refused", fmt.Sprint(e.Reason, " ", e.Code))
	}
	return strings.Join(line, "  ")
}
