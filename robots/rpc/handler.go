package rpc

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"weir/admission/bounds"
	"weir/gateway"
	"weir/policies"
	"weir/robots"
	"weir/robots/oauth"
	"weir/robots/wire"
	"weir/wavelet"
)

// Gateway is what calls pass through.
type Gateway interface {
	// Admit lets a request of a robot in, or refuses it whole. LimitsQuery tells
	// that it asks for nothing but limits.
	Admit(ctx context.Context, robot wavelet.Participant, limitsQuery bool) error
	// Submit has a delta committed.
	Submit(ctx context.Context, s gateway.Submission) (gateway.Receipt, error)
	// Find is the newest state of a wavelet, unless the robot was put out of it. One
	// in which it never took part is found too: the operations say that they may
	// not.
	Find(ctx context.Context, seat wavelet.Seat) (*wavelet.State, error)
	// Read is a wavelet as a robot may see it that asks instead of being told.
	Read(ctx context.Context, seat wavelet.Seat) (gateway.Reading, error)
	// Limits is how the robot stands.
	Limits(robot wavelet.Participant) policies.Limits
}

// Options of the robots' doors.
type Options struct {
	// PublicURL is where robots reach the server, without a path. Requests are
	// signed over it. "": what each request names as its host, which is good where
	// nothing stands between.
	PublicURL string
	Now       func() time.Time // the real clock, for timestamps; nil: time.Now
	Nonces    *Nonces          // of signed requests; nil: a restart forgets them
	Work      *bounds.Work     // the room for work under way; nil: it is not bounded
	// Refused is told of each request that is turned away at these doors: by which
	// layer, and why in a word. Nil: nobody counts.
	Refused func(layer, reason string)
	// Called is told of each call that was admitted or refused by a limit: by whom,
	// of how many operations, how long it took, and why it was refused, if it was.
	// Nil: nobody listens.
	Called func(who wavelet.Participant, operations int, took time.Duration, refused string)
	Logger *slog.Logger // nil: silent
}

func (o Options) verifier() verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Nonces == nil {
		o.Nonces, _ = OpenNonces(nil) // which cannot fail
	}
	return verifier{publicURL: o.PublicURL, nonces: o.Nonces, now: o.Now}
}

// Handler serves the active API.
type Handler struct {
	directory *robots.Directory
	gateway   Gateway
	around    wire.Surroundings
	verifier  verifier
	refused   func(layer, reason string)
	work      *bounds.Work
	called    func(who wavelet.Participant, operations int, took time.Duration, refused string)
	log       *slog.Logger
}

// New makes the handler for the robots in d.
func New(d *robots.Directory, g Gateway, o Options) *Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Called == nil {
		o.Called = func(wavelet.Participant, int, time.Duration, string) {}
	}
	if o.Refused == nil {
		o.Refused = func(string, string) {}
	}
	return &Handler{directory: d, gateway: g, verifier: o.verifier(), refused: o.Refused, called: o.Called, work: o.Work, log: o.Logger}
}

// Surround says what operations find beside the wavelets; before, they find
// nothing. It is called before the first request.
func (h *Handler) Surround(s wire.Surroundings) {
	if s.Profile == nil {
		s.Profile = h.directory.Shown
	}
	h.around = s
}

// BundleField is the header field that names the token of the bundle which a
// call answers.
const BundleField = "Weir-Bundle"

// ServeHTTP answers POST /robot/rpc.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	robot, body, wrong := h.authenticate(w, r)
	if wrong == nil {
		wrong = h.blocked(robot.Address)
	}
	if wrong != nil {
		h.deny(w, wrong)
		return
	}
	h.serve(w, r, robotCalls(robot, gateway.ViaActive), body)
}

func suspended() *problem {
	return &problem{http.StatusForbidden, "suspended", "the robot is suspended until the operator of this server resumes it; its limits, which it may still ask for, say more"}
}

// blocked is the refusal of a robot or a person who is blocked, nil of others.
func (h *Handler) blocked(id wavelet.Participant) *problem {
	b, ok := h.directory.Blocked(id)
	if !ok {
		return nil
	}
	return &problem{http.StatusForbidden, codeBlocked, string(id) + " is " + b.String() + "; ask the operator of this server"}
}

// codeBlocked is what a refusal of one who is blocked is called.
const codeBlocked = "blocked"

