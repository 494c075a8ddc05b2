package testbots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxBundle is the largest request body that a bot reads, in bytes.
const maxBundle = 16 << 20

// Errors of New.
var (
	// ErrKind says that there is no bot of the kind asked for.
	ErrKind = errors.New("no such bot")
	// ErrNoKey says that the bot calls the active API and was given no key.
	ErrNoKey = errors.New("needs the robot's key, which registering it showed")
)

// Options tell a bot what it cannot hear from a bundle. The zero Options serve
// every bot that only answers.
type Options struct {
	Server string        // base URL of the server's active API; "": the one its bundles name
	Key    string        // the robot's key, for bots that call the active API
	Every  time.Duration // how often Ticker writes; 0: every 5 s
	Logger *slog.Logger  // nil: silent
}

// Bot is a robot as an HTTP handler. Build one with New.
type Bot struct {
	kind    kind
	options Options
	log     *slog.Logger
	mux     *http.ServeMux
	count   atomic.Int64 // answers so far: makes every answer a real change

	notes chan note // what Looper means to write

	mu     sync.Mutex
	places map[string]*place // by wavelet, for bots that write unasked
}

// kind is what makes a bot what it is.
type kind struct {
	name   string
	about  string
	events []string // event types it asks for
	// hear answers a bundle. It may be nil for a bot that is only told that it
	// was added.
	hear func(*Bot, *Bundle, *Reply) error
	// serve answers the request itself, in place of hear, for bots that break
	// the protocol.
	serve func(*Bot, http.ResponseWriter, *http.Request)
	// run is what the bot does unasked, until ctx ends.
	run      func(*Bot, context.Context) error
	needsKey bool // it calls the active API
}

// kinds are all the bots, in the order help shows them.
func kinds() []kind {
	return []kind{echo(), spelly(), translator(), ticker(), looper(), crasher(), sleeper()}
}

// Kind names a bot and says in a line what it does.
type Kind struct{ Name, About string }

// Kinds lists the bots there are.
func Kinds() []Kind {
	var list []Kind
	for _, k := range kinds() {
		list = append(list, Kind{k.name, k.about})
	}
	return list
}

// New makes the bot of the kind called name. The error is ErrKind, with the
// names there are, or says which option the bot needs.
func New(name string, o Options) (*Bot, error) {
	var names []string
	for _, k := range kinds() {
		if k.name == name && k.needsKey && o.Key == "" {
			return nil, fmt.Errorf("%s: %w", name, ErrNoKey)
		}
		if k.name == name {
			return newBot(k, o), nil
		}
		names = append(names, k.name)
	}
	return nil, fmt.Errorf("%w: %q; there are %s", ErrKind, name, strings.Join(names, ", "))
}

func newBot(k kind, o Options) *Bot {
	b := &Bot{kind: k, options: o, log: o.Logger, notes: make(chan note, 16), places: map[string]*place{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.mux = http.NewServeMux()
	b.mux.HandleFunc("GET /_wave/capabilities.xml", b.capabilities)
	b.mux.HandleFunc("GET /_wave/robot/profile", b.profile)
	b.mux.HandleFunc("POST /_wave/robot/jsonrpc", b.bundle)
	return b
}

// ServeHTTP answers the robot's addresses.
func (b *Bot) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Answers is how many bundles and ticks the bot has answered.
func (b *Bot) Answers() int64 { return b.count.Load() }

// Serve runs the bot on l until ctx ends, then closes l and what is in flight.
func (b *Bot) Serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler:           b,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	var wg sync.WaitGroup
	var running, serving error
	if b.kind.run != nil {
		wg.Go(func() { running = b.kind.run(b, ctx) })
	}
	wg.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		serving = fmt.Errorf("serve %s on %s: %w", b.kind.name, l.Addr(), err)
	}
	stop()
	wg.Wait()
	return errors.Join(serving, running)
}

// capabilities says which events the bot wants, with every blip of the wavelet
// beside them, since the bot looks for its own.
func (b *Bot) capabilities(w http.ResponseWriter, r *http.Request) {
	var s strings.Builder
	s.WriteString(`<?xml version="1.0"?>` + "\n")
	s.WriteString(`<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">` + "\n")
	fmt.Fprintf(&s, "<w:version>%s</w:version>\n<w:protocolversion>0.22</w:protocolversion>\n<w:capabilities>\n", b.version())
	for _, e := range b.kind.events {
		fmt.Fprintf(&s, `<w:capability name="%s" context="ALL"/>`+"\n", html.EscapeString(e))
	}
	s.WriteString("</w:capabilities>\n</w:robot>\n")
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, s.String())
}

// version is the capabilities hash, which changes when the events do.
func (b *Bot) version() string { return fmt.Sprintf("%s-%d", b.kind.name, len(b.kind.events)) }

func (b *Bot) profile(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, map[string]string{"name": b.kind.name, "imageUrl": "", "profileUrl": ""})
}

// bundle reads a bundle and answers it.
func (b *Bot) bundle(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBundle)
	if b.kind.serve != nil {
		b.kind.serve(b, w, r)
		return
	}
	var in Bundle
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "read bundle: "+err.Error(), http.StatusBadRequest)
		return
	}
	reply := NewReply(in.Wavelet)
	reply.ops = append(reply.ops, Operation{Method: "robot.notify", ID: "op0",
		Params: map[string]any{"capabilitiesHash": b.version(), "protocolVersion": "0.22"}})
	b.visit(&in)
	if b.kind.hear != nil {
		if err := b.kind.hear(b, &in, reply); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	b.log.Info("bundle", "bot", b.kind.name, "wavelet", in.Wavelet.WaveID+"/"+in.Wavelet.WaveletID,
		"events", len(in.Events), "operations", len(reply.ops)-1)
	writeJSON(w, reply.Operations())
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
