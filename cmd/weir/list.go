package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
)

// listing is the flags of an operator's command that lists what a server has.
type listing struct {
	remote
	JSON bool `help:"Print JSON."`
}

// list asks a server for all of a kind, such as "robots", and prints them: as JSON,
// or as a table with these headings and a row of cells for each.
func list[T any](ctx context.Context, s streams, l listing, kind string, headings []string, cells func(T) []string) error {
	a, err := l.admin()
	if err != nil {
		return err
	}
	var all map[string][]T
	if err := a.call(ctx, http.MethodGet, "/api/v1/"+kind, nil, &all); err != nil {
		return err
	}
	if l.JSON {
		return writeJSON(s.out, all[kind])
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(headings, "\t"))
	for _, one := range all[kind] {
		fmt.Fprintln(w, strings.Join(cells(one), "\t"))
	}
	return w.Flush()
}
