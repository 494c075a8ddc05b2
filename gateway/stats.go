package gateway

import (
	"cmp"
	"slices"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// Stats is a snapshot of what the gateway does and has done since it was made.
type Stats struct {
	Seats       int
	InFlight    int
	Evicting    int // acts whose notices are not yet committed
	Decisions   uint64
	Checkpoints uint64
	SaveErrors  uint64 // savings that failed and were tried again
	Robots      []RobotStats
}

// RobotStats is the part of one robot, over all its wavelets. Robots come in
// order of their addresses.
type RobotStats struct {
	Robot   wavelet.Participant
	Profile string
	Seats   int

	HumanBundles uint64 // delivered in the human lane, each counted once
	RobotBundles uint64
	RawDeltas    uint64 // that were merged into those
	Events       uint64
	Silent       uint64 // windows in which nothing had changed
	Answered     uint64 // bundles whose response changed a wavelet
	Committed    uint64 // deltas, by whatever door
	Refused      uint64 // deltas
	Calls        uint64 // HTTP requests of the active and data API
	CallsRefused uint64
	Retries      uint64 // deliveries that were not the first of their bundle
	Failures     uint64 // deliveries that failed
	Warnings     uint64
	Holds        uint64 // deliveries put off by the governor
	Evictions    uint64

	Waiting      int // deltas not yet told
	InFlight     int
	OpenBreakers int
	Banned       int     // seats
	Depth        int     // of the latest answer, the deepest of its seats
	Ratio        float64 // the highest of its seats
	Tokens       policies.Tokens
	LagSum       time.Duration // from the first delta of a human-lane bundle until it was sent
	LagMax       time.Duration
}

// Delivered is how many bundles the robot has taken.
func (r RobotStats) Delivered() uint64 { return r.HumanBundles + r.RobotBundles }

// Stats counts.
func (g *Gateway) Stats() Stats {
	now := g.clock.now()
	g.mu.Lock()
	st := Stats{Seats: len(g.seats), Evicting: g.evicting}
	var seats []wavelet.Seat
	for _, r := range g.robots {
		rs := r.stats
		rs.Profile, rs.Seats, rs.InFlight = r.profile.Name, len(r.seats), r.inFlight
		for s := range r.seats {
			rs.Waiting += s.lane.Waiting()
			if s.lane.BreakerOpen() {
				rs.OpenBreakers++
			}
			seats = append(seats, s.Seat)
		}
		st.InFlight += r.inFlight
		st.Robots = append(st.Robots, rs)
	}
	g.mu.Unlock()
	slices.SortFunc(st.Robots, func(a, b RobotStats) int { return cmp.Compare(a.Robot, b.Robot) })
	g.read(now, &st, seats)
	k := &g.keeper
	k.mu.Lock()
	st.Checkpoints, st.SaveErrors = k.saved, k.failed
	k.mu.Unlock()
	st.Decisions = k.log.Stats().Added
	return st
}

// read adds what the governor knows.
func (g *Gateway) read(now time.Time, st *Stats, seats []wavelet.Seat) {
	at := make(map[wavelet.Participant]*RobotStats, len(st.Robots))
	for i := range st.Robots {
		at[st.Robots[i].Robot] = &st.Robots[i]
	}
	for _, id := range seats {
		r := g.gov.Reading(now, id)
		rs := at[id.Robot]
		rs.Depth = max(rs.Depth, r.Depth)
		rs.Ratio = max(rs.Ratio, r.Ratio)
	}
	for i := range st.Robots {
		l := g.gov.Limits(now, st.Robots[i].Robot)
		st.Robots[i].Banned, st.Robots[i].Tokens = len(l.Evicted), l.Tokens
	}
}
