package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"weir/governor/decisions"
)

type decisionsCmd struct {
	remote
	Robot   string `help:"Only those about this robot." placeholder:"ADDRESS"`
	Wavelet string `help:"Only those in this wavelet." placeholder:"WAVE/WAVELET"`
	Rule    string `help:"Only those by this rule, such as depth." placeholder:"RULE"`
	Action  string `help:"Only those with this outcome: warn, slow, refuse, evict, cut, suspend, readmit." placeholder:"ACTION"`
	Since   string `help:"Only those since then: 90m, 24h, or an instant like 2026-05-01T12:00:00Z." placeholder:"WHEN"`
	Limit   int    `default:"20" help:"How many, the newest first; 0: all."`
	Follow  bool   `short:"f" help:"Show these, the oldest first, and then each one as it is taken, until interrupted."`
	JSON    bool   `help:"Print JSON, with all the evidence; with --follow one decision a line."`
}

func (decisionsCmd) Help() string {
	return `The server keeps the last 100,000 decisions, or 64 MiB of them (weir serve --decisions, --decisions-mib). A follower that loses
its connection comes back by itself and misses none that the server still has.

Examples:

  weir decisions
  weir decisions --robot echo-a@weir.local --json
  weir decisions --since 24h --action evict --limit 0
  weir decisions --follow`
}

func (c decisionsCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	filter, err := c.query()
	if err != nil {
		return err
	}
	list, last, err := a.decisions(ctx, filter, c.Limit)
	if err != nil {
		return err
	}
	if len(list) == 0 && !c.JSON {
		fmt.Fprintln(s.err, none(last))
	}
	switch {
	case c.Follow:
		slices.Reverse(list)
		f := follower{api: a, out: s, filter: filter, last: last, json: c.JSON}
		for _, d := range list {
			if err := f.show(d); err != nil {
				return err
			}
		}
		return f.run(ctx)
	case c.JSON:
		return writeJSON(s.out, list)
	}
	for _, d := range list {
		writeDecision(s.out, d)
	}
	return nil
}

// none says that there is nothing to show. Last is the number of the newest
// decision of all, 0 if there never was one.
func none(last uint64) string {
	if last == 0 {
		return "Nothing has been decided yet: no robot was warned, slowed, refused or acted on."
	}
	return "No decision that is kept fits."
}

// query is the filter in the words of the API.
func (c decisionsCmd) query() (url.Values, error) {
	query := url.Values{}
	for name, value := range map[string]string{"robot": c.Robot, "wavelet": c.Wavelet, "rule": c.Rule, "action": c.Action} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if c.Since == "" {
		return query, nil
	}
	at, err := instantOf(c.Since)
	if err != nil {
		return nil, err
	}
	query.Set("since", at.UTC().Format(time.RFC3339Nano))
	return query, nil
}

// instantOf reads --since: an instant, or how long ago it was.
func instantOf(since string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, since)
	if err == nil {
		return at, nil
	}
	ago, err := time.ParseDuration(since)
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("--since: %q is neither a time span like 90m nor an instant like 2026-05-01T12:00:00Z", since)
	}
	return time.Now().Add(-ago), nil
}

// decisions reads the newest decisions, page by page; limit 0 stands for all.
// Last is the number after which a stream goes on.
func (a api) decisions(ctx context.Context, filter url.Values, limit int) (list []decisions.Entry, last uint64, err error) {
	list = []decisions.Entry{}
	const most = 1000 // of a page
	query := url.Values{}
	for name, values := range filter {
		query[name] = values
	}
	for page := 0; ; page++ {
		size := most
		if limit > 0 {
			size = min(limit-len(list), most)
		}
		query.Set("limit", strconv.Itoa(size))
		var got struct {
			Decisions []decisions.Entry `json:"decisions"`
			Next      uint64            `json:"next"`
			Last      uint64            `json:"last"`
		}
		if err := a.call(ctx, http.MethodGet, "/api/v1/decisions?"+query.Encode(), nil, &got); err != nil {
			return nil, 0, err
		}
		if page == 0 {
			last = got.Last
		}
		list = append(list, got.Decisions...)
		if got.Next == 0 || limit > 0 && len(list) >= limit {
			return list, last, nil
		}
		query.Set("cursor", strconv.FormatUint(got.Next, 10))
	}
}

// writeDecision shows a decision as people read it.
func writeDecision(out io.Writer, d decisions.Entry) {
	tried := ""
	if d.DryRun {
		tried = " (dry run)"
	}
	fmt.Fprintf(out, "%s  %s %s by %s%s: %s of %s  %s\n", d.Time.Local().Format(time.DateTime), d.Action, d.Robot, d.Rule, tried, number(d.Measured), number(d.Limit), d.Wavelet)
	for _, sentence := range d.Sentences() {
		fmt.Fprintf(out, "    %s\n", sentence)
	}
}

// writeLine shows a decision as one line of JSON.
func writeLine(out io.Writer, d decisions.Entry) error {
	raw, err := json.Marshal(d)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", raw)
	}
	return err
}
