package bus

import (
	"sync"

	"weir/wavelet"
)

// Standing is how a robot stands with the server.
type Standing struct {
	Registered, Suspended, Blocked bool
	Profile                        string
}

// standing is how the robots stood when they were last looked at.
type standing struct {
	mu sync.Mutex
	of map[wavelet.Participant]Standing
}

// Know takes down how robots stand, without telling anybody.
func (b *Bus) Know(robots ...wavelet.Participant) {
	if b.o.Standing == nil {
		return
	}
	for _, robot := range robots {
		b.standing.swap(robot, b.o.Standing(robot))
	}
}

func (s *standing) swap(robot wavelet.Participant, next Standing) (old Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[wavelet.Participant]Standing{}
	}
	old = s.of[robot]
	if s.of[robot] = next; !next.Registered {
		delete(s.of, robot)
	}
	return old
}

// RobotChanged throws a robot out that may not stay connected, and tells what has
// changed about it. It is called after every change.
func (b *Bus) RobotChanged(robot wavelet.Participant) {
	if b.gate != nil {
		b.gate.recheck(func(m *member) bool { return m.robot == robot })
	}
	if b.o.Standing == nil {
		return
	}
	next := b.o.Standing(robot)
	old := b.standing.swap(robot, next)
	event := Changed
	switch {
	case !next.Registered && !old.Registered:
		return
	case !next.Registered:
		event = Removed
	case !old.Registered:
		event = Registered
	case next.Suspended != old.Suspended:
		event = Resumed
		if next.Suspended {
			event = Suspended
		}
	case next.Blocked != old.Blocked:
		event = Unblocked
		if next.Blocked {
			event = Blocked
		}
	}
	b.tell(robot, Event{Event: event, Profile: next.Profile})
}

// NetworkBarred throws out who may not stay because of where he comes from. It is
// called after every change of Options.Barred.
func (b *Bus) NetworkBarred() {
	if b.gate != nil {
		b.gate.recheck(func(*member) bool { return true })
	}
}
