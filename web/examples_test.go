package web_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClientExamples runs the examples of docs/protocol.md; only the server and
// where the client's files are is put in.
func TestClientExamples(t *testing.T) {
	h := build(t, nil)
	root, err := filepath.Abs("..")
	must(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "protocol.md"))
	must(t, err)
	_, section, ok := strings.Cut(string(text), "## Clients in this repository")
	if !ok {
		t.Fatal("docs/protocol.md has no section about the clients any more")
	}
	for _, example := range []struct {
		language, file, says string
		run                  []string
	}{
		{"js", "example.mjs", "Hello from JavaScript\nPlans\n", []string{"node", "--experimental-websocket", "--no-warnings"}},
		{"go", "example.go", "Hello from Go\nPlans\n", []string{"go", "run"}},
	} {
		t.Run(example.language, func(t *testing.T) {
			if example.language == "js" {
				needsNode(t)
			}
			_, code, begun := strings.Cut(section, "```"+example.language+"\n")
			code, _, ended := strings.Cut(code, "```")
			if !begun || !ended {
				t.Fatal("the example is gone")
			}
			code = strings.NewReplacer("http://127.0.0.1:8080", h.url, "'./web/client/", "'"+filepath.ToSlash(root)+"/web/client/").Replace(code)
			file := filepath.Join(t.TempDir(), example.file)
			must(t, os.WriteFile(file, []byte(code), 0o600))
			cmd := exec.CommandContext(t.Context(), example.run[0], append(example.run[1:], file)...)
			cmd.Dir = root // whose module the Go example is built in
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), example.says) {
				t.Errorf("it ended with %v and said %q, want %q", err, out, example.says)
			}
		})
	}
}
