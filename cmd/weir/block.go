package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"weir/admission/blocks"
)

type blockCmd struct {
	Add    blockAddCmd    `cmd:"" help:"Let somebody in no more, at once."`
	List   blockListCmd   `cmd:"" help:"List who is blocked, by whom, why and until when."`
	Remove blockRemoveCmd `cmd:"" help:"Let somebody in again."`
}

func (blockCmd) Help() string {
	return `A person, a robot, a network address or a network. The commands call a running server, which is found by its data directory.

Examples:

  weir block add ann@example.com --reason 'floods the server' --for 24h
  weir block list
  weir block remove ann@example.com`
}

type blockAddCmd struct {
	remote
	Who    string        `arg:"" help:"A person, a robot, an address or a network."`
	Reason string        `required:"" help:"Why; whoever is blocked is told." placeholder:"TEXT"`
	For    time.Duration `help:"For how long, such as 24h. Default: for good." placeholder:"DURATION"`
	By     string        `help:"Who says so, for the list. Default: your user name on this machine." placeholder:"NAME"`
	Force  bool          `help:"Block the address you call from, or a trusted proxy, all the same."`
}

func (blockAddCmd) Help() string {
	return `People's sockets are closed with 4503 and the reason, and their clients stay away. A robot is called no more, as if it were
suspended, and its calls are refused with 403; what it misses it is told of afterwards. From a network nothing is accepted.

Examples:

  weir block add ann@example.com --reason 'floods the server' --for 24h
  weir block add echo-a@weir.local --reason 'its author is asleep'
  weir block add 192.0.2.0/24 --reason 'attack of 1 May'`
}

func (c blockAddCmd) Run(ctx context.Context, s streams) error {
	if c.For < 0 || c.For > 0 && c.For < time.Second {
		return fmt.Errorf("--for: %v is no time to block somebody for; give a second or more", c.For)
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	in := struct {
		Who     string `json:"who"`
		Reason  string `json:"reason"`
		By      string `json:"by"`
		Seconds int64  `json:"seconds,omitempty"`
		Force   bool   `json:"force,omitempty"`
	}{c.Who, c.Reason, cmp.Or(c.By, whoami()), int64(c.For / time.Second), c.Force}
	var b blocks.Block
	if err := a.call(ctx, http.MethodPost, "/api/v1/blocks", in, &b); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is %s\n", b.Who, b)
	return nil
}

type blockListCmd struct{ listing }

func (blockListCmd) Help() string { return "Example:\n\n  weir block list" }

func (c blockListCmd) Run(ctx context.Context, s streams) error {
	return list(ctx, s, c.listing, "blocks", []string{"WHO", "BY", "SINCE", "UNTIL", "REASON"}, func(b blocks.Block) []string {
		until := "for good"
		if !b.Until.IsZero() {
			until = b.Until.Local().Format(time.DateTime)
		}
		return []string{b.Who, b.By, b.Since.Local().Format(time.DateTime), until, b.Reason}
	})
}

type blockRemoveCmd struct {
	remote
	Who string `arg:"" help:"As weir block list shows it."`
}

func (blockRemoveCmd) Help() string { return "Example:\n\n  weir block remove ann@example.com" }

func (c blockRemoveCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var b blocks.Block
	if err := a.call(ctx, http.MethodDelete, "/api/v1/blocks?"+url.Values{"who": {c.Who}}.Encode(), nil, &b); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is let in again\n", b.Who)
	return nil
}
