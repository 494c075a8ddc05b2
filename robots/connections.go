package robots

import (
	"time"

	"weir/wavelet"
)

// Connect takes a place for a connection of a robot, whichever side opens it,
// until leave is called. It counts no more of them than the robot's profile
// allows; the refusal is of CodeConnections, and noted in the log.
func (d *Directory) Connect(id wavelet.Participant) (leave func(), err error) {
	d.mu.Lock()
	e := d.robots[id]
	if e == nil || e.removed {
		d.mu.Unlock()
		return nil, unknown(id)
	}
	profile, _ := d.profile(e.Robot)
	c := e.connections
	d.mu.Unlock()
	c.SetMaximum(profile.MaxConnections)
	if c.Enter() {
		return c.Leave, nil
	}
	total, most := c.Active(), c.Maximum()
	if untold, tell := c.Refused(time.Now()); tell {
		d.o.Logger.Warn("too many connections", "robot", id, "total", total, "maximum", most, "untold", untold)
	}
	r := refuse(CodeConnections, "connections", "close some, or wait until one is free", "%s has %d connections already, and may have %d", id, total, most)
	r.Limit, r.RetryAfter = "maxConnections", time.Second
	return nil, r
}
