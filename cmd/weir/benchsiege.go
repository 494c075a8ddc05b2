package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"weir/web/siege"
)

type benchSiegeCmd struct {
	benchFlags
	Phase   time.Duration `default:"8s" help:"How long each attack goes on, and the quiet before."`
	Typists int           `default:"8" help:"Honest people who work meanwhile."`
	Answer  time.Duration `kong:"-"` // in which the server answers for its health; 0: what siege has
	Attack  []string      `help:"Only this attack; may be repeated. See the table for their names." placeholder:"NAME"`
}

func (benchSiegeCmd) Help() string {
	return `Starts weir serve in a process of its own, has people type there, and attacks it in every way that is known here: what trickles,
what is never finished, what cannot be read, floods, bombs, connections that come and go. For each attack it shows the people's
goodput and delays beside the quiet before, the health checks, the most memory, and what the server says it turned away and why.

Examples:

  weir bench siege
  weir bench siege --attack "header bombs" --attack "a flood of errors" --phase 30s`
}

func (c benchSiegeCmd) Run(ctx context.Context, s streams) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	report, err := c.lay(ctx, s, self)
	if err != nil {
		return err
	}
	if !c.JSON {
		if err := showCourses(s.out, report); err != nil {
			return err
		}
	}
	return c.show(s, "siege", report.Took, report.Figures(siegeMemory))
}

// siegeMemory is the most that a server with the default limits may take under
// attack, in bytes; docs/operations.md adds it up.
const siegeMemory = 1 << 30

// lay attacks a server that program serves.
func (c benchSiegeCmd) lay(ctx context.Context, s streams, program string) (report siege.Report, err error) {
	err = aside(ctx, program, "", func(address, _ string, pid int) (err error) {
		report, err = siege.Run(ctx, siege.Target{URL: address, Resident: residentOf(pid)}, siege.Options{
			Phase: c.Phase, Typists: c.Typists, Answer: c.Answer, Attacks: c.Attack, Progress: s.progress,
		})
		return err
	})
	return report, err
}

// aside has program serve in a process of its own, with a configuration of
// admission if that is not "", while use runs.
func aside(ctx context.Context, program, admission string, use func(address, dir string, pid int) error) (err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(program, "serve", "--addr", "127.0.0.1:0", "--data", dir, "--log", "error")
	if admission != "" {
		file := filepath.Join(dir, "admission.yaml")
		if err := os.WriteFile(file, []byte(admission), 0o600); err != nil {
			return fmt.Errorf("write the configuration: %w", err)
		}
		cmd.Args = append(cmd.Args, "--admission", file)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a server: %w", err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if ended := cmd.Wait(); ended != nil {
			err = errors.Join(err, fmt.Errorf("the server ended with %w: %s", ended, tail(said.String())))
		}
	}()
	address, err := listening(ctx, dir)
	if err != nil {
		return err
	}
	return use(address, dir, cmd.Process.Pid)
}

// listening waits until a server with its data in dir says where it is.
func listening(ctx context.Context, dir string) (string, error) {
	late := time.After(time.Minute)
	for {
		text, err := os.ReadFile(filepath.Join(dir, addressFile))
		if err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.TrimSpace(string(text)), nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-late:
			return "", errors.New("start a server: it does not listen after a minute")
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// residentOf reads the resident memory of a process where the system shows it.
func residentOf(pid int) func() (int64, error) {
	file := fmt.Sprintf("/proc/%d/statm", pid)
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	return func() (int64, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(text))
		if len(fields) < 2 {
			return 0, fmt.Errorf("read %s: %q", file, text)
		}
		pages, err := strconv.ParseInt(fields[1], 10, 64)
		return pages * int64(os.Getpagesize()), err
	}
}

// tail is the end of what a process said.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}

// showCourses prints what happened in each attack.
func showCourses(out io.Writer, r siege.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ATTACK\tSENT\tTURNED AWAY\tEDITS\tGOODPUT\tP50\tP99\tHEALTH\tMEMORY\tREASONS")
	for _, c := range r.Courses {
		name := c.Attack
		if c.Calm {
			name = "none"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.2f\t%.0f ms\t%.0f ms\t%d of %d\t%d MiB\t%s\n", name, c.Sent, c.Turned, c.Acked, c.Goodput,
			c.P50.Seconds()*1000, c.P99.Seconds()*1000, c.Asked-c.Unwell, c.Asked, c.Resident>>20, c.Reasons())
	}
	fmt.Fprintln(w)
	return w.Flush()
}
