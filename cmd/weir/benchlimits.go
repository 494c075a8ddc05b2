package main

import (
	"context"

	"weir/admission/admissionbench"
)

type benchLimitsCmd struct{ benchFlags }

func (benchLimitsCmd) Help() string {
	return `A decision about a command, one bucket of its operation and two of the total, beside a clock read with an atomic add, and beside
golang.org/x/time/rate.

Example:

  weir bench limits`
}

func (c benchLimitsCmd) Run(ctx context.Context, s streams) error {
	report, err := admissionbench.Limits(ctx, admissionbench.CostOptions{})
	if err != nil {
		return err
	}
	return c.show(s, "limits", report.Took, report.Figures)
}

type benchCapsCmd struct{ benchFlags }

func (benchCapsCmd) Help() string {
	return `A hundred knock at fifty places, two hundred times, and those inside leave at random and come again.

Example:

  weir bench caps`
}

func (c benchCapsCmd) Run(ctx context.Context, s streams) error {
	report, err := admissionbench.Caps(ctx, admissionbench.CapOptions{})
	if err != nil {
		return err
	}
	return c.show(s, "caps", report.Took, report.Figures)
}
