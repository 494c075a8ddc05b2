package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"weir/governor"
)

type decisionsCmd struct {
	remote
	Robot   string `help:"Only those about this robot." placeholder:"ADDRESS"`
	Wavelet string `help:"Only those in this wavelet." placeholder:"WAVE/WAVELET"`
	Limit   int    `default:"20" help:"How many, the newest first."`
	JSON    bool   `help:"Print JSON, with all the evidence."`
}

func (decisionsCmd) Help() string {
	return `Examples:

  weir decisions
  weir decisions --robot echo-a@weir.local --json`
}

func (c decisionsCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if c.Robot != "" {
		query.Set("robot", c.Robot)
	}
	if c.Wavelet != "" {
		query.Set("wavelet", c.Wavelet)
	}
	var list struct {
		Decisions []governor.Decision `json:"decisions"`
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/decisions?"+query.Encode(), nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, list.Decisions)
	}
	for _, d := range list.Decisions {
		fmt.Fprintf(s.out, "%s  %s %s by %s: %s of %s  %s\n", d.Time.Local().Format(time.DateTime), d.Action, d.Robot, d.Rule, number(d.Measured), number(d.Limit), d.Wavelet)
		for _, sentence := range d.Sentences() {
			fmt.Fprintf(s.out, "    %s\n", sentence)
		}
	}
	return nil
}
