package policies

import "time"

// Limits is what a robot is told about its limits: the profile in force, each
// limit with what is used and left of it, and the last decisions. It always
// agrees with what is enforced, because both read the same counters.
type Limits struct {
	Robot     string     `json:"robot"`
	Profile   string     `json:"profile"`
	Status    string     `json:"status"` // ok, warned, slowed, held, cut, evicted, suspended
	At        time.Time  `json:"at"`
	Limits    []Limit    `json:"limits"`
	Decisions []Decided  `json:"decisions"` // newest first, at most 10
	Evicted   []SeatNote `json:"evicted"`   // wavelets it may not write to now
	Cuts      []CutNote  `json:"cuts"`      // robots that it is told nothing of
	Tokens    Tokens     `json:"tokens"`
}

// Tokens counts the bundle tokens of a robot that were worth nothing, since it
// was registered: what came with them was taken as if it named no bundle.
type Tokens struct {
	Forged   uint64 `json:"forged"`   // not signed by this server, or for another robot
	Replayed uint64 `json:"replayed"` // used again, when a newer bundle of what robots write had been sent
	Stale    uint64 `json:"stale"`    // used for the first time, but too late
}

// Limit is one limit of a robot, in one wavelet when Wavelet is set.
type Limit struct {
	Name      string    `json:"name"` // stable: ratio2m, ratio5m, depth, sustained2m, …
	Wavelet   string    `json:"wavelet,omitzero"`
	Max       float64   `json:"max"`
	Window    Duration  `json:"window"` // 0: not a window
	Used      float64   `json:"used"`
	Remaining float64   `json:"remaining"`          // never negative
	ResetsAt  time.Time `json:"resetsAt,omitzero"`  // when Used will be lower if nothing more happens
	WarnAt    float64   `json:"warnAt,omitzero"`    // Used at which a warning is sent
	MinEvents int       `json:"minEvents,omitzero"` // below so many events the limit does not fire
	Events    int       `json:"events,omitzero"`    // that Used is a share of
	DryRun    bool      `json:"dryRun,omitzero"`    // decided and recorded, not carried out
}

// Decided is a decision in brief, as the robot sees it.
type Decided struct {
	At       time.Time `json:"at"`
	Wavelet  string    `json:"wavelet,omitzero"`
	Rule     string    `json:"rule"`
	Action   string    `json:"action"`
	Measured float64   `json:"measured"`
	Limit    float64   `json:"limit"`
	Reason   string    `json:"reason"`
	DryRun   bool      `json:"dryRun,omitzero"`
}

// SeatNote names a wavelet the robot was put out of, and until when a person
// needs an explicit override to bring it back.
type SeatNote struct {
	Wavelet  string    `json:"wavelet"`
	Rule     string    `json:"rule"`
	Action   string    `json:"action"` // evict, or suspend: it is still a participant
	Since    time.Time `json:"since"`
	Cooldown time.Time `json:"cooldownUntil"`
}

// CutNote names the robots that the robot was cut off from in one wavelet: what
// they write there raises no event at it, until somebody readmits it.
type CutNote struct {
	Wavelet string   `json:"wavelet"`
	From    []string `json:"from"`
}

// Duration is a time.Duration that is written as text ("500ms", "2m0s") in JSON
// and YAML.
type Duration time.Duration

// MarshalText writes the duration as time.Duration.String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
