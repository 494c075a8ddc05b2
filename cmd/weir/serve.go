package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"weir/web"
)

type serveCmd struct {
	Addr                  string   `default:"127.0.0.1:8080" env:"WEIR_ADDR" help:"Address to listen on; port 0 picks a free one."`
	Data                  string   `type:"path" default:"./weir-data" env:"WEIR_DATA" help:"Data directory; made if it is not there."`
	Domain                string   `default:"weir.local" env:"WEIR_DOMAIN" help:"Domain of the addresses of wavelets and robots made here."`
	PublicURL             string   `name:"public-url" env:"WEIR_PUBLIC_URL" help:"URL by which others reach the server. Default: http:// and the address." placeholder:"URL"`
	Policies              string   `type:"path" help:"Policy file; read again on SIGHUP. Default: what was last in force." placeholder:"FILE"`
	Admission             string   `type:"path" help:"File that says who is let in, and how often; read again on SIGHUP. Default: what was last in force." placeholder:"FILE"`
	JWTKeyFile            []string `name:"jwt-key-file" help:"Key that verifies login tokens: an Ed25519 public key (PEM), or a secret for HS256. ID=FILE if tokens name their key. May be repeated." placeholder:"FILE"`
	JWTIssuer             string   `name:"jwt-issuer" help:"Issuer that login tokens must name." placeholder:"ISS"`
	JWTAudience           string   `name:"jwt-audience" help:"Audience that login tokens must name." placeholder:"AUD"`
	DevLogin              *bool    `negatable:"" help:"Let people in by name alone, from this machine. Default: on a loopback address without login keys."`
	AllowPrivateCallbacks *bool    `negatable:"" help:"Let robots live at loopback and private addresses. Default: on a loopback address."`
	SealKeyFile           string   `name:"seal-key-file" type:"path" env:"WEIR_SEAL_KEY_FILE" help:"Key that seals the secrets that are stored: at least 32 bytes, kept apart from the data. Default: seal-key in the data directory, made at the first start." placeholder:"FILE"`
	Decisions             int      `default:"100000" help:"How many of the governor's decisions to keep."`
	DecisionsMiB          int      `name:"decisions-mib" default:"64" help:"And at most so many MiB of them."`
	BodiesMiB             int      `name:"bodies-mib" default:"64" help:"How many MiB of large bodies, of requests and of robots' answers, to hold at once."`
	TrafficBytes          int64    `name:"traffic-bytes" default:"268435456" help:"How many bytes of traffic to record for weir policies try, some 30 for each delivery, answer and call; 0: none."`
	natsFlags
	Log     string `default:"info" enum:"debug,info,warn,error" help:"How much to log: ${enum}."`
	LogJSON bool   `name:"log-json" help:"Log as JSON."`
}

func (serveCmd) Help() string {
	return `The first start makes the admin token, in the data directory and readable by its owner only. The server refuses to listen
where others can reach it until it can tell people apart by --jwt-key-file.

SIGHUP reads the files of --policies and --admission again; all keep their counts, and a file with a fault changes nothing. Interrupt and SIGTERM end what is under way and stop.

Examples:

  weir serve
  weir serve --addr 127.0.0.1:0 --data /srv/weir
  weir serve --addr :8080 --public-url https://weir.example.com --domain example.com --jwt-key-file login.pub
  weir serve --policies policies.yaml
  weir serve --nats-listen 127.0.0.1:4222
  weir serve --nats nats://nats.example.com:4222 --nats-creds weir.creds`
}

func (c serveCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.config(s)
	if err != nil {
		return err
	}
	h, err := build(ctx, cfg)
	if err != nil {
		return err
	}
	c.announce(s, h)
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { reloadOnHangup(ctx, h) })
	err = h.Run(ctx)
	stop()
	wg.Wait()
	return err
}

// config is what the flags say, with what follows from the address.
func (c serveCmd) config(s streams) (config, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	local := err == nil && loopback(host) && c.PublicURL == ""
	bus, err := c.natsFlags.config()
	if err != nil {
		return config{}, err
	}
	cfg := config{
		addr: c.Addr, data: c.Data, domain: c.Domain, publicURL: c.PublicURL, sealKey: c.SealKeyFile, policies: c.Policies, admission: c.Admission,
		issuer: c.JWTIssuer, audience: c.JWTAudience,
		decisions: c.Decisions, decisionBytes: int64(c.DecisionsMiB) << 20, bodyBytes: int64(c.BodiesMiB) << 20, trafficBytes: c.TrafficBytes,
		devLogin:         local && len(c.JWTKeyFile) == 0,
		privateCallbacks: local,
		nats:             bus,
		log:              c.logger(s),
	}
	if c.DevLogin != nil {
		cfg.devLogin = *c.DevLogin
	}
	if c.AllowPrivateCallbacks != nil {
		cfg.privateCallbacks = *c.AllowPrivateCallbacks
	}
	for _, arg := range c.JWTKeyFile {
		key, err := readLoginKey(arg)
		if err != nil {
			return config{}, err
		}
		cfg.loginKeys = append(cfg.loginKeys, web.LoginKey(key))
	}
	return cfg, nil
}

func (c serveCmd) logger(s streams) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log)) // one of the enum
	o := &slog.HandlerOptions{Level: level}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(s.err, o))
	}
	return slog.New(slog.NewTextHandler(s.err, o))
}

// announce says where everything is.
func (c serveCmd) announce(s streams, h *house) {
	token := filepath.Join(h.config.data, tokenFile)
	made := ""
	if h.newToken {
		made = " (made just now)"
	}
	fmt.Fprintf(s.out, "page:        %s/\n", h.url())
	fmt.Fprintf(s.out, "data:        %s\n", h.config.data)
	fmt.Fprintf(s.out, "admin token: %s%s\n", token, made)
	if h.bus != nil {
		fmt.Fprintf(s.out, "nats:        %s\n", h.config.nats.shown(h.bus.Addr()))
	}
	if v := h.policies.Current(); v.Number > 0 {
		fmt.Fprintf(s.out, "policies:    %s\n", versionLine(v))
	}
	switch {
	case h.config.devLogin:
		fmt.Fprintln(s.out, "login:       a name is enough, from this machine")
	case len(h.config.loginKeys) > 0:
		fmt.Fprintf(s.out, "login:       by token, verified with %d key(s)\n", len(h.config.loginKeys))
	default:
		fmt.Fprintln(s.out, "login:       nobody; give --dev-login or --jwt-key-file")
	}
}

// reloadOnHangup reads the policy and admission files again at each SIGHUP, until ctx ends.
func reloadOnHangup(ctx context.Context, h *house) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		h.reload(ctx)
	}
}
