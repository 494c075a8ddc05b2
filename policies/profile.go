package policies

import "time"

// Profile is a robot's limits. Of every rule a zero limit means "off". Profiles
// are values: a change is a new Profile.
type Profile struct {
	Name          string // as robots are registered with
	About         string // one line for people
	Pace          Pace
	Ratio         []Ratio
	Burst         Burst
	Sustained     []Sustained
	LimitsQuery   Sustained // the cap of the limits query itself, which Sustained does not count
	Depth         Depth
	Amplification Amplification
	Human         Human
	Hold          Hold
	Remote        Remote
	Action        Action        // what convicts a loop does to the robot chosen
	Cooldown      time.Duration // how long after an eviction a person needs an override to bring the robot back
	Readmit       Readmit
	WarnAt        float64  // share of a limit at which the robot is warned, 0.8
	DryRun        []string // rules, or families of rules, that are decided and recorded but not carried out
	Delivery      Delivery
}

// Pace spaces the bundles to one seat.
type Pace struct {
	MinInterval time.Duration // between two bundles to one seat, and two robot-lane answers cannot be closer
	Merge       time.Duration // from the first pending delta to the bundle
}

// Count tells which bundles a ratio rule counts.
type Count string

// What a ratio rule may count.
const (
	CountAll   Count = "all"   // every bundle
	CountCycle Count = "cycle" // robot-lane bundles, on a seat that lies on a cycle of exact links
)

// Ratio is a limit on the share of bundles that a robot answers.
type Ratio struct {
	Window    time.Duration
	Max       float64 // 0 to 1; the rule fires above it
	MinEvents int     // bundles in the window below which it does not fire
	Count     Count
	Act       bool // false: warn and show, never act
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

// Hold is the test of chains whose links are assumed: the robot lane is held,
// and a robot that then falls silent depended on it.
type Hold struct {
	Depth       int           // depth of a chain with assumed links that starts a test
	MinFor      time.Duration // a hold lasts at least this
	Expected    int           // and so long that the robot would have written this often
	Independent float64       // share of its old rate at which it is cleared
	Writes      int           // expected writes that clearing needs
	MaxFor      time.Duration // a hold lasts at most this
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

// Delivery is how bundles are sent to the robot.
type Delivery struct {
	Timeout  time.Duration // for one delivery and its answer
	MaxBody  int           // bytes of an answer
	MaxOps   int           // operations of an answer
	Attempts int           // before the breaker opens
	Backoff  time.Duration // before the second attempt, doubled with each
	MaxWait  time.Duration // between two attempts
}
