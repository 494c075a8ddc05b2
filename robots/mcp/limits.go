package mcp

import (
	"fmt"
	"math"
	"strings"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// left is what a result tells of the limits.
type left struct {
	Status string
	Limits []line
	Advice string // what to do near a limit, "" if none is near
}

// line is one limit in brief.
type line struct {
	Name      string    `json:"name"`
	Wavelet   string    `json:"wavelet,omitempty"`
	Used      float64   `json:"used"`
	Max       float64   `json:"max"`
	Remaining float64   `json:"remaining"`
	ResetsAt  time.Time `json:"resetsAt,omitzero"`
	Near      bool      `json:"near,omitempty"` // a warning's distance away, or less

	window time.Duration
}

// standing is how a robot stands, as a whole and in a wavelet if one is given.
// Limits that cannot fire yet, or that only set a pace, are left out.
func standing(l policies.Limits, in wavelet.Name) left {
	here := ""
	if !in.IsZero() {
		here = in.String()
	}
	out := left{Status: l.Status, Limits: []line{}}
	var advice []string
	if l.Status == "suspended" {
		advice = append(advice, "You are suspended: STOP. Until an operator of this server resumes you nothing is taken of you but my_limits, which says why.")
	}
	for _, x := range l.Limits {
		if x.Wavelet != "" && x.Wavelet != here || x.MinEvents > 0 || x.WarnAt == 0 {
			continue
		}
		n := line{
			Name: x.Name, Wavelet: x.Wavelet, Used: tenths(x.Used), Max: tenths(x.Max), Remaining: tenths(x.Remaining),
			ResetsAt: x.ResetsAt, Near: x.Used >= x.WarnAt, window: time.Duration(x.Window),
		}
		out.Limits = append(out.Limits, n)
		if a := n.advice(); n.Near && a != "" {
			advice = append(advice, a)
		}
	}
	for _, s := range l.Evicted {
		if s.Wavelet == here {
			advice = append(advice, "You were put out of this wavelet by the rule "+s.Rule+". Do not write there; a participant may let you in again.")
		}
	}
	out.Advice = strings.Join(advice, " ")
	return out
}

func tenths(x float64) float64 { return math.Round(10*x) / 10 }

// advice is what to do about a limit that is near.
func (l line) advice() string {
	switch l.Name {
	case "depth", "amplification", "human", "hold":
		return fmt.Sprintf("STOP answering robots in this wavelet until a person has written there: robots have kept each other going, "+
			"the limit %s is at %g of %g, and whoever reaches it is put out.", l.Name, l.Used, l.Max)
	case "burst":
		return "SLOW DOWN: your calls come closer together than they are taken, and wait for each other."
	case "limitsQuery":
		return "Do not ask for your limits so often: every result tells them."
	}
	if l.window == 0 {
		return ""
	}
	return fmt.Sprintf("STOP calling so often: %g of %g calls are left of those that you have in %s, and when none is left every call is refused.",
		l.Remaining, l.Max, l.window)
}

// text is the limits in a line or two.
func (l left) text() string {
	var parts []string
	for _, x := range l.Limits {
		parts = append(parts, fmt.Sprintf("%s %g of %g", x.Name, x.Used, x.Max))
	}
	text := fmt.Sprintf("Limits used (you are %s): %s.", l.Status, strings.Join(parts, ", "))
	if l.Advice != "" {
		text += "\n" + l.Advice
	}
	return text
}
