package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/web/client/nodetest"
)

// needs skips the test where a program is not installed that it runs; what says
// what needs it.
func needs(t *testing.T, what string, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s %s, which is not installed", what, tool)
		}
	}
}

// TestByHand runs the shell blocks of docs/robots.md as they stand, up to the
// end of the loop that is caught by hand, and the README's first robot; only
// the ports are others.
func TestByHand(t *testing.T) {
	long(t)
	needs(t, "the documents' examples need", "bash", "curl", "sed")
	text := doc(t, "docs/robots.md")
	_, text, ok := strings.Cut(text, "## An echo loop, caught by hand")
	text, _, ok2 := strings.Cut(text, "## What a passive robot does")
	if !ok || !ok2 {
		t.Fatal("docs/robots.md has lost the headings around the loop caught by hand")
	}
	out := shell(t, fenced(text, "sh"))
	for _, want := range []string{
		"was removed from this conversation: robots answered each other 15 times in a row",
		"I receive robots.", `"status":`, "evict echo-", "by depth", `"reason":"cooldown"`, `"version":`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the shell did not print %q; it printed\n%s", want, out)
		}
	}
}

// TestCallsByHand runs the shell blocks about active robots and about programs
// that write for a person.
func TestCallsByHand(t *testing.T) {
	long(t)
	needs(t, "the documents' examples need", "bash", "curl", "sed", "python3")
	text := doc(t, "docs/robots.md")
	_, text, ok := strings.Cut(text, "## What an active robot does")
	text, _, ok2 := strings.Cut(text, "## How not to be evicted")
	if !ok || !ok2 {
		t.Fatal("docs/robots.md has lost the headings around the calls")
	}
	out := shell(t, fenced(text, "sh"))
	for _, want := range []string{
		`"newBlipId":"b+`, "op1 ticker@weir.local is ok", "A program that is not registered here", "ann@weir.local/data\n",
		"On my own account.", "Written for ann.", "ann@weir.local  anonymous", "revoked ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the shell did not print %q; it printed\n%s", want, out)
		}
	}
}

// greeter is a robot of the documents that says hello where it is added.
type greeter struct {
	file, code string
	register   string // flags of weir robots register
	start      string // starts it
}

// meet runs a server and a greeter, adds the greeter to a wave, and waits until it
// has said hello there. It gives what the shell printed.
func (g greeter) meet(t *testing.T) string {
	t.Helper()
	return shell(t, "cat > "+g.file+" <<'END'\n"+g.code+`END
echo '{version: 1, default: patient, profiles: {patient: {extends: default, about: With time., delivery: {timeout: 10m}}}}' > policies.yaml
weir serve --addr 127.0.0.1:8080 --nats-listen 127.0.0.1:9001 --data weir-data --policies policies.yaml > server.log 2>&1 &
until curl -sf http://127.0.0.1:8080/readyz > /dev/null; do sleep 0.1; done
weir robots register hello@weir.local --key-file hello.key `+g.register+`
export WEIR_NATS=nats://127.0.0.1:9001 WEIR_ROBOT_KEY=$(cat hello.key) here=$PWD
`+g.start+` > hello.log 2>&1 &
wave=$(weir wave create --as ann@weir.local --title Greetings hello@weir.local | grep -o 'weir.local!w+[^/ ]*/weir.local!conv+root' | head -1)
until weir wave show --as ann@weir.local "$wave" | grep 'Hello!'; do sleep 0.2; done
ls
`)
}

// builtHere builds hello.go in the repository and starts it.
func builtHere(t *testing.T) string {
	t.Helper()
	return `(cd '` + root(t) + `' && go build -o "$here/hello" "$here/hello.go") && ./hello`
}

