package enginebench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// installQuill returns the directory of quill-delta in the user's cache, where
// npm installs it the first time.
func installQuill(ctx context.Context, o Options) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("needs a cache directory for quill-delta: %w", err)
	}
	dir := filepath.Join(cache, "weir", "quill-delta")
	library := filepath.Join(dir, "node_modules", "quill-delta")
	if installedVersion(library) == quillVersion {
		return library, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("needs npm to install quill-delta %s: %w", quillVersion, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("install quill-delta: %w", err)
	}
	o.say("installing quill-delta %s in %s", quillVersion, dir)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "quill-delta@"+quillVersion)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install quill-delta %s with npm: %w: %s", quillVersion, err, lastLine(string(out)))
	}
	if got := installedVersion(library); got != quillVersion {
		return "", fmt.Errorf("npm installed quill-delta %q, not %s", got, quillVersion)
	}
	return library, nil
}

// installedVersion returns the version of the package in a directory, "" if there
// is none.
func installedVersion(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return ""
	}
	var manifest struct{ Version string }
	if json.Unmarshal(raw, &manifest) != nil {
		return ""
	}
	return manifest.Version
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
