package traffic_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"weir/governor/traffic"
)

// childDir is the environment of a process that is there to be killed.
const childDir = "WEIR_TRAFFIC_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		recordForEver(dir)
	}
	os.Exit(m.Run())
}

// recordForEver records rows and tells how many, until the process is killed.
func recordForEver(dir string) {
	l, err := traffic.Open(dir, traffic.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() { _ = l.Run(context.Background()) }()
	for n := 1; ; n++ {
		l.Add(numbered(n))
		if n%1000 == 0 {
			written := l.Stats().Bytes
			fmt.Println(n, written)
		}
	}
}

// child is such a process.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	c.lines = bufio.NewScanner(out)
	return c
}

// until waits until the child has recorded so many rows, and more than so many of them
// are in its files.
func (c *child) until(rows int) {
	c.t.Helper()
	for c.lines.Scan() {
		var n, written int
		if _, err := fmt.Sscan(c.lines.Text(), &n, &written); err != nil {
			c.t.Fatalf("the child says %s", strconv.Quote(c.lines.Text()))
		}
		if n >= rows && written > 50*rows {
			return
		}
	}
	c.t.Fatal("the child ended by itself")
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
