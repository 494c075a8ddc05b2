package kit

import (
	"fmt"
	"strings"
	"time"
)

// Limits is how a robot stands, as its server enforces it.
type Limits struct {
	Robot     string     `json:"robot"`
	Profile   string     `json:"profile"`
	Status    string     `json:"status"` // ok, warned, slowed, held, cut, evicted, suspended
	At        time.Time  `json:"at"`
	Limits    []Limit    `json:"limits"`
	Decisions []Decision `json:"decisions"` // about the robot, newest first
}

// Limit is one limit of a robot, in one wavelet if Wavelet is set.
type Limit struct {
	Name      string    `json:"name"` // depth, amplification, robotRatio2m, sustained2m, …
	Wavelet   string    `json:"wavelet"`
	Max       float64   `json:"max"`
	Window    Window    `json:"window"` // 0: not a window
	Used      float64   `json:"used"`
	Remaining float64   `json:"remaining"`
	ResetsAt  time.Time `json:"resetsAt"` // when Used will be lower if nothing more happens
	WarnAt    float64   `json:"warnAt"`
	MinEvents int       `json:"minEvents"` // below so many events the limit does not fire
	Events    int       `json:"events"`    // that Used is a share of
	DryRun    bool      `json:"dryRun"`    // not enforced
}

// Decision is what the server decided about the robot.
type Decision struct {
	At       time.Time `json:"at"`
	Wavelet  string    `json:"wavelet"`
	Rule     string    `json:"rule"`
	Action   string    `json:"action"`
	Measured float64   `json:"measured"`
	Limit    float64   `json:"limit"`
	Reason   string    `json:"reason"`
	DryRun   bool      `json:"dryRun"`
}

// Window is a time.Duration that is written as text ("2m0s").
type Window time.Duration

// UnmarshalText reads what time.ParseDuration reads.
func (w *Window) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*w = Window(d)
	return err
}

// Held is what a robot did not say, so as to stay below a limit. It is an error.
type Held struct {
	Limit      string // its name
	Reason     string
	RetryAfter time.Duration // 0: until a person writes
	Operations []Operation   // what would have been said
}

func (h *Held) Error() string {
	if h.RetryAfter > 0 {
		return fmt.Sprintf("held back below the limit %s: %s; again in %s", h.Limit, h.Reason, h.RetryAfter.Round(time.Millisecond))
	}
	return fmt.Sprintf("held back below the limit %s: %s", h.Limit, h.Reason)
}

// share is how much of a limit a robot uses.
const share = 0.8

// judge is why an answer to the bundle is held back, nil if it is not. What people
// here write is always answered: their words begin every chain anew.
func judge(b *Bundle) *Held {
	for _, l := range b.Limits.Limits {
		if l.DryRun || l.Max <= 0 {
			continue
		}
		if reason := b.near(l); reason != "" {
			return &Held{Limit: l.Name, Reason: reason}
		}
	}
	return nil
}

// near is why an answer to the bundle would come too near to a limit, "" if it
// would not.
func (b *Bundle) near(l Limit) string {
	robots, most := b.Label.Lane == Robots, share*l.Max
	switch {
	case l.Name == "remote":
		if l.Used > most && b.strangers() {
			return fmt.Sprintf("somebody on another server writes whenever this robot does, %.0f times so far", l.Used)
		}
	case !robots:
	case l.Name == "depth", l.Name == "hold":
		if l.Used > most {
			return fmt.Sprintf("it would be answer number %.0f of robots to robots in a row, of %.0f", l.Used, l.Max)
		}
	case l.Name == "amplification":
		// Everybody else may be about to answer as well.
		if l.Used+1 > min(most, l.Max-float64(len(b.Wavelet.Participants))) {
			return fmt.Sprintf("%.0f answers of robots to one message, of %.0f", l.Used, l.Max)
		}
	case l.Name == "human":
		if l.Used > most {
			return fmt.Sprintf("no person has written here for %.0f s, of %.0f s", l.Used, l.Max)
		}
	case strings.HasPrefix(l.Name, "robotRatio"), strings.HasPrefix(l.Name, "ratio") && l.WarnAt < l.Max: // else it is only warned
		if n := float64(l.Events); n >= share*float64(l.MinEvents) && l.Used*n+1 > most*n {
			return fmt.Sprintf("%.0f of %.0f bundles answered in %s", l.Used*n, n, time.Duration(l.Window))
		}
	}
	return ""
}
