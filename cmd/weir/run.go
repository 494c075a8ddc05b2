package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"weir/admission/blocks"
	"weir/admission/bounds"
	"weir/admission/settings"
	"weir/events/bus"
	"weir/gateway"
	"weir/governor"
	"weir/governor/traffic"
	"weir/policies"
	"weir/policies/book"
	"weir/robots"
	"weir/robots/grants"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/host"
	"weir/wavelet/sharing"
	"weir/web"
	"weir/web/logins"
)

// What is in the data directory beside the secrets.
const (
	storeFile  = "weir.db"
	trafficDir = "traffic"
)

// house is a server: everything that answers requests, built and tied together.
// build makes one that listens, Run starts it and closes it in the reverse
// order of its making.
type house struct {
	config     config
	log        *slog.Logger
	store      *store.File
	policies   *book.Book
	settings   *settings.Book // of admission
	traffic    *traffic.Log   // nil: it is not recorded
	wavelets   *host.StoreLog
	host       *host.Host
	robots     *robots.Directory
	grants     *grants.Book
	logins     *logins.Book
	blocks     *blocks.Book
	links      *sharing.Book
	gateway    *gateway.Gateway
	bodies     *bounds.Bodies
	files      *attachment.Shelf
	bus        *bus.Bus // nil: there is no NATS
	web        *web.Server
	listener   net.Listener
	adminToken string
	newToken   bool // this start made it
}

// shutdownTime is how long requests under way are given when the server stops.
const shutdownTime = 10 * time.Second

// Run serves until ctx ends, then closes everything in the reverse order of its
// making: doors first, the store last.
func (h *house) Run(ctx context.Context) error {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	var wg sync.WaitGroup
	failed := make(chan error, 6)
	start := func(what string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(serving); err != nil {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	edge := h.edge()
	start("robots", h.robots.Run)
	start("gateway", h.gateway.Run)
	start("blocks", h.blocks.Run)
	if h.bus != nil {
		start("nats", h.bus.Run)
	}
	if h.traffic != nil {
		start("traffic", h.traffic.Run)
	}
	start("http", func(context.Context) error {
		if err := edge.Serve(h.web.Listen(h.listener)); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	h.log.Info("closing")
	err = errors.Join(err, h.closeDoors(edge))
	stopServing()
	wg.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	_ = os.Remove(h.addressFile())
	return errors.Join(err, h.closeFloors())
}

// edge is the HTTP server. How long a body and an answer may take is the web
// server's to say, which knows them.
func (h *house) edge() *http.Server {
	return &http.Server{
		Handler:           h.web,
		ConnContext:       h.web.ConnContext,
		ConnState:         h.web.ConnState,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
}

// closeDoors lets nobody in any more and ends what is under way.
func (h *house) closeDoors(edge *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err := h.web.Close()
	if h.bus != nil {
		h.bus.Drain()
	}
	if shut := edge.Shutdown(ctx); shut != nil {
		err = errors.Join(err, shut, edge.Close())
	}
	return err
}

// closeFloors closes what is below the doors, upper floors first.
func (h *house) closeFloors() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	h.robots.Close()
	if h.bus != nil {
		h.bus.Close()
	}
	return errors.Join(h.host.Close(ctx), h.wavelets.Close(ctx), h.closeStore())
}

// closeStore closes what writes into the data directory.
func (h *house) closeStore() error {
	var err error
	if h.traffic != nil {
		err = h.traffic.Close()
	}
	return errors.Join(err, h.store.Close())
}

// robotsChanged has the gateway look at every robot again.
func (h *house) robotsChanged() {
	for _, r := range h.robots.List() {
		h.gateway.RobotChanged(r.Address)
	}
}

// find is the newest state of a wavelet, as a robot may find it.
func (h *house) find(ctx context.Context, seat wavelet.Seat) (*wavelet.State, error) {
	return h.gateway.Find(ctx, seat)
}

// blockChanged has the gateway look again at a robot that is blocked or no
// longer, and NATS at who comes from a network.
func (h *house) blockChanged(b blocks.Block, begins bool) {
	if !begins {
		h.log.Info("block ended", "who", b.Who, "by", b.By, "reason", b.Reason)
	}
	if id, ok := b.Participant(); ok {
		h.robotChanged(id)
	} else if h.bus != nil {
		h.bus.NetworkBarred()
	}
}

// happened tells whoever listens what happens to robots.
func (h *house) happened(what gateway.Happening) {
	if h.config.feed != nil {
		h.config.feed(what)
	}
	h.web.Happened(what)
}

// suspend takes a robot out of service because the governor says so.
func (h *house) suspend(ctx context.Context, robot wavelet.Participant, d governor.Decision) error {
	h.log.Warn("robot suspended", "robot", robot, "rule", d.Rule)
	if _, ok := robots.PersonOf(robot); ok {
		return nil // a person's programs are in no registry; the governor refuses them until they are resumed
	}
	_, err := h.robots.Suspend(ctx, robot)
	return err
}

// roster shows the gateway the robots of the directory, with patience for their
// answers.
type roster struct {
	*robots.Directory
	patience time.Duration
}

// Robot is the robot at an address with its profile, false if it is not in
// service.
func (r roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	to, p, ok := r.InService(id)
	p.Delivery.Timeout = max(p.Delivery.Timeout, r.patience)
	return to, p, ok
}
