package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nodeDir is where the agent in JavaScript lives.
const nodeDir = "testdata/node"

// needsNode skips a test where Node is not installed, and installs what the agent
// is made of if the lockfile is not the one that was installed last.
func needsNode(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the agent of npm's SDK runs under Node 20 or later, and %s is not installed", tool)
		}
	}
	out, err := exec.Command("node", "--version").Output()
	var major int
	if _, e := fmt.Sscanf(string(out), "v%d", &major); err != nil || e != nil || major < 20 {
		t.Skipf("the agent of npm's SDK runs under Node 20 or later; this is %q", strings.TrimSpace(string(out)))
	}
	want, err := os.ReadFile(filepath.Join(nodeDir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(nodeDir, "node_modules", ".installed-lock")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == string(want) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	cmd.Dir = nodeDir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci in robots/mcp/%s: %v: %s", nodeDir, err, out)
	}
	if err := os.WriteFile(stamp, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestNodeAgentWorks lists, reads, replies and edits with npm's official SDK.
func TestNodeAgentWorks(t *testing.T) {
	needsNode(t)
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
