package robots

import (
	"time"

	"weir/admission"
	"weir/policies"
	"weir/wavelet"
)

// MaxConnections is the limit's name where limits are told.
const MaxConnections = "maxConnections"

// Connections is how many connections of a robot stand, and how many may; 0 for
// any number.
func (d *Directory) Connections(id wavelet.Participant) (active, most int) {
	c, profile, ok := d.connectionsOf(id)
	if !ok {
		return 0, 0
	}
	return c.Active(), profile.MaxConnections
}

// Connect takes a place for a connection of a robot, whichever side opens it,
// until leave is called. It counts no more of them than the robot's profile
// allows; the refusal is of CodeConnections, and noted in the log.
func (d *Directory) Connect(id wavelet.Participant) (leave func(), err error) {
	c, profile, ok := d.connectionsOf(id)
	if !ok {
		return nil, unknown(id)
	}
	c.SetMaximum(profile.MaxConnections)
	if c.Enter() {
		return c.Leave, nil
	}
	total, most := c.Active(), c.Maximum()
	if untold, tell := c.Refused(time.Now()); tell {
		d.o.Logger.Warn("too many connections", "robot", id, "total", total, "maximum", most, "untold", untold)
	}
	r := refuse(CodeConnections, "connections", "close some, or wait until one is free", "%s has %d connections already, and may have %d", id, total, most)
	r.Limit, r.RetryAfter = MaxConnections, time.Second
	return nil, r
}

// connectionsOf is the count of a robot's connections, or of a person's
// programs', and the profile that bounds it; false if there is no such robot.
func (d *Directory) connectionsOf(id wavelet.Participant) (*admission.Connections, policies.Profile, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := PersonOf(id); ok {
		if d.programs[id] == nil {
			d.programs[id] = &admission.Connections{}
		}
		profile, _ := d.programsProfile(id)
		return d.programs[id], profile, true
	}
	e := d.robots[id]
	if e == nil || e.removed {
		return nil, policies.Profile{}, false
	}
	profile, _ := d.profile(e.Robot)
	return e.connections, profile, true
}
