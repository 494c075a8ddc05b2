package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"weir/events/bus"
	"weir/robots"
)

type robotsCmd struct {
	Register  robotsRegisterCmd  `cmd:"" help:"Register a robot; its key is shown once."`
	List      robotsListCmd      `cmd:"" help:"List the robots."`
	Show      robotsShowCmd      `cmd:"" help:"Show a robot."`
	Profile   robotsProfileCmd   `cmd:"" help:"Hold a robot under another profile, at once."`
	RotateKey robotsRotateKeyCmd `cmd:"" help:"Give a robot a new key; the old one is dead at once."`
	Suspend   robotsSuspendCmd   `cmd:"" help:"Take a robot out of service."`
	Resume    robotsResumeCmd    `cmd:"" help:"Take a robot back into service."`
	Remove    robotsRemoveCmd    `cmd:"" help:"Remove a robot; what it wrote stays."`
	Limits    robotsLimitsCmd    `cmd:"" help:"Show a robot's limits, as it sees them itself."`
}

func (robotsCmd) Help() string {
	return `The commands call a running server, which is found by its data directory.

Examples:

  weir robots register echo-a@weir.local --callback http://127.0.0.1:9001
  weir robots limits echo-a@weir.local
  weir robots profile spelly@weir.local interactive`
}

// robotPath is where a robot's calls are.
func robotPath(id string) string { return "/api/v1/robots/" + url.PathEscape(id) }

// keyed is a robot with a key that was just made.
type keyed struct {
	Robot robots.Robot `json:"robot"`
	Key   string       `json:"key"`
}

type robotsRegisterCmd struct {
	remote
	Address   string `arg:"" help:"Address of the robot: a name and the server's domain."`
	Callback  string `help:"Base URL at which it is called. Default: none; it only calls." placeholder:"URL"`
	Transport string `enum:",http,nats" default:"" help:"How bundles get to it: nats for a robot that connects to the server over NATS. Default: by HTTP, to its callback." placeholder:"nats"`
	Profile   string `help:"Limit profile. Default: the default one." placeholder:"NAME"`
	KeyFile   string `type:"path" help:"Write the key to this file, readable by you only, instead of showing it." placeholder:"FILE"`
}

func (robotsRegisterCmd) Help() string {
	return `Examples:

  weir robots register echo-a@weir.local --callback http://127.0.0.1:9001
  weir robots register spelly@weir.local --callback http://127.0.0.1:9002 --profile interactive
  weir robots register hello@weir.local --transport nats --key-file hello.key
  weir robots register ticker@weir.local --callback http://127.0.0.1:9003 --key-file ticker.key`
}

func (c robotsRegisterCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var made keyed
	in := map[string]string{"address": c.Address, "callback": c.Callback, "profile": c.Profile}
	if c.Transport != "" && c.Transport != "http" {
		in["transport"] = c.Transport
	}
	if err := a.call(ctx, http.MethodPost, "/api/v1/robots", in, &made); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "registered %s\nA client that signs (OAuth 1.0) uses the consumer key %s and the key as its secret.\n", made.Robot.Address, made.Robot.Address)
	if made.Robot.Transport == robots.TransportNATS {
		fmt.Fprintf(s.out, "It connects as user %s with the key as its password, and awaits bundles at %s.\n", made.Robot.Address, bus.BundlesSubject(made.Robot.Address))
	}
	return showKey(s, made.Key, c.KeyFile)
}

// showKey gives the user a key that cannot be had again.
func showKey(s streams, key, file string) error {
	if file == "" {
		fmt.Fprintf(s.out, "key: %s\nIt is shown this once; weir robots rotate-key makes another.\n", key)
		return nil
	}
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		fmt.Fprintf(s.out, "key: %s\n", key) // better shown than lost
		return fmt.Errorf("--key-file: %w", err)
	}
	fmt.Fprintf(s.out, "its key is in %s\n", file)
	return nil
}

type robotsListCmd struct{ listing }

func (robotsListCmd) Help() string {
	return "Example:\n\n  weir robots list"
}

func (c robotsListCmd) Run(ctx context.Context, s streams) error {
	return list(ctx, s, c.listing, "robots", []string{"ADDRESS", "PROFILE", "STATE", "CALLBACK", "LAST ERROR"}, func(r robots.Robot) []string {
		return []string{string(r.Address), or(r.Profile, "default"), state(r), reached(r), or(r.LastError, "-")}
	})
}

