package web

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"weir/admission"
	"weir/admission/blocks"
	"weir/admission/bounds"
	"weir/admission/lending"
	"weir/admission/settings"
	"weir/gateway"
	"weir/governor/decisions"
	"weir/governor/traffic"
	"weir/policies"
	"weir/policies/book"
	"weir/robots"
	"weir/robots/grants"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/host"
	"weir/wavelet/reading"
	"weir/wavelet/sharing"
	"weir/web/logins"
)

// Host is the part of the wavelet host that people work through.
type Host interface {
	// SubmitHuman commits a person's delta and labels it as such; a delta id
	// seen before returns the first commit. A delta that comes to nothing is
	// answered with the head's version and no ops.
	SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error)
	// Import commits a delta that was written elsewhere, of unknown origin.
	Import(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error)
	// Create makes a wavelet with its author and others in it, and a root blip.
	Create(ctx context.Context, name wavelet.Name, author wavelet.Participant, others ...wavelet.Participant) (wavelet.Commit, error)
	// Snapshot is the state at a version, or at the head for the greatest one.
	Snapshot(ctx context.Context, name wavelet.Name, v wavelet.Version) (*wavelet.State, error)
	// Read yields the commits after a version, in order, up to the head.
	Read(ctx context.Context, name wavelet.Name, from wavelet.Version) iter.Seq2[wavelet.Commit, error]
	// Resolve tells whether a delta was committed, and as what.
	Resolve(ctx context.Context, name wavelet.Name, id wavelet.DeltaID) (wavelet.Commit, bool, error)
	// Stats counts what the host has done.
	Stats() host.Stats
	// Summaries yields what is known of the wavelets that p takes part in.
	Summaries(ctx context.Context, p wavelet.Participant) iter.Seq2[host.Summary, error]
}

// Gateway is the part of the robots' gateway that people and operators ask.
type Gateway interface {
	EditDone(name wavelet.Name, who wavelet.Participant, blip wavelet.BlipID)
	Readmit(ctx context.Context, seat wavelet.Seat, by wavelet.Participant, override bool) error
	Limits(robot wavelet.Participant) policies.Limits
	// Admit lets a request of a robot in, or refuses it.
	Admit(ctx context.Context, robot wavelet.Participant, limitsQuery bool) error
	Resume(robot wavelet.Participant)
	Stats() gateway.Stats
	Decisions() *decisions.Log
}

// RobotAPI is the robots' own doors: the active API, and their view of their
// limits, which admin may have too.
type RobotAPI interface {
	http.Handler
	ServeLimits(admin func(*http.Request) bool) http.Handler
}

// Deps is what a Server needs. Host, Gateway, Robots, Profiles, Auth and Domain
// are required.
type Deps struct {
	Host      Host
	Gateway   Gateway
	Robots    *robots.Directory
	Profiles  func() policies.Set // those in force now
	Policies  *book.Book          // where Profiles come from; nil: they cannot be changed here
	Settings  *settings.Book      // of admission; nil: they cannot be changed here
	Traffic   *traffic.Log        // recorded for trying policies; nil: they cannot be tried
	Auth      *Authenticator
	Domain    string            // of the wavelets made here
	RPC       RobotAPI          // nil: the robots' own doors are closed
	Data      http.Handler      // the data API; nil: it is closed
	MCP       http.Handler      // the door for language-model agents; nil: it is closed
	Grants    *grants.Book      // what people have allowed programs; nil if Data is
	Blocks    *blocks.Book      // who is not let in, which Auth asks too; nil: nobody is kept out
	Links     *sharing.Book     // share links; nil: nothing is shared by link
	Logins    *logins.Book      // marks of revoked logins, which Auth asks too; nil: they cannot be revoked here
	Work      *bounds.Work      // the room for work under way, shared with RPC and Data; nil: the server makes its own
	Lender    lending.Lender    // of the limits over all nodes; nil: this is the only one
	Bodies    *bounds.Bodies    // the room for large bodies; nil: only each by itself is bounded
	Files     *attachment.Shelf // nil: nothing can be attached
	Reading   *reading.Marks    // nil: nothing is noted as read
	Origins   []string          // hosts whose pages may open a socket, beside this server's own
	Version   string            // of the server, told to clients
	Handshake time.Duration     // for the connect frame of a socket; 0: 5 s
	Ready     func() error      // why the server cannot take work now; nil: it always can
	Logger    *slog.Logger      // nil: silent
}

// Server is the HTTP edge. It is an http.Handler and, so that sockets hear of
// commits, an observer of the host.
type Server struct {
	d        Deps
	handler  http.Handler
	tickets  *tickets
	hub      *hub
	sockets  sockets
	leases   leases
	chores   chores
	counters counters
	refusals refusals
	limits   *limits
	settings atomic.Pointer[admission.Config]
	gate     gate
	queue    *admission.Queue
	known    known // robots who need not wait
	watching sync.WaitGroup
	traces   traces
	readers  readers
	streams  atomic.Int64 // of decisions, open now
	trying   atomic.Bool  // policies, now
	ctx      context.Context
	end      context.CancelFunc
}

// counters count what happens at the edge.
type counters struct {
	tickets, denied, frames, malformed, published, resyncs, slow atomic.Uint64
}

// New makes a server. Its Committed must be told of the host's commits (host's
// Observe) before the first request, and Close be called after the last.
func New(d Deps) *Server {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Handshake <= 0 {
		d.Handshake = handshakeTime
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{d: d, tickets: newTickets(), hub: newHub(d.Host.Read), limits: newLimits(d.Lender), ctx: ctx, end: cancel}
	if s.d.Work == nil {
		s.d.Work = bounds.NewWork(admission.DefaultConcurrency())
	}
	s.d.Work.OnRefused(func(reason string) { s.refusals.add("concurrency", reason) })
	s.queue = admission.NewQueue(admission.QueueConfig{}, newKey(), 0)
	s.SetAdmission(admission.Default())
	if d.Bodies != nil {
		d.Bodies.OnRefused(func() { s.refusals.add("memory", "full") })
	}
	if d.Blocks != nil {
		d.Blocks.OnChange(s.blockChanged)
	}
	s.handler = s.routes()
	s.watching.Go(s.watch)
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	heard(r)
	s.handler.ServeHTTP(w, r)
}

// Committed takes note of a commit, for the sockets. It never blocks.
func (s *Server) Committed(c wavelet.Commit) {
	s.disown(c)
	s.hub.Committed(c)
}

// Close tells every socket that the server is going down and waits until they
// are closed. An http.Server's Shutdown does not: it knows no sockets.
func (s *Server) Close() error {
	s.sockets.closeAll()
	s.hub.keepers.Wait()
	s.end()
	s.chores.close()
	s.watching.Wait()
	s.limits.spender.Close()
	return nil
}

// ready reports why the server cannot take work, nil if it can.
func (s *Server) ready() error {
	if s.ctx.Err() != nil {
		return errors.New("the server is going down")
	}
	if s.d.Ready != nil {
		return s.d.Ready()
	}
	return nil
}
