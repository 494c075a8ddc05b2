package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/robots"
	"weir/robots/mcp"
	"weir/robots/rpc"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	ann   = wavelet.Participant("ann@example.com")
	agent = wavelet.Participant("agent@example.com")
	other = wavelet.Participant("other@example.com")
)

// house is everything behind the door.
type house struct {
	t         *testing.T
	host      *host.Host
	gateway   *gateway.Gateway
	directory *robots.Directory
	url       string
}

type roster struct{ *robots.Directory }

func (r roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return r.InService(id)
}

// profiles are the built-in ones and a tiny one: five requests an hour.
func profiles(t *testing.T) func() policies.Set {
	set, err := policies.Parse([]byte(`version: 1
profiles:
  tiny:
    about: For tests.
    extends: default
    burst: {interval: 0s, waiting: 0}
    sustained:
      - {window: 1h, max: 5}
`), "tiny.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return func() policies.Set { return set }
}

// build is a house with a clock ten times as fast as the real one.
func build(t *testing.T) *house {
	t.Helper()
	return buildAt(t, 10)
}

// buildAt is a house with a clock so many times as fast as the real one.
func buildAt(t *testing.T, scale float64) *house {
	t.Helper()
	memory := store.NewMemory()
	kv, err := robots.NewBucket(memory)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := robots.Open(t.Context(), kv, robots.Options{Domain: "example.com", Profiles: profiles(t)})
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.NewMemoryLog(), host.Options{})
	g := gateway.New(h, roster{directory}, governor.New(governor.Options{}), memory, gateway.Options{TimeScale: scale, Server: "weir@example.com"})
	h.SetGuard(g)
	h.Observe(g)
	directory.OnChange(g.RobotChanged)
	mux := http.NewServeMux()
	mux.Handle("POST /mcp", mcp.New(rpc.New(directory, g, rpc.Options{}), g, mcp.Options{Waves: h.Summaries, Version: "1"}))
	server := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.Run(ctx); err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	t.Cleanup(func() {
		server.Close()
		stop()
		running.Wait()
		directory.Close()
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("host: %v", err)
		}
	})
	return &house{t, h, g, directory, server.URL + "/mcp"}
}

// register registers a robot and gives its key.
func (h *house) register(id wavelet.Participant, profile string) string {
	h.t.Helper()
	_, key, err := h.directory.Register(h.t.Context(), robots.Registration{Address: id, Profile: profile})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// wave makes a wavelet of ann's with others in it.
func (h *house) wave(id string, others ...wavelet.Participant) wavelet.Name {
	h.t.Helper()
	name := wavelet.Name{Wave: "example.com!w+" + id, Wavelet: "example.com!conv+root"}
	if _, err := h.host.Create(h.t.Context(), name, ann, others...); err != nil {
		h.t.Fatal(err)
	}
	return name
}

// says has ann write a message.
func (h *house) says(name wavelet.Name, text string) wavelet.BlipID {
	h.t.Helper()
	return h.writes(name, wavelet.NewBlipID(), text)
}

// writes has ann write a blip that is called so.
func (h *house) writes(name wavelet.Name, id wavelet.BlipID, text string) wavelet.BlipID {
	h.t.Helper()
	_, err := h.host.SubmitHuman(h.t.Context(), name, wavelet.Delta{Author: ann, Base: h.state(name).Version(), Ops: []wavelet.Op{
		wavelet.CreateBlip{Blip: id, Content: richtext.Delta{}.Insert(text+"\n", richtext.Attributes{})},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) state(name wavelet.Name) *wavelet.State {
	h.t.Helper()
	s, err := h.host.Snapshot(h.t.Context(), name, gateway.Head)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// keyed sends a robot's key along.
type keyed string

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// connect is a client of the official SDK.
func (h *house) connect(key string) *sdk.ClientSession {
	h.t.Helper()
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s, err := c.Connect(h.t.Context(), &sdk.StreamableClientTransport{
		Endpoint: h.url, HTTPClient: &http.Client{Transport: keyed(key), Timeout: time.Minute}, DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

// structured is what tools answer, for programs.
type structured struct {
	Wavelets []struct {
		Wavelet, Title string
		Blips          int
	}
	Version uint64
	Blips   []struct {
		ID, Under, By, Text string
		Part                bool
	}
	Next    string
	News    bool
	Blip    string
	Status  string
	Advice  string
	HeldMS  int64
	Details policies.Limits
	Limits  []struct {
		Name            string
		Used, Remaining float64
		Near            bool
	}
	Error *struct {
		Code, Field, Message, Remedy, Limit string
		RetryAfterMS                        int64
	}
}

// use calls a tool; the text is what the model reads.
func (h *house) use(s *sdk.ClientSession, tool string, args any) (structured, string) {
	h.t.Helper()
	r, err := s.CallTool(h.t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		h.t.Fatalf("%s: %v", tool, err)
	}
	var out structured
	raw, err := json.Marshal(r.StructuredContent)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil || len(r.Content) != 1 || r.IsError != (out.Error != nil) {
		h.t.Fatalf("%s: %v, error %v: %s", tool, err, r.IsError, raw)
	}
	text, _ := r.Content[0].(*sdk.TextContent)
	return out, text.Text
}

type object = map[string]any

// has checks that a text holds words.
func has(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}
