package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"weir/robots/grants"
)

type grantsCmd struct {
	List   grantsListCmd   `cmd:"" help:"List what people have allowed programs."`
	Revoke grantsRevokeCmd `cmd:"" help:"End a program's permission, at once."`
}

func (grantsCmd) Help() string {
	return `A person may let a program read and write in her name, over the data API, for an hour. The commands call a running server, which
is found by its data directory.

Examples:

  weir grants list
  weir grants revoke 1f0c9a2b5d7e4830`
}

type grantsListCmd struct{ listing }

func (grantsListCmd) Help() string { return "Example:\n\n  weir grants list" }

func (c grantsListCmd) Run(ctx context.Context, s streams) error {
	return list(ctx, s, c.listing, "grants", []string{"ID", "PERSON", "PROGRAM", "UNTIL"}, func(g grants.Grant) []string {
		return []string{g.ID, string(g.Person), g.Program, g.Expires.Local().Format(time.DateTime)}
	})
}

type grantsRevokeCmd struct {
	remote
	ID string `arg:"" help:"The grant, as weir grants list shows it."`
}

func (grantsRevokeCmd) Help() string { return "Example:\n\n  weir grants revoke 1f0c9a2b5d7e4830" }

func (c grantsRevokeCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	if err := a.call(ctx, http.MethodDelete, "/api/v1/grants/"+url.PathEscape(c.ID), nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "revoked %s\n", c.ID)
	return nil
}
