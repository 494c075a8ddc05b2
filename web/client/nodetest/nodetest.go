// Package nodetest lets tests run programs under Node: it skips where there is
// none, and installs what they are made of, as their lockfile says.
package nodetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Oldest is the first version of Node that is good enough.
const Oldest = 20

// Needs skips a test where Node is not installed or too old, and makes sure that
// the packages of dir/package-lock.json are in dir/node_modules: it runs npm ci
// if the lockfile is not the one that was installed last. Tests of several
// packages may need the same dir at once.
func Needs(t testing.TB, dir string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("this runs under Node %d or later, and %s is not installed", Oldest, tool)
		}
	}
	out, err := exec.Command("node", "--version").Output()
	var major int
	if _, e := fmt.Sscanf(string(out), "v%d", &major); err != nil || e != nil || major < Oldest {
		t.Skipf("this runs under Node %d or later; there is %q", Oldest, strings.TrimSpace(string(out)))
	}
	if err := install(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

// install is npm ci in dir, if need be.
func install(ctx context.Context, dir string) error {
	file := filepath.Join(dir, "package-lock.json")
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lock, err := os.Open(file)
	if err != nil {
		return err
	}
	defer lock.Close() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", file, err)
	}
	stamp := filepath.Join(dir, "node_modules", ".installed-lock")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == string(want) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w: %s", dir, err, out)
	}
	return os.WriteFile(stamp, want, 0o644)
}
