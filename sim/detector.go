package sim

import (
	"fmt"
	"strings"
	"time"

	"weir/governor"
	"weir/policies"
	"weir/wavelet"
)

// Detector decides in a run what the governor decides in a server; see
// governor.Governor for what its methods mean. One that also has Checkpoint and
// Restore, as the governor does, is put through restarts.
type Detector interface {
	SetProfile(robot wavelet.Participant, p policies.Profile)
	Commit(now time.Time, c wavelet.Commit) governor.Verdict
	Deliver(now time.Time, d governor.Delivery) governor.Verdict
	Answer(now time.Time, a governor.Answer) governor.Verdict
	Call(now time.Time, robot wavelet.Participant, limitsQuery bool) governor.Verdict
	Cuts(seat wavelet.Seat, author wavelet.Participant) bool
	Banned(now time.Time, seat wavelet.Seat) (policies.SeatNote, bool)
}

// newGovernor makes the governor itself.
func newGovernor(fallback policies.Profile) Detector {
	return governor.New(governor.Options{Default: fallback})
}

// Known is a detector that can be named.
type Known struct {
	Name  string
	About string                                   // one line
	New   func(fallback policies.Profile) Detector // fallback is the profile of robots without one

	MixedLanes bool // it is judged with people's and robots' deltas in the same bundles
}

// Detectors is the governor first, then the guards that it is compared with, and
// then the governor with a part taken out.
func Detectors() []Known {
	known := func(name, about string, d func(policies.Profile) Detector) Known {
		return Known{Name: name, About: about, New: d}
	}
	without := func(name, about string, change func(policies.Profile) policies.Profile) Known {
		return known(name, about, func(p policies.Profile) Detector { return newPart(p, change) })
	}
	mixed := known("mixed-lanes", "the governor, and bundles that hold people's and robots' changes together", newGovernor)
	mixed.MixedLanes = true
	return []Known{
		known("weir", "the governor", newGovernor),
		known("ratio-slots", "answers per slot of the pace: 90 % of 2 min, 70 % of 5 min", func(policies.Profile) Detector { return newRatio(true) }),
		known("ratio-delivered", "answers per bundle delivered: 90 % over 2 min, 70 % over 5 min", func(policies.Profile) Detector { return newRatio(false) }),
		known("pair-guard", "more than 20 answers in 60 s between two robots: 60 s of silence between them", func(policies.Profile) Detector { return newPairGuard() }),
		known("ignore-bots", "no robot hears another", func(policies.Profile) Detector { return ignoreBots{} }),
		without("depth-only", "the sixteenth robot in a row is evicted, nothing else", depthOnly),
		known("none", "nothing at all", func(policies.Profile) Detector { return nothing{} }),
		without("no-hold", "the governor without the hold test", noHold),
		without("no-remote", "the governor without the test of partners on other servers", noRemote),
		without("no-amplification", "the governor without the limit of answers per cause", noAmplification),
		without("no-profiles", "the governor with every robot under the profile default", noProfiles),
		mixed,
	}
}

// FindDetector is the detector with this name; an error lists those that there
// are.
func FindDetector(name string) (Known, error) {
	var all []string
	for _, d := range Detectors() {
		if d.Name == name {
			return d, nil
		}
		all = append(all, d.Name)
	}
	return Known{}, fmt.Errorf("no detector is called %q; there are %s", name, strings.Join(all, ", "))
}

// part is the governor under changed profiles.
type part struct {
	*governor.Governor
	change func(policies.Profile) policies.Profile
}

func newPart(fallback policies.Profile, change func(policies.Profile) policies.Profile) part {
	return part{governor.New(governor.Options{Default: fallback}), change}
}

// SetProfile puts a robot under its profile as changed.
func (p part) SetProfile(robot wavelet.Participant, profile policies.Profile) {
	p.Governor.SetProfile(robot, p.change(profile))
}

func depthOnly(p policies.Profile) policies.Profile {
	p.Ratio, p.Sustained, p.Burst = nil, nil, policies.Burst{}
	p.Amplification, p.Human, p.Hold, p.Remote = policies.Amplification{}, policies.Human{}, policies.Hold{}, policies.Remote{}
	p.Depth, p.Action = policies.Depth{Warn: 8, Act: 16}, policies.ActionEvict
	return p
}

func noHold(p policies.Profile) policies.Profile {
	p.Hold = policies.Hold{}
	return p
}

func noRemote(p policies.Profile) policies.Profile {
	p.Remote = policies.Remote{}
	return p
}

func noAmplification(p policies.Profile) policies.Profile {
	p.Amplification = policies.Amplification{}
	return p
}

func noProfiles(policies.Profile) policies.Profile {
	p, _ := policies.Builtin().Profile("")
	return p
}

// nothing is a detector that lets everything pass, and labels it as the governor
// does a response. Other detectors embed it.
type nothing struct{}

func (nothing) SetProfile(wavelet.Participant, policies.Profile)               {}
func (nothing) Commit(time.Time, wavelet.Commit) (v governor.Verdict)          { return v }
func (nothing) Deliver(time.Time, governor.Delivery) (v governor.Verdict)      { return v }
func (nothing) Call(time.Time, wavelet.Participant, bool) (v governor.Verdict) { return v }
func (nothing) Cuts(wavelet.Seat, wavelet.Participant) bool                    { return false }
func (nothing) Banned(time.Time, wavelet.Seat) (policies.SeatNote, bool) {
	return policies.SeatNote{}, false
}

func (nothing) Answer(_ time.Time, a governor.Answer) (v governor.Verdict) {
	v.Cause = wavelet.Cause{ID: string(a.Delta), Depth: 1, Kind: wavelet.Robot}
	if c := a.Named.Cause; a.Named.Bundle != "" {
		v.Cause = wavelet.Cause{ID: c.ID, Depth: c.Depth + 1, Exact: c.Exact + 1, Parent: a.Named.Author, Bundle: a.Named.Bundle, Kind: wavelet.Robot}
	}
	return v
}

// ignoreBots lets no robot hear another.
type ignoreBots struct{ nothing }

// Cuts cuts everybody off from every robot here. It is not asked about people
// here, and who is a robot elsewhere it does not know.
func (ignoreBots) Cuts(_ wavelet.Seat, author wavelet.Participant) bool {
	return strings.HasSuffix(string(author), "@"+Domain)
}
