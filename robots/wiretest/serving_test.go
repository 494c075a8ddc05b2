package wiretest_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/robots"
	"weir/robots/rpc"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/robots/wiretest"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

const ann = wavelet.Participant("ann@example.com")

// house is a server with its robots, with a clock ten times as fast as the
// real one.
type house struct {
	t         *testing.T
	host      *host.Host
	gateway   *gateway.Gateway
	governor  *governor.Governor
	directory *robots.Directory
	name      wavelet.Name
	rpcURL    string
	happened  chan bool // holds a token if something has
}

// Committed implements host.Observer.
func (h *house) Committed(wavelet.Commit) { h.stir() }

func (h *house) stir() {
	select {
	case h.happened <- true:
	default:
	}
}

type roster struct{ *robots.Directory }

func (r roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return r.InService(id)
}

// patient is the profile of all robots: by their clock they have the time that a
// busy machine takes, and who is put out stays out.
const patient = `version: 1
default: patient
profiles:
  patient:
    extends: default
    cooldown: 24h
    delivery: {timeout: 10m}
`

// build starts a server.
func build(t *testing.T) *house {
	t.Helper()
	memory := store.NewMemory()
	kv, err := robots.NewBucket(memory)
	if err != nil {
		t.Fatal(err)
	}
	door := httptest.NewUnstartedServer(nil)
	h := &house{t: t, host: host.New(host.NewMemoryLog(), host.Options{}), rpcURL: "http://" + door.Listener.Addr().String() + "/robot/rpc", happened: make(chan bool, 1), governor: governor.New(governor.Options{})}
	set, err := policies.Parse([]byte(patient), "patient.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h.directory, err = robots.Open(t.Context(), kv, robots.Options{
		Domain: "example.com", Profiles: func() policies.Set { return set }, Guard: wire.Guard{Allow: wire.Loopback()}, RPCServerURL: h.rpcURL,
		Vault: sealed(t), Find: func(ctx context.Context, seat wavelet.Seat) (*wavelet.State, error) { return h.gateway.Find(ctx, seat) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.gateway = gateway.New(h.host, roster{h.directory}, h.governor, memory,
		gateway.Options{TimeScale: 10, Feed: func(gateway.Happening) { h.stir() }})
	h.host.SetGuard(h.gateway)
	h.host.Observe(h.gateway)
	h.host.Observe(h)
	h.directory.OnChange(h.gateway.RobotChanged)
	door.Config.Handler = rpc.New(h.directory, h.gateway, rpc.Options{})
	door.Start()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.gateway.Run(ctx); err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	t.Cleanup(func() {
		door.Close()
		stop()
		running.Wait()
		h.directory.Close()
		if err := h.host.Close(context.Background()); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	return h
}

// robot serves and registers a robot. The test fails if it crashes.
func (h *house) robot(address wavelet.Participant, c *wiretest.Client) (key string) {
	h.t.Helper()
	server := httptest.NewServer(c)
	h.t.Cleanup(func() {
		server.Close()
		for _, crash := range c.Crashes() {
			h.t.Errorf("%s: %s", address, crash)
		}
	})
	_, key, err := h.directory.Register(h.t.Context(), robots.Registration{Address: address, Callback: server.URL})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// wave makes the wavelet that everything happens in.
func (h *house) wave(others ...wavelet.Participant) {
	h.t.Helper()
	h.name = wavelet.NewName("example.com")
	if _, err := h.host.Create(h.t.Context(), h.name, ann, others...); err != nil {
		h.t.Fatal(err)
	}
}

// does has ann do something.
func (h *house) does(ops ...wavelet.Op) {
	h.t.Helper()
	d := wavelet.Delta{Author: ann, Base: h.state().Version(), Ops: ops}
	if _, err := h.host.SubmitHuman(h.t.Context(), h.name, d); err != nil {
		h.t.Fatal(err)
	}
}

// types has ann put text at a place in a blip.
func (h *house) types(blip wavelet.BlipID, at int, text string) {
	h.t.Helper()
	h.does(wavelet.EditBlip{Blip: blip, Delta: richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(text, richtext.Attributes{})})
}

func (h *house) state() *wavelet.State { return h.stateOf(h.name) }

func (h *house) stateOf(name wavelet.Name) *wavelet.State {
	h.t.Helper()
	s, err := h.host.Snapshot(h.t.Context(), name, gateway.Head)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// text is a blip's text without the line end, "" if there is no such blip.
func (h *house) text(blip wavelet.BlipID) string {
	b, ok := h.state().Blip(blip)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(b.Doc.Text(), "\n")
}

// until waits for something to hold.
func (h *house) until(what string, holds func() bool) {
	h.t.Helper()
	timeout := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond) // for what is not told, such as a crash
	defer tick.Stop()
	for !holds() {
		select {
		case <-h.happened:
		case <-tick.C:
		case <-timeout:
			h.t.Fatalf("never: %s; the wavelet reads %q", what, h.state().Text())
		}
	}
}

// sealed is a vault for the robots' keys.
func sealed(t *testing.T) *vault.Vault {
	t.Helper()
	v, err := vault.New([]byte(strings.Repeat("k", vault.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