// state is whether a robot is in service.
func state(r robots.Robot) string {
	if r.Suspended {
		return "suspended"
	}
	return "in service"
}

// reachedAt is where bundles for a robot go, "" if it only calls.
func reachedAt(r robots.Robot) string {
	if r.Transport == robots.TransportNATS {
		return "it connects over NATS"
	}
	return r.Callback
}

// reached is that in a word.
func reached(r robots.Robot) string { return or(r.Transport, or(r.Callback, "-")) }

// or is s, or other if s is empty.
func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// oneRobot is the flags of the commands about one robot.
type oneRobot struct {
	remote
	ID   string `arg:"" help:"Address of the robot."`
	JSON bool   `help:"Print JSON."`
}

// do makes one call about the robot and shows what it says of the robot.
func (c oneRobot) do(ctx context.Context, s streams, method, below string, in any) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var r robots.Robot
	if err := a.call(ctx, method, robotPath(c.ID)+below, in, &r); err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, r)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "address\t%s\nprofile\t%s\nstate\t%s\ncallback\t%s\nregistered\t%s\n",
		r.Address, or(r.Profile, "default"), state(r), or(reachedAt(r), "none: it only calls"), r.Created.Local().Format(time.DateTime))
	if r.About != nil {
		fmt.Fprintf(w, "shown as\t%s\n", strings.TrimSpace(r.About.Name+" "+r.About.ProfileURL))
	}
	if r.Unsigned {
		fmt.Fprintf(w, "signatures\tnone, until weir robots rotate-key %s\n", r.Address)
	}
	if r.Connections > 0 {
		fmt.Fprintf(w, "connections\t%d\n", r.Connections)
	}
	if r.Capabilities != nil {
		var names []string
		for _, want := range r.Capabilities.Wants {
			names = append(names, string(want.Event))
		}
		fmt.Fprintf(w, "asks for\t%s\n", strings.Join(names, " "))
	}
	if r.LastError != "" {
		fmt.Fprintf(w, "last error\t%s (%s)\n", r.LastError, r.LastErrorAt.Local().Format(time.DateTime))
	}
	return w.Flush()
}

type robotsShowCmd struct{ oneRobot }

func (robotsShowCmd) Help() string { return "Example:\n\n  weir robots show echo-a@weir.local" }

func (c robotsShowCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodGet, "", nil)
}

type robotsProfileCmd struct {
	oneRobot
	Profile string `arg:"" help:"The profile; weir policies show lists them."`
}

func (robotsProfileCmd) Help() string {
	return "The robot's counts stay.\n\nExample:\n\n  weir robots profile spelly@weir.local interactive"
}

func (c robotsProfileCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPut, "/profile", map[string]string{"profile": c.Profile})
}

type robotsSuspendCmd struct{ oneRobot }

func (robotsSuspendCmd) Help() string {
	return "It is called no more, and its calls are refused.\n\nExample:\n\n  weir robots suspend echo-a@weir.local"
}

func (c robotsSuspendCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPost, "/suspend", nil)
}

type robotsResumeCmd struct{ oneRobot }

func (robotsResumeCmd) Help() string { return "Example:\n\n  weir robots resume echo-a@weir.local" }

func (c robotsResumeCmd) Run(ctx context.Context, s streams) error {
	return c.do(ctx, s, http.MethodPost, "/resume", nil)
}

type robotsRotateKeyCmd struct {
	remote
	ID      string `arg:"" help:"Address of the robot."`
	KeyFile string `type:"path" help:"Write the key to this file instead of showing it." placeholder:"FILE"`
}

func (robotsRotateKeyCmd) Help() string {
	return "Example:\n\n  weir robots rotate-key ticker@weir.local"
}

func (c robotsRotateKeyCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	var made keyed
	if err := a.call(ctx, http.MethodPost, robotPath(c.ID)+"/rotate-key", nil, &made); err != nil {
		return err
	}
	return showKey(s, made.Key, c.KeyFile)
}

type robotsRemoveCmd struct {
	remote
	ID string `arg:"" help:"Address of the robot."`
}

func (robotsRemoveCmd) Help() string { return "Example:\n\n  weir robots remove echo-a@weir.local" }

func (c robotsRemoveCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	if err := a.call(ctx, http.MethodDelete, robotPath(c.ID), nil, nil); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "removed %s\n", c.ID)
	return nil
}
