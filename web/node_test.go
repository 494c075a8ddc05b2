package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/web/client/nodetest"
)

// javaScript is where the JavaScript client lives.
const javaScript = "client"

// needsNode skips a test where Node is not installed, and installs what the
// JavaScript client is made of.
func needsNode(t *testing.T) {
	t.Helper()
	nodetest.Needs(t, javaScript)
	// What Node reads is looked at here too, so that the go command knows that
	// the outcome depends on it.
	for _, pattern := range []string{"*.js", "*.ts", "testdata/*.js"} {
		files, err := filepath.Glob(filepath.Join(javaScript, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s in web/client: %v", pattern, err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// nodeDriver drives JavaScript clients in one Node process.
type nodeDriver struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	gone chan struct{} // closed when the process has ended

	mu      sync.Mutex
	last    int
	answers map[int]chan answer
	noise   strings.Builder // what it wrote to standard error
}

type answer struct {
	N   int             `json:"n"`
	OK  json.RawMessage `json:"ok"`
	Err *failure        `json:"err"`
}

// startNode starts the process, which ends with the test.
func startNode(t *testing.T) *nodeDriver {
	t.Helper()
	needsNode(t)
	d := &nodeDriver{gone: make(chan struct{}), answers: map[int]chan answer{}}
	d.cmd = exec.Command("node", "--experimental-websocket", "--no-warnings", filepath.Join(javaScript, "testdata", "drive.js"))
	in, err := d.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.in, d.cmd.Stderr = in, &d.noise
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.read(out) })
	t.Cleanup(func() {
		in.Close()
		wg.Wait()
		if err := d.cmd.Wait(); err != nil || d.noise.Len() > 0 {
			t.Errorf("node ended with %v, and wrote %q", err, d.noise.String())
		}
	})
	return d
}

// read hands answers to whoever waits for them.
func (d *nodeDriver) read(out io.Reader) {
	defer close(d.gone)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			a.Err = &failure{Message: fmt.Sprintf("node wrote %q", line)}
		}
		d.mu.Lock()
		c := d.answers[a.N]
		delete(d.answers, a.N)
		d.mu.Unlock()
		if c != nil {
			c <- a
		}
	}
}

func (d *nodeDriver) do(ctx context.Context, c command) (sight, error) {
	came := make(chan answer, 1)
	d.mu.Lock()
	d.last++
	c.N = d.last
	d.answers[c.N] = came
	line, err := json.Marshal(c)
	if err == nil {
		_, err = d.in.Write(append(line, '\n'))
	}
	d.mu.Unlock()
	if err != nil {
		return sight{}, err
	}
	select {
	case a := <-came:
		if a.Err != nil {
			return sight{}, a.Err
		}
		var s sight
		return s, json.Unmarshal(a.OK, &s)
	case <-d.gone:
		return sight{}, errors.New("node has ended")
	case <-ctx.Done():
		return sight{}, context.Cause(ctx)
	}
}

// TestTypesOfJavaScriptClient lets the compiler check the client's code and hold
// its declared types against it.
func TestTypesOfJavaScriptClient(t *testing.T) {
	needsNode(t)
	cmd := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--noEmit")
	cmd.Dir = javaScript
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}
