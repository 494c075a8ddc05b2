package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"weir/admission/admissionbench"
)

type benchGoodputCmd struct {
	benchFlags
	Span time.Duration `default:"1h" help:"How long each run lasts, in virtual time." placeholder:"TIME"`
}

func (benchGoodputCmd) Help() string {
	return `More requests come than the processors can do: each takes 5 s of a processor, and its caller goes away after 29 s. In virtual
time, and with the limit on concurrent work that the server uses.

The table shows, for each limit, the part of what the processors could do that was done in time.

Example:

  weir bench goodput`
}

func (c benchGoodputCmd) Run(ctx context.Context, s streams) error {
	report, err := admissionbench.Goodput(ctx, admissionbench.GoodputOptions{Span: c.Span})
	if err != nil {
		return err
	}
	if !c.JSON {
		if err := showGoodput(s.out, report); err != nil {
			return err
		}
	}
	return c.show(s, "goodput", report.Took, report.Figures)
}

// showGoodput prints what each limit made of the loads.
func showGoodput(out io.Writer, r admissionbench.GoodputReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "LIMIT")
	for _, cell := range r.Cells {
		fmt.Fprint(w, "\t", cell)
	}
	fmt.Fprintln(w)
	for _, row := range r.Rows {
		fmt.Fprint(w, row.Limit)
		for _, share := range row.Share {
			fmt.Fprintf(w, "\t%.3f", share)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// Validate checks what kong cannot.
func (c benchGoodputCmd) Validate() error {
	if c.Span < 10*time.Minute || c.Span > 24*time.Hour {
		return errors.New("--span: 10m to 24h")
	}
	return nil
}
