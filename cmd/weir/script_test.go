package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"weir/wavelet"
	"weir/wavelet/client"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"weir": main})
}

// long skips what plays scenes against servers for longer than a quick look at all
// of the tests should take.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long")
	}
}

// TestScripts runs the command as a user does. Beside testscript's own commands
// there are:
//
//	serve [FLAG...]           start weir serve on a free port, wait until it takes requests
//	robot NAME KIND [FLAG...] start a testbot on a free port; its URL is then in $NAME
//	follow [FLAG...]          start weir decisions --follow
//	follows TEXT              wait until it shows a line with TEXT
//	logged TEXT               wait until the server writes a line with TEXT
//	hangup                    send the server SIGHUP
//	terminate                 send it SIGTERM and wait until it has ended well
//	sees WHO WAVELET TEXT     open the wavelet as a person and wait until it has TEXT
//	stay WHO WAVELET          open the wavelet as a person, and keep it open until the script ends
//	keepjson NAME FILE PATH   set $NAME to what is in a JSON file
//	keep NAME FILE            set $NAME to the line in the file
//	json FILE PATH OP VALUE   compare a number, boolean or string in a JSON file; OP is =, < or >
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveScript, "robot": robotScript, "follow": followScript, "follows": followsScript,
			"logged": loggedScript, "hangup": hangupScript,
			"terminate": terminateScript, "sees": seesScript, "stay": stayScript, "keepjson": keepJSONScript, "keep": keepScript, "json": jsonScript,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[serverKey{}] = new(*process)
			env.Values[followerKey{}] = new(*process)
			return nil
		},
	})
}

// serverKey finds the server of a script.
type serverKey struct{}

// followerKey finds the follower of a script.
type followerKey struct{}

// process is a weir that a script left running.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	read  []string // so far
}

// start runs weir in the script's directory until the script ends.
func start(ts *testscript.TestScript, args ...string) *process {
	cmd := exec.Command("weir", args...)
	cmd.Dir, cmd.Env = ts.Getenv("WORK"), environment(ts)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	cmd.Stderr = cmd.Stdout
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, lines: bufio.NewScanner(out)}
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return p
}

// environment is a script's own, in which nothing of the developer's is set.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// until reads up to a line with text.
func (p *process) until(ts *testscript.TestScript, text string) string {
	for p.lines.Scan() {
		p.read = append(p.read, p.lines.Text())
		if strings.Contains(p.lines.Text(), text) {
			return p.lines.Text()
		}
	}
	ts.Fatalf("%s ended without a line with %q:\n%s", p.cmd, text, strings.Join(p.read, "\n"))
	return ""
}

func serverOf(ts *testscript.TestScript) **process { return ts.Value(serverKey{}).(**process) }

func serveScript(ts *testscript.TestScript, neg bool, args []string) {
	p := start(ts, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", "weir-data"}, args...)...)
	p.until(ts, "login:")
	*serverOf(ts) = p
}

func robotScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: robot NAME KIND [FLAG...]")
	}
	p := start(ts, append([]string{"testbot", args[1], "--listen", "127.0.0.1:0", "--quiet"}, args[2:]...)...)
	_, rest, _ := strings.Cut(p.until(ts, "serves on "), "serves on ")
	url, _, _ := strings.Cut(rest, ";")
	ts.Setenv(args[0], url)
}

func followScript(ts *testscript.TestScript, neg bool, args []string) {
	*ts.Value(followerKey{}).(**process) = start(ts, append([]string{"decisions", "--follow", "--data", "weir-data"}, args...)...)
}

func followsScript(ts *testscript.TestScript, neg bool, args []string) {
	(*ts.Value(followerKey{}).(**process)).until(ts, args[0])
}

func loggedScript(ts *testscript.TestScript, neg bool, args []string) {
	(*serverOf(ts)).until(ts, args[0])
}

func hangupScript(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check((*serverOf(ts)).cmd.Process.Signal(syscall.SIGHUP))
}

func terminateScript(ts *testscript.TestScript, neg bool, args []string) {
	p := *serverOf(ts)
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	for p.lines.Scan() {
		p.read = append(p.read, p.lines.Text())
	}
	if err := p.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v:\n%s", err, strings.Join(p.read, "\n"))
	}
}

func seesScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: sees WHO WAVELET TEXT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c, w := opened(ctx, ts, args[0], args[1])
	defer c.Close()
	for !strings.Contains(w.Text(), args[2]) {
		select {
		case <-w.Changes():
		case <-ctx.Done():
			ts.Fatalf("%q never came; at last:\n%s", args[2], w.Text())
		}
	}
}

// opened is a wavelet opened as a person.
func opened(ctx context.Context, ts *testscript.TestScript, who, where string) (*client.Client, *client.Wavelet) {
	name, err := wavelet.ParseName(where)
	ts.Check(err)
	c, err := client.Dial(ctx, place{Data: ts.MkAbs("weir-data")}.url(), client.Options{User: wavelet.Participant(who)})
	ts.Check(err)
	w, err := c.Open(ctx, name)
	if err != nil {
		_ = c.Close()
	}
	ts.Check(err)
	return c, w
}

func stayScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: stay WHO WAVELET")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c, _ := opened(ctx, ts, args[0], args[1])
	ts.Defer(func() { _ = c.Close() })
}

func keepJSONScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: keepjson NAME FILE PATH")
	}
	ts.Setenv(args[0], fmt.Sprint(jsonAt(ts, args[1], args[2])))
}

func keepScript(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func jsonScript(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: json FILE PATH OP VALUE")
	}
	v := jsonAt(ts, args[0], args[1])
	if holds(v, args[2], args[3]) == neg {
		ts.Fatalf("%s in %s is %v, not %s %s", args[1], args[0], v, args[2], args[3])
	}
}

// jsonAt is what stands at a path in a JSON file.
func jsonAt(ts *testscript.TestScript, file, path string) any {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &v))
	for key := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			v = in[i]
		}
	}
	return v
}

// holds compares a JSON value with a word.
func holds(v any, op, want string) bool {
	n, number := v.(float64)
	limit, err := strconv.ParseFloat(want, 64)
	switch {
	case op == "=" && number:
		return err == nil && n == limit
	case op == "=":
		return fmt.Sprint(v) == want
	case op == "<":
		return number && err == nil && n < limit
	case op == ">":
		return number && err == nil && n > limit
	}
	return false
}
