package governor

import (
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Evidence is what a decision rests on, for people and for programs. Fields
// that a rule does not measure are zero.
type Evidence struct {
	Cause     string                `json:"cause,omitzero"`      // id of the chain
	Started   Start                 `json:"started,omitzero"`    // what set the chain off
	Chain     []Link                `json:"chain,omitempty"`     // the seats that answered, most answers first
	Exchanges []Exchange            `json:"exchanges,omitempty"` // who answered whom on the cycle, most first
	Partners  []wavelet.Participant `json:"partners,omitempty"`
	Depth     int                   `json:"depth,omitzero"`
	Exact     int                   `json:"exact,omitzero"` // of these, links proved by a bundle named
	Answers   int                   `json:"answers,omitzero"`
	Since     time.Time             `json:"since,omitzero"` // first answer of the chain
	Duration  policies.Duration     `json:"duration,omitzero"`
	Delivered int                   `json:"delivered,omitzero"` // bundles in the window of a ratio rule
	Answered  int                   `json:"answered,omitzero"`
	Window    policies.Duration     `json:"window,omitzero"`
	Allowed   string                `json:"allowed,omitzero"` // what the robot may still do
	Undo      string                `json:"undo,omitzero"`    // how a person takes it back
	Cooldown  time.Time             `json:"cooldown_until,omitzero"`
}

// Start is the human message, or whatever else, that set a chain off.
type Start struct {
	By      wavelet.Participant `json:"by,omitzero"`
	Wavelet string              `json:"wavelet,omitzero"`
	At      time.Time           `json:"at,omitzero"`
	Kind    string              `json:"kind,omitzero"` // human, unknown, robot
}

// Link is one seat's part in a chain.
type Link struct {
	Robot   wavelet.Participant `json:"robot"`
	Wavelet string              `json:"wavelet"` // where it heard what it answered
	Answers int                 `json:"answers"`
	Depth   int                 `json:"depth"` // of its deepest answer
}

// Exchange counts how often To answered From.
type Exchange struct {
	From  wavelet.Participant `json:"from"`
	To    wavelet.Participant `json:"to"`
	Count int                 `json:"count"`
}

// Sentences is the evidence as a person reads it in the notice: cause, chain,
// depth, duration, counts, partners, what is still allowed, how to undo.
func (d Decision) Sentences() []string { return nil }
