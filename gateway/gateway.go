package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"weir/governor"
	"weir/governor/decisions"
	"weir/governor/traffic"
	"weir/wavelet"
)

// Gateway serves the robots of one node.
type Gateway struct {
	host   Host
	roster Roster
	gov    *traffic.Recorder
	o      Options
	clock  clock
	signer signer
	keeper keeper
	failed error // of New, for Run to return

	wake    chan struct{}  // the agenda has a new first entry
	called  chan struct{}  // there is something in errands
	chores  chan struct{}  // there is something in loading or changed
	flights sync.WaitGroup // bundles and evictions under way

	mu       sync.Mutex
	seats    map[wavelet.Seat]*seat
	rooms    map[wavelet.Name]*room
	robots   map[wavelet.Participant]*robot
	agenda   agenda
	dirty    []*seat // whose records are to be written
	loading  []*seat // to be brought up to the head
	errands  []errand
	evicting int

	news    sync.Mutex                   // its own, so that a Roster may call RobotChanged with a mutex held
	changed map[wavelet.Participant]bool // robots that RobotChanged named
}

// New returns a gateway that serves the robots of r in the wavelets of h, under
// the rules of gov. It takes up what a gateway before it left in kv: the
// governor's counts and the seats. Tell the host about it, call RobotChanged for
// every robot that is registered, and Run it.
func New(h Host, r Roster, gov *governor.Governor, kv Store, o Options) *Gateway {
	o = o.withDefaults()
	if len(o.Secret) == 0 {
		o.Secret = make([]byte, 32)
		rand.Read(o.Secret)
	}
	g := &Gateway{
		host:    h,
		roster:  r,
		gov:     traffic.Record(gov, o.Traffic),
		o:       o,
		clock:   clock{base: o.Epoch, scale: o.TimeScale},
		signer:  signer{o.Secret},
		keeper:  keeper{kv: kv},
		wake:    make(chan struct{}, 1),
		called:  make(chan struct{}, 1),
		chores:  make(chan struct{}, 1),
		seats:   map[wavelet.Seat]*seat{},
		rooms:   map[wavelet.Name]*room{},
		robots:  map[wavelet.Participant]*robot{},
		changed: map[wavelet.Participant]bool{},
	}
	log, err := decisions.Open(kv, decisions.Options{Count: o.Decisions, Bytes: o.DecisionBytes, Logger: o.Logger})
	g.keeper.log = log
	if err == nil {
		err = g.load()
	}
	if err != nil {
		g.failed = fmt.Errorf("take up the gateway's records: %w", err)
	}
	return g
}

// Run serves the robots until ctx ends; then it calls back what is under way,
// saves everything, and returns when all is quiet. What was in flight is sent
// again after the next start. Its error is that of New, or of the last saving.
func (g *Gateway) Run(ctx context.Context) error {
	if g.failed != nil {
		return g.failed
	}
	var loops sync.WaitGroup
	loops.Go(func() { g.schedule(ctx) })
	loops.Go(func() { g.runErrands(ctx) })
	loops.Go(func() { g.doChores(ctx) })
	loops.Go(func() { g.keep(ctx) })
	loops.Go(func() { g.keeper.log.Run(ctx) })
	loops.Wait()
	g.flights.Wait()
	return g.save(context.WithoutCancel(ctx))
}

// Decisions is the log of what the governor decided.
func (g *Gateway) Decisions() *decisions.Log { return g.keeper.log }
