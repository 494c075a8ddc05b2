package testbots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Session is a robot's connection to the tools of a server. It is safe for
// concurrent use. Make it with Connect.
type Session struct{ to *mcp.ClientSession }

// Answer is what a tool answers: of each field what it has, else the zero value.
type Answer struct {
	Wavelets []struct {
		Wavelet string `json:"wavelet"`
	} `json:"wavelets"`
	Version uint64       `json:"version"` // of the wavelet that was read
	News    bool         `json:"news"`    // others have written since the reading before
	HeldMS  int64        `json:"heldMs"`  // what robots wrote is held back for so long, in milliseconds
	Advice  string       `json:"advice"`
	Error   *ToolFailure `json:"error"`
}

// ToolFailure is why a tool did not do what it was asked for.
type ToolFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Limit   string `json:"limit"` // that was reached, "" if it was none
}

// Connect makes a session with the server at a base URL, under a robot's key.
func Connect(ctx context.Context, server, key string) (*Session, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "talker", Version: "1"}, nil)
	to, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: strings.TrimSuffix(server, "/") + "/mcp", DisableStandaloneSSE: true, MaxRetries: -1,
		HTTPClient: &http.Client{Transport: bearer(key), Timeout: time.Minute},
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", server, err)
	}
	return &Session{to}, nil
}

// Close ends the session.
func (s *Session) Close() error { return s.to.Close() }

// Call uses a tool. What the tool refuses is in the answer; an error means that
// there is none, and that the session may be of no more use.
func (s *Session) Call(ctx context.Context, tool string, args map[string]any) (out Answer, err error) {
	r, err := s.to.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return out, err
	}
	raw, err := json.Marshal(r.StructuredContent)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err == nil && r.IsError && out.Error == nil {
		err = errors.New("an error without a reason")
	}
	return out, err
}

// bearer makes requests under a robot's key.
type bearer string

func (k bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(k))
	return http.DefaultTransport.RoundTrip(r)
}