// deny answers a request that is turned away before anything is done for it.
func (h *Handler) deny(w http.ResponseWriter, wrong *problem) {
	h.count(wrong)
	wrong.write(w)
}

// count tells of a call that is turned away before anything is done for it.
func (h *Handler) count(wrong *problem) {
	if wrong.code == codeBlocked {
		h.refused("block", "robot")
	} else {
		h.refused("robots", wrong.code)
	}
}

// Enter lets a request in that comes to another door over HTTP, by the robot's
// key, and counts its connection until leave is called. Of a robot that is
// suspended too, whose calls see to the rest. Ok is false for one that
// was turned away: it has been answered.
func (h *Handler) Enter(w http.ResponseWriter, r *http.Request) (robot wavelet.Participant, leave func(), ok bool) {
	known, err := h.directory.Authenticate(robots.Bearer(r))
	wrong := badKey(err)
	if wrong == nil {
		wrong = h.blocked(known.Address)
	}
	if wrong != nil {
		h.deny(w, unread(w, wrong))
		return "", nil, false
	}
	leave, ok = h.connect(w, known.Address)
	if ok {
		h.tellLimits(w, known.Address)
	}
	return known.Address, leave, ok
}

// connect counts a connection, or turns its request away.
func (h *Handler) connect(w http.ResponseWriter, id wavelet.Participant) (leave func(), ok bool) {
	leave, err := h.directory.Connect(id)
	if err != nil {
		h.refused("connections", "robot")
		w.Header().Set("Connection", "close") // answered at once, whether or not the rest of the request ever comes
		h.write(w, id, turnedAway(nil, err))
	}
	return leave, err == nil
}

// serve answers a request of one who is known. A nil body is still to be read.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, who caller, body []byte) {
	leave, ok := h.connect(w, who.id)
	if !ok {
		return
	}
	defer leave()
	ops, wrong := operations(w, r, body)
	h.write(w, who.id, h.answer(r.Context(), who, r.Header.Get(BundleField), ops, wrong))
}

// write gives a reply, and tells how the robot stands.
func (h *Handler) write(w http.ResponseWriter, id wavelet.Participant, r reply) {
	h.tellLimits(w, id)
	if r.wrong != nil {
		r.wrong.write(w)
		return
	}
	if r.wait > 0 {
		w.Header().Set("Retry-After", seconds(r.wait))
	}
	writeJSON(w, r.status, r.body)
}

// operations reads what a request asks for. A nil body is still to be read.
func operations(w http.ResponseWriter, r *http.Request, body []byte) ([]wire.Operation, *problem) {
	if body == nil {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody)); err != nil {
			return nil, unreadable(err)
		}
	}
	return decoded(body)
}

// authenticate is the robot that a request comes from, by its key or by its
// signature. The body of a signed request is read by then; else it is nil.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (robot robots.Robot, body []byte, wrong *problem) {
	var err error
	if key := robots.Bearer(r); key != "" || !isSigned(r) {
		if robot, err = h.directory.Authenticate(key); err != nil {
			return robot, nil, unread(w, badKey(err))
		}
	} else if robot, body, wrong = h.signer(w, r); wrong != nil {
		return robot, nil, wrong
	}
	return robot, body, nil
}

// badKey is the problem of a key that err says is nobody's, nil for no error.
func badKey(err error) *problem {
	if err == nil {
		return nil
	}
	return &problem{http.StatusUnauthorized, "bad_key", err.Error()}
}

// signer is the robot that signed a request, and its operations.
func (h *Handler) signer(w http.ResponseWriter, r *http.Request) (robots.Robot, []byte, *problem) {
	s, wrong := h.verifier.read(w, r, func(params url.Values) *problem {
		if !params.Has(oauth.ConsumerKey) {
			return nil
		}
		_, _, err := h.directory.Consumer(params.Get(oauth.ConsumerKey))
		return badKey(err)
	})
	if wrong != nil {
		return robots.Robot{}, nil, wrong
	}
	robot, secret, err := h.directory.Consumer(s.params.Get(oauth.ConsumerKey))
	if err != nil {
		return robots.Robot{}, nil, badKey(err)
	}
	c := oauth.Credentials{Key: string(robot.Address), Secret: secret}
	if wrong = h.verifier.verify(s, c, true); wrong == nil {
		wrong = h.verifier.once(r.Context(), s, c)
	}
	return robot, append([]byte{}, s.operations()...), wrong
}
