package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type mcpCmd struct {
	place
	KeyFile string `type:"path" help:"File with the robot's key. Or set $WEIR_ROBOT_KEY." placeholder:"FILE"`
}

func (mcpCmd) Help() string {
	return `Lets a language model take part as a robot: it speaks the Model Context Protocol on its standard input and output, for hosts that
start their tools as programs, and passes every call on to POST /mcp of a running server, under the robot's key. The model lists the
wavelets in which the robot takes part, reads one, replies, edits by text match, and asks for its limits. Hosts that speak HTTP need
no bridge: give them the server's URL with /mcp behind it, and the key as bearer token.

Examples:

  weir robots register agent@weir.local --key-file agent.key
  weir mcp --key-file agent.key
  WEIR_ROBOT_KEY=wr_... weir mcp --server https://weir.example.com`
}

func (c mcpCmd) Run(ctx context.Context, s streams) error {
	key, err := robotKey(c.KeyFile)
	if err != nil {
		return err
	}
	if key == "" {
		return errors.New("no key: name a file with --key-file, or set $WEIR_ROBOT_KEY; weir robots register shows it once")
	}
	b := &bridge{endpoint: c.url() + "/mcp", client: &http.Client{Transport: bearer(key), Timeout: 2 * time.Minute}}
	return b.run(ctx, unhurried{&sdk.IOTransport{Reader: os.Stdin, Writer: unclosed{s.out}}})
}

// unclosed is a writer that stays open.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// robotKey is the robot's key in a file, or in the environment if none is named;
// "" if there is none.
func robotKey(file string) (string, error) {
	if file == "" {
		return os.Getenv("WEIR_ROBOT_KEY"), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--key-file: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// bearer makes requests under a robot's key. What the server turns away as a whole
// is an error that says why.
type bearer string

func (k bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(k))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("reach the server: %w; is it running? weir serve starts it", err)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		defer resp.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return nil, refused(resp, said)
	}
	return resp, nil
}

// bridge passes the calls of one MCP client on to a server.
type bridge struct {
	endpoint string
	client   *http.Client

	mu      sync.Mutex
	session *sdk.ClientSession // nil: to be made
}

// run serves the client at the other end of t until it has gone, or ctx ends. The
// server has to be there at the beginning; later it may come and go.
func (b *bridge) run(ctx context.Context, t sdk.Transport) error {
	far, err := b.connected(ctx)
	if err != nil {
		return err
	}
	defer b.drop()
	known := far.InitializeResult()
	near := sdk.NewServer(&sdk.Implementation{Name: "weir", Title: "weir", Version: version()}, &sdk.ServerOptions{
		Instructions: known.Instructions, Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	for tool, err := range far.Tools(ctx, nil) {
		if err != nil {
			return fmt.Errorf("list the server's tools: %w", err)
		}
		near.AddTool(tool, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return b.call(ctx, &sdk.CallToolParams{Name: r.Params.Name, Arguments: r.Params.Arguments})
		})
	}
	if err := near.Run(ctx, t); err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("speak with the client: %w", err)
	}
	return nil
}

// call passes a call on. When the server cannot be reached the model is told, and
// the next call tries again.
func (b *bridge) call(ctx context.Context, p *sdk.CallToolParams) (*sdk.CallToolResult, error) {
	far, err := b.connected(ctx)
	if err == nil {
		var r *sdk.CallToolResult
		if r, err = far.CallTool(ctx, p); err == nil {
			return r, nil
		}
		b.drop()
	}
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: "Not done. " + err.Error()}}}, nil
}

// connected is the session with the server, a new one if there is none.
func (b *bridge) connected(ctx context.Context) (*sdk.ClientSession, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session != nil {
		return b.session, nil
	}
	c := sdk.NewClient(&sdk.Implementation{Name: "weir mcp", Version: version()}, nil)
	// The session outlives the call that makes it.
	s, err := c.Connect(context.WithoutCancel(ctx), &sdk.StreamableClientTransport{
		Endpoint: b.endpoint, HTTPClient: b.client, DisableStandaloneSSE: true, MaxRetries: -1,
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", b.endpoint, err)
	}
	b.session = s
	return s, nil
}

// drop ends the session with the server, if there is one.
func (b *bridge) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session != nil {
		_ = b.session.Close() // it is stateless: nothing is lost
		b.session = nil
	}
}