// root is where the repository is.
func root(t *testing.T) string {
	t.Helper()
	at, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestFirstRobot runs the ten lines of the README.
func TestFirstRobot(t *testing.T) {
	long(t)
	needs(t, "the README's robot needs", "bash", "curl", "python3")
	g := greeter{"robot.py", fenced(doc(t, "README.md"), "python"), "--callback http://127.0.0.1:9002", "python3 robot.py"}
	if out := g.meet(t); !strings.Contains(out, "Hello!") {
		t.Errorf("the robot did not say hello:\n%s", out)
	}
}

// TestFirstRobotInGo builds and runs the ten lines of docs/robots.md.
func TestFirstRobotInGo(t *testing.T) {
	long(t)
	needs(t, "the robot in Go needs", "bash", "curl", "go")
	g := greeter{"hello.go", fenced(chapter(t, "## A robot in Go in ten lines"), "go"), "--callback http://127.0.0.1:9002", builtHere(t)}
	if out := g.meet(t); !strings.Contains(out, "Hello! I am told of Greetings") {
		t.Errorf("the robot did not say hello:\n%s", out)
	}
}

// TestFirstRobotsOverNATS runs the robots of docs/robots.md that connect to the
// server, each in its language, and one that fails its first bundle in the way that
// stands there: it is sent it again, although it may take ten minutes to answer.
//
// The robots in Python import nats-py if that is installed. Only if it is not, they
// import testdata/python/nats.py, which speaks the protocol and has the few names of
// nats-py that they use; then it is not shown that they run with nats-py.
func TestFirstRobotsOverNATS(t *testing.T) {
	long(t)
	text := chapter(t, "## A robot over NATS")
	packages := filepath.Join(root(t), "events", "bus", "testdata", "node")
	python := fenced(text, "python")
	fail := regexp.MustCompile("`(msg.headers = {.*?})` and then `(await msg.respond.*?)`").FindStringSubmatch(text)
	const first = "    b = json.loads(msg.data)\n"
	if fail == nil || !strings.Contains(python, first) {
		t.Fatal("docs/robots.md has lost how a robot in Python fails")
	}
	failing := strings.Replace(python, first, first+`    if not os.path.exists("failed"):
        open("failed", "w").close()
        `+fail[1]+"\n        return "+fail[2]+"\n", 1)
	for _, tt := range []struct{ name, tool, file, code, start string }{
		{"Go", "go", "hello.go", fenced(text, "go"), builtHere(t)},
		{"Python", "python3", "hello.py", python, "python3 hello.py"},
		{"Python, failing", "python3", "hello.py", failing, "python3 hello.py"},
		{"JavaScript", "node", "hello.cjs", fenced(text, "js"), "NODE_PATH='" + filepath.Join(packages, "node_modules") + "' node hello.cjs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			needs(t, "the robot needs", "bash", "curl", tt.tool)
			switch tt.tool {
			case "node":
				nodetest.Needs(t, packages)
			case "python3":
				if exec.Command("python3", "-c", "import nats").Run() != nil {
					t.Setenv("PYTHONPATH", filepath.Join(root(t), "cmd", "weir", "testdata", "python"))
				}
			}
			out := greeter{tt.file, tt.code, "--transport nats", tt.start}.meet(t)
			if !strings.Contains(out, "Hello!") || strings.Contains(out, "\nfailed\n") != (tt.code == failing) {
				t.Errorf("the robot did not say hello, or did not fail where it should:\n%s", out)
			}
		})
	}
}

// chapter is the text of docs/robots.md below a heading, up to the next one.
func chapter(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(doc(t, "docs/robots.md"), heading+"\n")
	text, _, ok2 := strings.Cut(text, "\n## ")
	if !ok || !ok2 {
		t.Fatalf("docs/robots.md has lost the heading %q", heading)
	}
	return text
}

// doc reads a file of the repository.
func doc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fenced is the text of all fenced blocks of a language.
func fenced(text, language string) string {
	var out strings.Builder
	in := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"+language):
			in = true
		case strings.HasPrefix(line, "```"):
			in = false
		case in:
			out.WriteString(line)
		}
	}
	return out.String()
}

// shell runs a script in an empty directory, with the documents' ports replaced
// by free ones. TestMain has put weir on the path. When it returns, all that the
// script has started has ended.
func shell(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, port := range []string{"8080", "9001", "9002", "9003"} {
		at, err := spareAddress()
		if err != nil {
			t.Fatal(err)
		}
		_, free, _ := strings.Cut(at, ":")
		script = strings.ReplaceAll(script, "127.0.0.1:"+port, at)
		script = strings.ReplaceAll(script, `"127.0.0.1", `+port, `"127.0.0.1", `+free)
	}
	script = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + script
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // longer than any healthy run
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Minute // for what a subshell has left running
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
		t.Fatalf("the shell failed: %v\n%s\nserver:\n%s", err, out, log)
	}
	return string(out)
}
