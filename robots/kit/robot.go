package kit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxBundle is the largest bundle or response that is read, in bytes.
const maxBundle = 64 << 20

// Handler hears a bundle and writes what it answers into out. The context ends when
// nobody waits for the answer any more; calls made with it are part of the answer.
// Over NATS no robot is told of that: there it ends with overnats.Serve.
// NoReply throws away what is in out. Any other error fails the bundle, which the
// server sends again, with what has happened since.
type Handler func(ctx context.Context, in *Bundle, out *Reply) error

// NoReply is what a handler returns that has nothing to say after all.
var NoReply error = noReply{}

type noReply struct{}

func (noReply) Error() string { return "no reply" }

// ErrBundle says that what arrived is no bundle.
var ErrBundle = errors.New("not a bundle")

// Options of a Robot. The zero Options serve every robot that only answers.
type Options struct {
	// Key is the robot's key, which registering it showed: for calls, and to check
	// that bundles are signed with it. "": it makes none, and checks nothing.
	Key string
	// Unsigned takes bundles without a signature too, although there is a Key: of a
	// server that does not sign. Calls then need Server.
	Unsigned bool
	// URL is the robot's callback as it was registered, over which bundles are
	// signed; "": what requests name, which is good where no proxy stands between.
	URL string
	// Server is the base URL of the server that is called; "": the one that bundles
	// name.
	Server string
	// Context is which blips come along: SELF, SIBLINGS, PARENT, CHILDREN, ROOT or
	// ALL, parted by commas; "": ALL.
	Context string
	// ImageURL and ProfileURL are shown beside the robot's name; "": none.
	ImageURL, ProfileURL string
	// Unlimited has the robot say everything at once, however near its limits are.
	// It will be put out of wavelets where it keeps another robot going.
	Unlimited bool
	// Held is told what an answer would have said that was held back; nil: it is
	// logged.
	Held   func(*Bundle, *Held)
	Client *http.Client // for calls over HTTP; nil: http.DefaultClient
	Logger *slog.Logger // nil: silent
}

// Robot is a robot as an HTTP handler, and as a caller. Build one with New.
type Robot struct {
	name    string
	handler Handler
	events  []EventType
	options Options
	mux     *http.ServeMux
	pace    *pace
	nonces  nonces

	mu     sync.Mutex
	server string // the API that the latest bundle named
	by     Transport
}

// New makes a robot that people see as name, and that hears of the given events.
// Of WaveletSelfAdded it hears in any case. Handler may be nil: then it is silent.
func New(name string, handler Handler, events ...EventType) *Robot {
	return NewWith(Options{}, name, handler, events...)
}

// NewWith is New with options.
func NewWith(o Options, name string, handler Handler, events ...EventType) *Robot {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Context == "" {
		o.Context = "ALL"
	}
	r := &Robot{name: name, handler: handler, events: events, options: o, mux: http.NewServeMux(), pace: newPace()}
	r.mux.HandleFunc("GET /_wave/capabilities.xml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, r.Capabilities())
	})
	r.mux.HandleFunc("GET /_wave/robot/profile", func(w http.ResponseWriter, _ *http.Request) {
		body, _ := json.Marshal(map[string]string{"name": r.name, "imageUrl": o.ImageURL, "profileUrl": o.ProfileURL}) // text only
		writeJSON(w, body)
	})
	r.mux.HandleFunc("POST /_wave/robot/jsonrpc", r.receive)
	return r
}

// ServeHTTP answers the robot's three addresses.
func (r *Robot) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Serve serves the robot on l until ctx ends, then closes l and what is in flight.
func (r *Robot) Serve(ctx context.Context, l net.Listener) error { return Serve(ctx, l, r) }

// Serve serves a handler, such as several robots below one address, on l until ctx
// ends, then closes l and what is in flight.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	ctx, stop := context.WithCancel(ctx)
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	err := server.Serve(l)
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", l.Addr(), err)
}

