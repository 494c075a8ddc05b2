package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
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

type grantsListCmd struct {
	remote
	JSON bool `help:"Print JSON."`
}

func (grantsListCmd) Help() string { return "Example:\n\n  weir grants list" }

func (c grantsListCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var list struct {
		Grants []grants.Grant `json:"grants"`
	}
	if err := a.call(ctx, http.MethodGet, "/api/v1/grants", nil, &list); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, list.Grants)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPERSON\tPROGRAM\tUNTIL")
	for _, g := range list.Grants {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.ID, g.Person, g.Program, g.Expires.Local().Format(time.DateTime))
	}
	return w.Flush()
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
