package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes beside 0 and kong's own 80 for a wrong command line.
const (
	exitFailed     = 1
	exitUnmeasured = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(report(err, os.Stderr))
}

// streams is where a command writes: results to out, everything else to err.
type streams struct{ out, err io.Writer }

// outcome is an error that decides the exit code. One without a message has
// been told to the user already.
type outcome struct {
	code    int
	message string
}

func (o *outcome) Error() string { return o.message }

// report tells the user why a command failed and returns the exit code.
func report(err error, w io.Writer) int {
	if err == nil {
		return 0
	}
	code := exitFailed
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		code = parse.ExitCode()
		err = fmt.Errorf("%w\nhelp: weir %s--help", err, commandOf(parse))
	}
	if o, ok := errors.AsType[*outcome](err); ok {
		code = o.code
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err.Error() != "" {
		fmt.Fprintf(w, "weir: %v\n", err)
	}
	return code
}

// commandOf is the subcommand that a command line got as far as, with a blank
// behind it.
func commandOf(e *kong.ParseError) string {
	if e.Context == nil || e.Context.Command() == "" {
		return ""
	}
	var path strings.Builder
	for _, p := range e.Context.Path {
		if p.Command != nil {
			path.WriteString(p.Command.Name + " ")
		}
	}
	return path.String()
}

// run parses a command line and runs the command.
func run(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 || args[0] == "help" { // weir help robots = weir robots --help
		args = append(args[min(1, len(args)):], "--help")
	}
	var c cli
	parser, err := kong.New(&c,
		kong.Name("weir"),
		kong.Description(about),
		kong.Writers(s.out, s.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
	)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}