// Capabilities is the robot's capabilities.xml: what it wants to hear of.
func (r *Robot) Capabilities() string {
	var s strings.Builder
	s.WriteString(`<?xml version="1.0"?>` + "\n")
	s.WriteString(`<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">` + "\n")
	fmt.Fprintf(&s, "<w:version>%s</w:version>\n<w:protocolversion>%s</w:protocolversion>\n<w:capabilities>\n", r.version(), protocol)
	for _, e := range r.events {
		fmt.Fprintf(&s, `<w:capability name="%s" context="%s"/>`+"\n", html.EscapeString(string(e)), html.EscapeString(r.options.Context))
	}
	s.WriteString("</w:capabilities>\n</w:robot>\n")
	return s.String()
}

// Notice is the operation by which a robot says what it wants to hear of, and
// which bundle it answers; nil: none.
func (r *Robot) Notice(in *Bundle) Operation {
	wants := []map[string]string{}
	for _, e := range r.events {
		wants = append(wants, map[string]string{"name": string(e), "context": r.options.Context})
	}
	params := map[string]any{"capabilitiesHash": r.version(), "protocolVersion": protocol, "capabilities": wants}
	if in != nil {
		params["bundle"] = in.Label.Token
	}
	return Operation{Method: "robot.notify", ID: "op0", Params: params}
}

// protocol is the version of the protocol that is spoken.
const protocol = "0.22"

// version is the capabilities hash, which changes when they do.
func (r *Robot) version() string {
	h := fnv.New32a()
	fmt.Fprint(h, r.events, r.options.Context)
	return fmt.Sprintf("kit-%08x", h.Sum32())
}

// receive answers a bundle that was posted.
func (r *Robot) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBundle))
	if err != nil {
		http.Error(w, "read the bundle: "+err.Error(), http.StatusBadRequest)
		return
	}
	if r.options.Key != "" && !r.options.Unsigned {
		if err := r.verify(req, body); err != nil {
			r.options.Logger.Warn("bundle not taken", "robot", r.name, "error", err)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
	}
	answer, err := r.Answer(req.Context(), body)
	switch {
	case errors.Is(err, ErrBundle):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		writeJSON(w, answer)
	}
}

// Answer hears a bundle, as JSON, and returns what the robot answers, as a JSON
// list of operations. It is what serves a robot by another transport than HTTP.
// Whoever calls it has made sure that the bundle is the server's. Errors wrap
// ErrBundle or are the handler's.
func (r *Robot) Answer(ctx context.Context, bundle []byte) ([]byte, error) {
	in := &Bundle{}
	if err := json.Unmarshal(bundle, in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	r.mu.Lock()
	r.server = in.RPCServerURL
	r.mu.Unlock()
	if !r.options.Unlimited {
		r.pace.learn(in.Limits)
		in.held = judge(in)
	}
	out := NewReply(in.Wavelet.WaveID, in.Wavelet.WaveletID)
	notify := r.Notice(in)
	if r.handler != nil {
		err := r.handler(Answering(ctx, in), in, out)
		if err == NoReply {
			out.list.ops = nil
		} else if err != nil {
			r.options.Logger.Warn("bundle failed", "robot", r.name, "error", err)
			return nil, err
		}
	}
	if in.held != nil && writes(out.Operations()) {
		held := *in.held
		held.Operations, out.list.ops = out.Operations(), nil
		r.held(in, &held)
	}
	body, err := json.Marshal(append([]Operation{notify}, out.Operations()...))
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return body, nil
}

// held tells that an answer was held back.
func (r *Robot) held(in *Bundle, h *Held) {
	if r.options.Held != nil {
		r.options.Held(in, h)
		return
	}
	r.options.Logger.Warn("answer held back", "robot", r.name, "wavelet", in.Wavelet.WaveID+"/"+in.Wavelet.WaveletID, "limit", h.Limit, "reason", h.Reason)
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // the server is gone; nobody is left to tell
}
