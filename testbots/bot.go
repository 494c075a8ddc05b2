package testbots

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/robots/kit"
)

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
	Server string        // base URL of the server's active API; "": the one its bundles name, which then must be signed
	Key    string        // the robot's key, for bots that call the active API
	Every  time.Duration // how often Ticker writes; 0: every 5 s
	Logger *slog.Logger  // nil: silent
}

// Bot is a robot as an HTTP handler. Build one with New.
type Bot struct {
	kind    kind
	options Options
	log     *slog.Logger
	robot   *kit.Robot
	mux     *http.ServeMux
	count   atomic.Int64 // answers so far: makes every answer a real change

	notes chan note // what Looper means to write

	mu     sync.Mutex
	places map[string]*place // by wavelet, for bots that write unasked
}

// kind is what makes a bot what it is.
type kind struct {
	name  string
	about string
	hears []kit.EventType
	// hear answers a bundle. It may be nil for a bot that is only told that it
	// was added.
	hear func(*Bot, *kit.Bundle, *kit.Reply)
	// serve answers the request itself, in place of hear, for bots that break
	// the protocol.
	serve func(*Bot, http.ResponseWriter, *http.Request)
	// run is what the bot does unasked, until ctx ends.
	run      func(*Bot, context.Context) error
	needsKey bool // it calls the active API
}

// writing is what bots hear that look at what is written.
func writing() []kit.EventType {
	return []kit.EventType{kit.WaveletSelfAdded, kit.WaveletBlipCreated, kit.DocumentChanged}
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
	b := &Bot{kind: k, options: o, log: o.Logger, mux: http.NewServeMux(), notes: make(chan note, 16), places: map[string]*place{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	// The server's limits are to be seen, not the kit's.
	b.robot = kit.NewWith(kit.Options{Key: o.Key, Server: o.Server, Unsigned: o.Server != "", Unlimited: true, Logger: b.log}, k.name, b.hear, k.hears...)
	b.mux.Handle("/", b.robot)
	if k.serve != nil {
		b.mux.HandleFunc("POST /_wave/robot/jsonrpc", func(w http.ResponseWriter, r *http.Request) { k.serve(b, w, r) })
	}
	return b
}

// ServeHTTP answers the robot's addresses.
func (b *Bot) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Serve runs the bot on l until ctx ends, then closes l and what is in flight.
func (b *Bot) Serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var running error
	if b.kind.run != nil {
		wg.Go(func() { running = b.kind.run(b, ctx) })
	}
	serving := kit.Serve(ctx, l, b)
	stop()
	wg.Wait()
	return errors.Join(serving, running)
}

// hear answers a bundle.
func (b *Bot) hear(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
	b.visit(in)
	if b.kind.hear != nil {
		b.kind.hear(b, in, out)
	}
	b.log.Info("bundle", "bot", b.kind.name, "wavelet", in.Wavelet.WaveID+"/"+in.Wavelet.WaveletID,
		"events", len(in.Events), "operations", len(out.Operations()))
	return nil
}
