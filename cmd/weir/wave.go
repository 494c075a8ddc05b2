package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"weir/wavelet"
	"weir/wavelet/client"
)

type waveCmd struct {
	Create waveCreateCmd `cmd:"" help:"Make a wavelet."`
	Show   waveShowCmd   `cmd:"" help:"Show a wavelet."`
	Say    waveSayCmd    `cmd:"" help:"Write a message."`
	Add    waveAddCmd    `cmd:"" help:"Let somebody in: a person, or a robot."`
}

func (waveCmd) Help() string {
	return `The commands work by hand what people otherwise do in a client.

Examples:

  weir wave create --as ann@weir.local --title Notes bob@weir.local
  weir wave add --as ann@weir.local WAVELET echo-a@weir.local
  weir wave say --as ann@weir.local WAVELET Good morning.
  weir wave show --as ann@weir.local WAVELET`
}

// someone is the flags by which a person's command reaches the server.
type someone struct {
	place
	As        string `required:"" help:"Who does it." placeholder:"ADDRESS"`
	LoginFile string `type:"path" help:"File with a login token. Default: the name alone, where the server takes that." placeholder:"FILE"`
}

// api is the API as that person sees it.
func (c someone) api() (api, error) {
	a := api{url: c.url(), user: c.As}
	if c.LoginFile == "" {
		return a, nil
	}
	raw, err := os.ReadFile(c.LoginFile)
	if err != nil {
		return a, fmt.Errorf("--login-file: %w", err)
	}
	a.token = string(bytes.TrimSpace(raw))
	return a, nil
}

// wavePath is where a wavelet's calls are.
func wavePath(name string) (string, error) {
	n, err := wavelet.ParseName(name)
	if err != nil {
		return "", fmt.Errorf("WAVELET: %w; weir wave create prints it", err)
	}
	return "/api/v1/waves/" + url.PathEscape(n.Wave) + "/" + url.PathEscape(n.Wavelet), nil
}

// call makes one call about a wavelet.
func (c someone) call(ctx context.Context, method, name, below string, in, out any) error {
	path, err := wavePath(name)
	if err != nil {
		return err
	}
	a, err := c.api()
	if err != nil {
		return err
	}
	return a.call(ctx, method, path+below, in, out)
}

type waveCreateCmd struct {
	someone
	Title        string   `help:"Its title." placeholder:"TEXT"`
	Participants []string `arg:"" optional:"" help:"Who takes part, people and robots."`
}

func (waveCreateCmd) Help() string {
	return "Prints the wavelet's name.\n\nExample:\n\n  weir wave create --as ann@weir.local --title Notes bob@weir.local echo-a@weir.local"
}

func (c waveCreateCmd) Run(ctx context.Context, s streams) error {
	a, err := c.api()
	if err != nil {
		return err
	}
	var made client.Placed
	in := map[string]any{"title": c.Title, "participants": append([]string{}, c.Participants...)}
	if err := a.call(ctx, http.MethodPost, "/api/v1/waves", in, &made); err != nil {
		return err
	}
	fmt.Fprintln(s.out, made.Name())
	return nil
}

type waveShowCmd struct {
	someone
	Wavelet string `arg:"" help:"The wavelet, as create prints it."`
	Format  string `default:"text" enum:"text,json,html" help:"One of ${enum}."`
	Version uint64 `help:"As it was at this version. Default: as it is." placeholder:"N"`
}

func (waveShowCmd) Help() string {
	return "Example:\n\n  weir wave show --as ann@weir.local 'weir.local!w+abc/weir.local!conv+root'"
}

func (c waveShowCmd) Run(ctx context.Context, s streams) error {
	var text string
	if err := c.call(ctx, http.MethodGet, c.Wavelet, fmt.Sprintf("?format=%s&version=%d", c.Format, c.Version), nil, &text); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out, strings.TrimSuffix(text, "\n"))
	return err
}

type waveSayCmd struct {
	someone
	Wavelet string   `arg:"" help:"The wavelet, as create prints it."`
	Text    []string `arg:"" help:"The message."`
}

func (waveSayCmd) Help() string {
	return "Example:\n\n  weir wave say --as ann@weir.local 'weir.local!w+abc/weir.local!conv+root' Good morning."
}

func (c waveSayCmd) Run(ctx context.Context, s streams) error {
	return c.call(ctx, http.MethodPost, c.Wavelet, "/blips", map[string]string{"text": strings.Join(c.Text, " ")}, nil)
}

type waveAddCmd struct {
	someone
	Wavelet  string `arg:"" help:"The wavelet, as create prints it."`
	Who      string `arg:"" help:"Address of a person or robot."`
	Role     string `default:"full" enum:"full,comment,read" help:"One of ${enum}."`
	Override bool   `help:"Bring an evicted robot back before its cooldown is over."`
}

func (waveAddCmd) Help() string {
	return "Example:\n\n  weir wave add --as ann@weir.local 'weir.local!w+abc/weir.local!conv+root' echo-a@weir.local --override"
}

func (c waveAddCmd) Run(ctx context.Context, s streams) error {
	in := map[string]any{"who": c.Who, "role": c.Role, "override": c.Override}
	return c.call(ctx, http.MethodPost, c.Wavelet, "/participants", in, nil)
}
