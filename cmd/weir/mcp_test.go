package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"weir/gateway"
	"weir/wavelet"
	"weir/wavelet/client"
)

// agentHouse is a server with an agent in a wavelet of ann's, and the file that
// its key is in.
func agentHouse(t *testing.T) (h *house, name wavelet.Name, keyFile string) {
	t.Helper()
	h, err := build(t.Context(), config{addr: "127.0.0.1:0", data: t.TempDir(), domain: "weir.local", devLogin: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	var made keyed
	if err := (api{url: h.url(), token: h.adminToken}).call(t.Context(), http.MethodPost, "/api/v1/robots", map[string]string{"address": "agent@weir.local"}, &made); err != nil {
		t.Fatal(err)
	}
	keyFile = filepath.Join(t.TempDir(), "agent.key")
	if err := os.WriteFile(keyFile, []byte(made.Key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), h.url(), client.Options{User: ann})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if name, err = c.CreateWave(t.Context(), "Talk to me", "agent@weir.local"); err != nil {
		t.Fatal(err)
	}
	return h, name, keyFile
}

// firstAgent is the agent of docs/robots.md.
func firstAgent(ctx context.Context, transport sdk.Transport) error {
	agent, err := sdk.NewClient(&sdk.Implementation{Name: "agent", Version: "1"}, nil).Connect(ctx, transport, nil)
	if err != nil {
		return err
	}
	defer agent.Close()
	list, err := agent.CallTool(ctx, &sdk.CallToolParams{Name: "list_wavelets"})
	if err != nil || list.IsError {
		return err
	}
	first := list.StructuredContent.(map[string]any)["wavelets"].([]any)[0].(map[string]any)["wavelet"]
	_, err = agent.CallTool(ctx, &sdk.CallToolParams{Name: "reply", Arguments: map[string]any{"wavelet": first, "text": "Hello!"}})
	return err
}

// TestFirstAgent runs the agent of docs/robots.md behind weir mcp, as the
// configuration there has it.
func TestFirstAgent(t *testing.T) {
	text := doc(t, "docs/robots.md")
	_, text, ok := strings.Cut(text, "## A language model as a robot")
	text, _, ok2 := strings.Cut(text, "\n## ")
	if !ok || !ok2 {
		t.Fatal("docs/robots.md has lost the chapter on language models")
	}
	source, err := os.ReadFile("mcp_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := fenced(text, "go"); lines == "" || !strings.Contains(string(source), "\n"+lines) {
		t.Errorf("the agent of docs/robots.md is another than this test runs:\n%s", lines)
	}
	var host struct {
		MCPServers map[string]struct {
			Command, Type, URL string
			Args               []string
			Headers            map[string]string
		}
	}
	if err := json.Unmarshal([]byte(fenced(text, "json")), &host); err != nil {
		t.Fatal(err)
	}
	h, name, keyFile := agentHouse(t)
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	said := func() int {
		s, err := h.host.Snapshot(t.Context(), name, gateway.Head)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(s.Text(), "Hello!")
	}
	ready := strings.NewReplacer("http://127.0.0.1:8080", h.url(), "/etc/weir/agent.key", keyFile, "wr_...", strings.TrimSpace(string(key)))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for which, s := range host.MCPServers {
		before := said()
		var transport sdk.Transport
		if s.Command != "" {
			cmd := exec.CommandContext(ctx, s.Command)
			for _, arg := range s.Args {
				cmd.Args = append(cmd.Args, ready.Replace(arg))
			}
			transport = &sdk.CommandTransport{Command: cmd}
		} else {
			_, token, _ := strings.Cut(ready.Replace(s.Headers["Authorization"]), " ")
			transport = &sdk.StreamableClientTransport{Endpoint: ready.Replace(s.URL), HTTPClient: &http.Client{Transport: bearer(token)}}
		}
		if err := firstAgent(ctx, transport); err != nil || said() != before+1 {
			t.Errorf("%s: %v, said Hello %d times, before %d", which, err, said(), before)
		}
	}
	if len(host.MCPServers) != 2 {
		t.Errorf("%d ways to configure a host", len(host.MCPServers))
	}
}

// TestBridgeTellsWhatIsWrong uses the bridge with a key that is none, and with a
// robot that is suspended while the bridge runs.
func TestBridgeTellsWhatIsWrong(t *testing.T) {
	h, _, keyFile := agentHouse(t)
	bridged := func(key string) (*sdk.ClientSession, error) {
		near, far := sdk.NewInMemoryTransports()
		b := &bridge{endpoint: h.url() + "/mcp", client: &http.Client{Transport: bearer(key)}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.run(ctx, far) }()
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("the bridge ended with %v", err)
			}
		})
		return sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, near, nil)
	}
	b := &bridge{endpoint: h.url() + "/mcp", client: &http.Client{Transport: bearer("wr_none")}}
	if err := b.run(t.Context(), &sdk.InMemoryTransport{}); err == nil || !strings.Contains(err.Error(), "this is no robot's key") {
		t.Errorf("a key that is none: %v", err)
	}
	key, err := robotKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := bridged(key)
	if err != nil {
		t.Fatal(err)
	}
	use := func() string {
		t.Helper()
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "my_limits"})
		if err != nil {
			t.Fatal(err)
		}
		return r.Content[0].(*sdk.TextContent).Text
	}
	if text := use(); !strings.Contains(text, "You are agent@weir.local") {
		t.Error(text)
	}
	if _, err := h.robots.Suspend(t.Context(), "agent@weir.local"); err != nil {
		t.Fatal(err)
	}
	if text := use(); !strings.Contains(text, "You stand: suspended") {
		t.Error(text)
	}
	if _, err := h.robots.Resume(t.Context(), "agent@weir.local"); err != nil {
		t.Fatal(err)
	}
	if text := use(); !strings.Contains(text, "You are agent@weir.local") {
		t.Error(text)
	}
}

// TestBridgeAnswersWhatAPipeAsks gives the bridge an input that ends right behind
// the last call.
func TestBridgeAnswersWhatAPipeAsks(t *testing.T) {
	h, _, keyFile := agentHouse(t)
	key, err := robotKey(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	asks := strings.Join([]string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"pipe","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_wavelets","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"my_limits","arguments":{}}}`,
	}, "\n") + "\n"
	var out bytes.Buffer
	b := &bridge{endpoint: h.url() + "/mcp", client: &http.Client{Transport: bearer(key)}}
	if err := b.run(t.Context(), unhurried{&sdk.IOTransport{Reader: io.NopCloser(strings.NewReader(asks)), Writer: unclosed{&out}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":1`, `"id":2`, `"id":3`, "Talk to me", "You are agent@weir.local"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in what was answered:\n%s", want, out.String())
		}
	}
}
