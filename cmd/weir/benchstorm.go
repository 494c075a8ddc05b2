package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"weir"
	"weir/admission/admissionbench"
)

type benchStormCmd struct {
	benchFlags
	Live     bool    `help:"Real sockets, 2000 at 200 a second unless --clients and --capacity say otherwise, beside people who type."`
	Clients  int     `help:"Clients that come back at once. Default: 50000." placeholder:"N"`
	Capacity float64 `help:"Handshakes the server can do in a second. Default: 500." placeholder:"N"`
	Ignore   float64 `default:"0.2" help:"Part of the clients that ignore what they are told, in the runs with such." placeholder:"SHARE"`
	NoShow   float64 `name:"noshow" default:"0.2" help:"Part of the clients that do not return, in the runs with such." placeholder:"SHARE"`
	Seeds    int     `default:"3" help:"Runs of weir's own queue, of which the worst counts." placeholder:"N"`
	Rude     bool    `kong:"-"` // the clients of a live storm do not stand back behind the server
}

func (benchStormCmd) Help() string {
	return `A server restarts and all its clients come back at once. In virtual time, and with the queue that the server uses.

The table shows other ways to meet the storm beside weir's: how long until the last client was in, knocks per client, the part
of the handshakes' work that was for nothing, and, with clients that ignore what they are told, when those who obey and those
who ignore were in on average.

With --live, the server, eight people who type and the clients of the storm are three processes on this machine. Those clients would
be other machines, so they run at the lowest priority, on what processor time the others leave. The bar is on what a storm does to the
people: the 99th percentile from publish to acknowledgement beside that of ten seconds before. It is not measured if the clients
found so little time that they did not all knock within three seconds. What else runs on the machine counts: leave it alone meanwhile.

Examples:

  weir bench storm
  weir bench storm --live
  weir bench storm --clients 200000 --capacity 2000 --ignore 0.5`
}

// Validate checks what kong cannot.
func (c benchStormCmd) Validate() error {
	switch {
	case c.Clients < 0 || c.Clients > 1_000_000:
		return errors.New("--clients: 1 to 1000000")
	case !((c.Capacity == 0 || c.Capacity >= 1) && c.Capacity <= 1e6):
		return errors.New("--capacity: 1 to 1000000 handshakes a second")
	case !(c.Ignore >= 0 && c.Ignore <= 1):
		return errors.New("--ignore: a share from 0 to 1")
	case !(c.NoShow >= 0 && c.NoShow <= 1):
		return errors.New("--noshow: a share from 0 to 1")
	case c.Seeds < 1:
		return errors.New("--seeds: at least 1")
	}
	return nil
}

func (c benchStormCmd) Run(ctx context.Context, s streams) error {
	if c.Live {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		return c.live(ctx, s, self, 10*time.Second)
	}
	report, err := admissionbench.Storm(ctx, admissionbench.Options{
		Clients: c.Clients, Capacity: c.Capacity, Ignore: c.Ignore, NoShow: c.NoShow, Seeds: c.Seeds,
	})
	if err != nil {
		return err
	}
	figures := report.Figures
	if c.JSON {
		figures = append(figures, rivals(report)...)
	} else if err := showStorm(s.out, report); err != nil {
		return err
	}
	return c.show(s, "storm", report.Took, figures)
}

// live is the storm of real sockets: program serves, and is the crowd, and before
// it comes people type for so long.
func (c benchStormCmd) live(ctx context.Context, s streams, program string, calm time.Duration) error {
	clients, capacity := cmp.Or(c.Clients, 2000), cmp.Or(c.Capacity, 200)
	settings := fmt.Sprintf("queue: {capacity: %v}\nconnections: {per_address: 0, total: 0}\n", capacity)
	begun := time.Now()
	var figures []weir.Figure
	err := aside(ctx, program, settings, func(address, dir string, _ int) error {
		token, err := os.ReadFile(filepath.Join(dir, tokenFile))
		if err != nil {
			return fmt.Errorf("read the admin token: %w", err)
		}
		figures, err = admissionbench.Live(ctx, admissionbench.LiveOptions{
			URL: address, Admin: strings.TrimSpace(string(token)), Clients: clients, Typists: 8, Calm: calm,
			Crowd: func(ctx context.Context, in func(admissionbench.Crowded) error) error {
				return c.crowd(ctx, program, address, clients, in)
			},
		})
		return err
	})
	if err != nil {
		return err
	}
	return c.show(s, "storm --live", time.Since(begun), figures)
}

// crowd has program's clients come in a process of their own, at the lowest
// priority unless they are rude.
func (c benchStormCmd) crowd(ctx context.Context, program, address string, clients int, in func(admissionbench.Crowded) error) error {
	words := []string{"nice", "-n", "19", program, "bench", "crowd", address, strconv.Itoa(clients)}
	if c.Rude {
		words = words[3:]
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start the clients: %w", err)
	}
	var came admissionbench.Crowded
	if err = json.NewDecoder(out).Decode(&came); err == nil {
		err = in(came)
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("the clients: %w: %s", err, tail(said.String()))
	}
	return nil
}

// benchCrowdCmd is what crowd starts.
type benchCrowdCmd struct {
	Address string `arg:""`
	Clients int    `arg:""`
}

func (c benchCrowdCmd) Run(ctx context.Context, s streams) error {
	return admissionbench.Crowd(ctx, c.Address, c.Clients, func(came admissionbench.Crowded) error {
		return json.NewEncoder(s.out).Encode(came)
	})
}

// showStorm prints how each strategy fared.
func showStorm(out io.Writer, r admissionbench.StormReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STRATEGY\tDRAIN\tATTEMPTS\tLOST\tSOME IGNORE: DRAIN\tATTEMPTS\tIN AFTER, OBEYING\tIGNORING")
	for _, row := range r.Rows {
		a, b := row.Obeyed, row.Ignored
		obeying, ignoring := "-", "-"
		if b.Drained {
			obeying, ignoring = fmt.Sprintf("%.1f s", b.Obeying), fmt.Sprintf("%.1f s", b.Ignoring)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f %%\t%s\t%s\t%s\t%s\n", row.Strategy,
			drained(a), attempts(a), 100*a.Lost, drained(b), attempts(b), obeying, ignoring)
	}
	fmt.Fprintf(w, "ideal\t%.0f s\n\n", r.Ideal)
	return w.Flush()
}

func drained(o admissionbench.Outcome) string {
	if !o.Drained {
		return "never"
	}
	return fmt.Sprintf("%.0f s", o.Drain)
}

// attempts says how many knocks a client took, those of a storm that was given
// up as hopeless with a sign that there would be more.
func attempts(o admissionbench.Outcome) string {
	if !o.Drained {
		return fmt.Sprintf("> %.1f", o.Attempts)
	}
	return fmt.Sprintf("%.1f", o.Attempts)
}

// rivals are the lines of the table as figures without a bar.
func rivals(r admissionbench.StormReport) []weir.Figure {
	var all []weir.Figure
	for _, row := range r.Rows {
		for _, x := range []struct {
			when string
			o    admissionbench.Outcome
		}{{"", row.Obeyed}, {", some ignore", row.Ignored}} {
			add := func(what string, v float64, unit string, measured bool) {
				all = append(all, weir.Figure{Name: row.Strategy + x.when + ": " + what, Value: v, Unit: unit, Measured: measured})
			}
			add("drain", x.o.Drain, "s", x.o.Drained)
			add("attempts per client", x.o.Attempts, "", x.o.Drained)
			add("work lost", x.o.Lost, "", true)
		}
	}
	return all
}
