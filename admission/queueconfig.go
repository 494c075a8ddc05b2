package admission

import (
	"fmt"
	"time"
)

// QueueConfig is the section "queue": when people wait to be let in, and how.
// The zero QueueConfig lets everybody in.
type QueueConfig struct {
	Enabled   bool          `yaml:"enabled"`
	Capacity  float64       `yaml:"capacity"`   // sessions that can be begun in a second
	Pending   int           `yaml:"pending"`    // sessions that may be begun and not stand yet; 0: those of one second
	Handshake time.Duration `yaml:"handshake"`  // to take up what was granted
	Horizon   time.Duration `yaml:"horizon"`    // how far off a turn may be
	Park      time.Duration `yaml:"park"`       // how long a request may be kept; 0: none is
	MaxParked int           `yaml:"max_parked"` // requests kept at a time
	Triggers  Triggers      `yaml:"triggers"`
}

// Triggers say what makes people wait; any that is on does. Rate and Pending
// bound what is let in; the others shrink what may be pending to a tenth while
// the machine shows that it is overloaded.
type Triggers struct {
	Rate             bool          `yaml:"rate"`              // more than 95 % of the capacity come
	Pending          bool          `yaml:"pending"`           // as many as may be are pending
	SchedulerLatency time.Duration `yaml:"scheduler_latency"` // 99th percentile of how long a goroutine waits for a processor; 0: off
	Runnable         float64       `yaml:"runnable"`          // goroutines that wait, to a processor; 0: off
	CPUShare         float64       `yaml:"cpu_share"`         // of the processors, used by this process, 0 to 1; 0: off
}

// DefaultQueue is the section as it is without a configuration.
func DefaultQueue() QueueConfig {
	return QueueConfig{
		Enabled: true, Capacity: 500, Handshake: 5 * time.Second, Horizon: 10 * time.Minute, Park: 8 * time.Second, MaxParked: 16_000,
		Triggers: Triggers{Rate: true, Pending: true, SchedulerLatency: 20 * time.Millisecond, Runnable: 4},
	}
}

// check complains about every value that is out of range. A queue that is off
// may have any.
func (c QueueConfig) check(key string, complain Complain) {
	if !c.Enabled {
		return
	}
	number := func(name string, v, lo, hi float64, allowed string) {
		if !(v >= lo && v <= hi) { // not a number is out of range too
			complain(key+"."+name, fmt.Sprintf("%v is out of range", v), allowed)
		}
	}
	span := func(name string, v, lo, hi time.Duration) {
		if v < lo || v > hi {
			complain(key+"."+name, v.String()+" is out of range", fmt.Sprintf("%v to %v", lo, hi))
		}
	}
	number("capacity", c.Capacity, 0.1, 1e6, "sessions a second, 0.1 to 1000000")
	number("pending", float64(c.Pending), 0, 1e6, "sessions, at most 1000000; 0 for those of one second")
	number("max_parked", float64(c.MaxParked), 0, 1e6, "requests, at most 1000000; 0 to keep none")
	span("handshake", c.Handshake, 100*time.Millisecond, time.Minute)
	span("horizon", c.Horizon, time.Second, time.Hour)
	span("park", c.Park, 0, 30*time.Second)
	span("triggers.scheduler_latency", c.Triggers.SchedulerLatency, 0, time.Minute)
	number("triggers.runnable", c.Triggers.Runnable, 0, 1e6, "goroutines to a processor; 0 to switch it off")
	number("triggers.cpu_share", c.Triggers.CPUShare, 0, 1, "a share, 0 to 1; 0 to switch it off")
}

// headroom is how much of the capacity turns are given for, so that what waits
// gets less.
const headroom = 0.95

// interval is the time between two turns.
func (c *QueueConfig) interval() time.Duration {
	return time.Duration(float64(time.Second) / (headroom * c.Capacity))
}

// pending is how many sessions may be pending.
func (c *QueueConfig) pending() int {
	if c.Pending > 0 {
		return c.Pending
	}
	return max(int(c.Capacity), 1)
}

// few is how many sessions may be pending while there is nothing to fear: a
// tenth.
func (c *QueueConfig) few() int { return max(c.pending()/10, 1) }
