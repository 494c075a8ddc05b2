package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"text/tabwriter"
	"time"

	"weir/testbots"
)

type testbotCmd struct {
	Name    string        `arg:"" help:"Which one; list shows them."`
	Listen  string        `default:"127.0.0.1:9001" help:"Address to serve on; port 0 picks a free one."`
	Server  string        `help:"Server to call, for robots that write unasked. Default: the one that its bundles name." placeholder:"URL"`
	KeyFile string        `type:"path" help:"File with the robot's key, for robots that write unasked. Or set $WEIR_ROBOT_KEY." placeholder:"FILE"`
	Every   time.Duration `default:"5s" help:"How often the ticker writes."`
	Quiet   bool          `short:"q" help:"Do not log each bundle."`
}

func (testbotCmd) Help() string {
	return `A testbot is an ordinary robot: an HTTP program that speaks the Wave robot protocol. Start it, register it with the URL that
it prints, and add it to a wavelet.

Examples:

  weir testbot list
  weir testbot echo --listen 127.0.0.1:9001
  weir robots register echo-a@weir.local --callback http://127.0.0.1:9001
  weir testbot ticker --listen 127.0.0.1:9002 --every 2s --key-file ticker.key`
}

func (c testbotCmd) Run(ctx context.Context, s streams) error {
	if c.Name == "list" {
		return c.list(s)
	}
	key, err := robotKey(c.KeyFile)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if c.Quiet {
		level = slog.LevelWarn
	}
	bot, err := testbots.New(c.Name, testbots.Options{
		Server: c.Server, Key: key, Every: c.Every,
		Logger: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("testbot %s: listen: %w", c.Name, err)
	}
	fmt.Fprintf(s.out, "%s serves on http://%s; stop it with Ctrl-C\n", c.Name, l.Addr())
	return bot.Serve(ctx, l)
}

func (testbotCmd) list(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, k := range testbots.Kinds() {
		fmt.Fprintf(w, "%s\t%s\n", k.Name, k.About)
	}
	return w.Flush()
}
