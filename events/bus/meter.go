package bus

import "time"

// burst is for how many seconds a robot may publish at its full rate at once.
const burst = 5

// meter measures what the connections of a robot publish, all together: it fills
// by what they send and empties at the rate that is allowed.
type meter struct {
	at          time.Time
	msgs, bytes float64
	owed        float64 // answers that it was asked for: those are not its own doing
}

func newMeter(now time.Time) *meter { return &meter{at: now} }

// over adds what was published since and reports whether that is too much.
func (m *meter) over(now time.Time, msgs, bytes float64, o Options) bool {
	asked := min(m.owed, msgs)
	m.owed -= asked
	msgs -= asked
	passed := now.Sub(m.at).Seconds()
	m.at = now
	m.msgs = max(0, m.msgs-passed*o.Messages) + msgs
	m.bytes = max(0, m.bytes-passed*o.Bytes) + bytes
	if m.msgs <= burst*o.Messages && m.bytes <= burst*o.Bytes {
		return false
	}
	m.msgs, m.bytes = 0, 0 // whoever comes back begins anew
	return true
}

// maxOwed is how many answers a robot can owe.
const maxOwed = 10_000

// ask notes that the robot was asked for an answer.
func (m *meter) ask() { m.owed = min(m.owed+1, maxOwed) }
