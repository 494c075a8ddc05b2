package mcp_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/web/client/nodetest"
)

// nodeDir is where the agent in JavaScript lives.
const nodeDir = "testdata/node"

// TestNodeAgentWorks lists, reads, replies and edits with npm's official SDK.
func TestNodeAgentWorks(t *testing.T) {
	nodetest.Needs(t, nodeDir)
	h := build(t)
	key := h.register(agent, "default")
	name := h.wave("talk", agent)
	h.says(name, "Is anybody there?")
	if _, err := os.ReadFile(filepath.Join(nodeDir, "agent.js")); err != nil { // so that the go command knows what the outcome depends on
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "agent.js", h.url, key)
	cmd.Dir = nodeDir
	var said strings.Builder
	cmd.Stderr = &said
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, said.String())
	}
	type result struct {
		structured
		IsError bool
		Text    string
	}
	var out struct {
		Tools                                         []string
		Listed, Read, Replied, Edited, Wrong, Hostile result
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	if len(out.Tools) != 5 || len(out.Listed.Wavelets) != 1 || len(out.Read.Blips) != 2 {
		t.Errorf("%d tools, listed %+v, read %+v", len(out.Tools), out.Listed, out.Read)
	}
	has(t, out.Read.Text, "Is anybody there?")
	if out.Replied.IsError || out.Edited.IsError || !strings.Contains(h.state(name).Text(), "Hello from Node.") {
		t.Errorf("replied %+v, edited %+v: %q", out.Replied, out.Edited, h.state(name).Text())
	}
	if !out.Wrong.IsError || out.Wrong.Error.Field != "find" || !out.Hostile.IsError || out.Hostile.Error.Field != "wavelet" {
		t.Errorf("wrong %+v, hostile %+v", out.Wrong, out.Hostile)
	}
}
