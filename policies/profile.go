package policies

import (
	"slices"
	"strings"
	"time"
)

// Profile is a robot's limits. Of every rule a zero limit means "off". Profiles
// are values: a change is a new Profile.
type Profile struct {
	Name           string // as robots are registered with
	About          string // one line for people
	Pace           Pace
	Ratio          []Ratio
	Burst          Burst
	Sustained      []Sustained
	LimitsQuery    Sustained // the cap of the limits query itself, which Sustained does not count
	Depth          Depth
	Amplification  Amplification
	Human          Human
	Hold           Hold
	Remote         Remote
	Action         Action        // what convicts a loop does to the robot chosen
	Cooldown       time.Duration // how long after an eviction a person needs an override to bring the robot back
	Readmit        Readmit
	MaxConnections int      // to and from the robot at once
	WarnAt         float64  // share of a limit at which the robot is warned, 0.8
	DryRun         []string // rules, or families of rules, that are decided and recorded but not carried out
	Delivery       Delivery
}

// Pace spaces the bundles to one seat.
type Pace struct {
	MinInterval time.Duration // between two bundles to one seat
	Merge       time.Duration // from the first pending delta to the bundle
}

// Count tells which bundles a ratio rule counts.
type Count string

// What a ratio rule may count.
const (
	CountAll   Count = "all"   // every bundle
	CountCycle Count = "cycle" // robot-lane bundles, on a seat that lies on a cycle of exact links
)

// Response tells what a rule does when its limit is passed.
type Response string

// The responses, from the mildest.
const (
	RespondShow Response = "show" // in the limits view only
	RespondWarn Response = "warn" // the robot is warned and the warning recorded
	RespondAct  Response = "act"  // warned at WarnAt, then the profile's action
)

// Ratio is a limit on the share of bundles that a robot answers. It fires when
// the share is above Max, with at least MinEvents bundles delivered in the
// window, and deliveries in both its first and its last tenth.
type Ratio struct {
	Window    time.Duration
	Max       float64 // 0 to 1
	MinEvents int
	Count     Count
	Respond   Response
}

// Name is the rule's name in limits and decisions: ratio2m for one that counts
// all bundles, robotRatio2m for one that counts robot-lane bundles.
func (r Ratio) Name() string {
	if r.Count == CountCycle {
		return "robotRatio" + short(r.Window)
	}
	return "ratio" + short(r.Window)
}

// Burst spaces the responses to the active and data API.
type Burst struct {
	Interval time.Duration // a response is held until so long after the previous one
	Waiting  int           // responses held at most; more are refused at once
	Merge    bool          // requests within one interval count as one and are answered together
}

// Sustained is a limit on HTTP requests over a sliding window.
type Sustained struct {
	Window time.Duration
	Max    int
}

// Name is the rule's name in limits and decisions, such as sustained2m.
func (s Sustained) Name() string { return "sustained" + short(s.Window) }

// Depth limits the robot generations since a human, counted in exact links.
type Depth struct {
	Warn     int           // depth at which the robot is warned
	Act      int           // the answer that would reach this depth is refused and triggers the action
	SlowFrom int           // depth from which the robot lane is slowed
	SlowStep time.Duration // spacing of the robot lane at SlowFrom, doubled with each link
	SlowMax  time.Duration // and at most this
}

// Amplification limits the answers that one cause may set off.
type Amplification struct {
	PerCause int // robot-lane answers of all robots to one cause
}

// Human wants a person to speak now and then where robots talk.
type Human struct {
	Within time.Duration // robot-lane answers need a human in the wavelet within so long
}

// Hold is the limit of chains whose links are assumed, for robots do not name
// what they answer. It counts only where holds have shown that the robots depend
// on each other: the robot lane is held for a moment, and a robot that is silent
// meanwhile, and writes when it is sent what waited, answers it.
type Hold struct {
	Depth  int           // the answer that would reach this depth is refused and triggers the action; tests begin at half of it; 0: no test and no limit
	MinFor time.Duration // a hold lasts at least this
	MaxFor time.Duration // and at most this
}

// Remote is the detector of a hidden partner behind bulk inserts of unknown
// origin.
type Remote struct {
	Gap     time.Duration // median gap of an alternation that is suspect
	Score   int           // alternations that make it suspect
	Penalty int           // what a broken alternation costs
	Hold    time.Duration // how long the robot's answers are held
	Holds   int           // silent holds that convict
	Writes  int           // remote writes during a hold that clear
}

// Action is what is done to the robot chosen when a rule convicts.
type Action string

// The actions.
const (
	ActionEvict Action = "evict" // remove it from the wavelet
	ActionCut   Action = "cut"   // deliver the partner's deltas to it no more; then suspend, then evict
)

// Readmit says how an evicted robot may come back.
type Readmit string

// The ways back.
const (
	ReadmitHuman Readmit = "human" // a person adds it again after the cooldown, or at once with an override
	ReadmitAuto  Readmit = "auto"  // after the cooldown anybody who may invite can add it, robots too
	ReadmitNever Readmit = "never" // only an override brings it back
)

// DryRuns reports whether the rule called name, "robotRatio2m" or "depth", is
// only tried: DryRun holds it, or its family, which is its name without the
// window.
func (p *Profile) DryRuns(name string) bool {
	return slices.Contains(p.DryRun, name) || slices.Contains(p.DryRun, family(name))
}

// family is a rule's name without the window at its end.
func family(name string) string {
	if i := strings.IndexAny(name, "0123456789"); i > 0 {
		return name[:i]
	}
	return name
}

// short writes a duration without zero parts: 2m, 500ms, 1h30m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Delivery is how bundles are sent to the robot.
type Delivery struct {
	Timeout  time.Duration // for one delivery and its answer
	MaxBody  int           // bytes of an answer
	MaxOps   int           // operations of an answer
	Attempts int           // before the breaker opens
	Backoff  time.Duration // before the second attempt, doubled with each
	MaxWait  time.Duration // between two attempts
}
