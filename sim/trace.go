package sim

import (
	"time"

	"weir/events"
	"weir/governor"
	"weir/wavelet"
)

// Trace is what happened in a run, for a plot.
type Trace struct{}

func (t *Trace) answer(at time.Duration, k *work)                    {}
func (t *Trace) act(a Acted)                                         {}
func (t *Trace) decide(at time.Duration, d *governor.Decision)       {}
func (t *Trace) refuse(at time.Duration, robot wavelet.Participant)  {}
func (t *Trace) deliver(at time.Duration, s *seat, lane events.Lane) {}
func (t *Trace) delay(at time.Duration, s *seat, d time.Duration)    {}
func (t *Trace) commit(at time.Duration, e *entry)                   {}
func (t *Trace) restart(at time.Duration)                            {}
