package main

import (
	"context"
	"errors"
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
  weir testbot ticker --listen 127.0.0.1:9002 --every 2s --key-file ticker.key
  weir testbot talker --server http://127.0.0.1:8080 --key-file talker.key`
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
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))
	if c.Name == talker {
		return c.talk(ctx, s, key, log)
	}
	bot, err := testbots.New(c.Name, testbots.Options{Server: c.Server, Key: key, Every: c.Every, Logger: log})
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

// talker is the robot that nobody calls.
const talker = "talker"

// talk is the talker, which thanks everybody for ever.
func (c testbotCmd) talk(ctx context.Context, s streams, key string, log *slog.Logger) error {
	if key == "" || c.Server == "" {
		return errors.New("testbot talker: it calls and is not called: give it --server, and the robot's key with --key-file or in $WEIR_ROBOT_KEY")
	}
	fmt.Fprintf(s.out, "%s talks with %s; stop it with Ctrl-C\n", talker, c.Server)
	return testbots.Agent{Server: c.Server, Key: key, Told: func(t testbots.Turn) {
		log.Info("turn", "bot", talker, "wavelet", t.Wavelet, "said", t.Said, "advice", t.Advice, "error", t.Error)
	}}.Run(ctx)
}

func (testbotCmd) list(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, k := range testbots.Kinds() {
		fmt.Fprintf(w, "%s\t%s\n", k.Name, k.About)
	}
	fmt.Fprintf(w, "%s\tthanks everybody for ever, over MCP, as a language model might; needs the robot's key and --server\n", talker)
	return w.Flush()
}
