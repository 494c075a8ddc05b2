package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weir/admission"
	"weir/admission/blocks"
	"weir/admission/bounds"
	"weir/admission/settings"
	"weir/gateway"
	"weir/governor"
	"weir/governor/traffic"
	"weir/policies/book"
	"weir/robots"
	"weir/robots/grants"
	"weir/robots/mcp"
	"weir/robots/rpc"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/host"
	"weir/wavelet/reading"
	"weir/wavelet/sharing"
	"weir/web"
	"weir/web/logins"
)

// build makes a house. What it has opened it closes again if it fails.
func build(ctx context.Context, c config) (_ *house, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	h := &house{config: c, log: c.log}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	rules := book.Options{File: c.policies, Changed: h.robotsChanged}
	if c.policies != "" {
		if rules.Text, err = h.policyText(); err != nil {
			return nil, err
		}
	}
	limits := settings.Options{File: c.admission, Changed: func(c admission.Config) { h.web.SetAdmission(c) }}
	if c.admission != "" {
		if limits.Text, err = h.admissionText(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	h.store, err = store.Open(filepath.Join(c.data, storeFile), store.Options{})
	if errors.Is(err, store.ErrLocked) {
		return nil, fmt.Errorf("%s is in use by another weir; stop that one, or choose another directory with --data: %w", c.data, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the data in %s: %w", c.data, err)
	}
	defer func() {
		if err != nil {
			h.closeStore()
		}
	}()
	if h.policies, err = book.Open(ctx, h.store, rules); err != nil {
		return nil, err
	}
	if h.settings, err = settings.Open(ctx, h.store, limits); err != nil {
		return nil, err
	}
	if c.trafficBytes > 0 {
		h.traffic, err = traffic.Open(filepath.Join(c.data, trafficDir), traffic.Options{Bytes: c.trafficBytes, Logger: h.log})
		if err != nil {
			return nil, err
		}
	}
	if h.listener, err = net.Listen("tcp", c.addr); err != nil {
		return nil, fmt.Errorf("--addr: %w", err)
	}
	defer func() {
		if err != nil {
			_ = h.listener.Close()
			if h.bus != nil {
				h.bus.Close()
			}
		}
	}()
	if err := h.assemble(ctx); err != nil {
		return nil, err
	}
	if err := os.WriteFile(h.addressFile(), []byte("http://"+h.listener.Addr().String()+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("note the address: %w", err)
	}
	return h, nil
}

// addressFile says where the server listens, while it runs.
func (h *house) addressFile() string { return filepath.Join(h.config.data, addressFile) }

// assemble builds the floors on top of the store, each from those below it.
func (h *house) assemble(ctx context.Context) error {
	var err error
	if h.adminToken, h.newToken, err = h.config.secret(tokenFile); err != nil {
		return err
	}
	secrets, err := h.config.vault()
	if err != nil {
		return err
	}
	tokenSecret, err := h.config.sealed("bundle-secret", secrets)
	if err != nil {
		return err
	}
	h.wavelets = host.NewStoreLog(h.store)
	h.host = host.New(h.wavelets, host.Options{CauseGap: h.config.causeGap, Logger: h.log})

	h.files = attachment.New(h.store)
	around := wire.Surroundings{Waves: h.host.Summaries, Reading: reading.New(h.store), Files: h.files, URL: h.url()}

	h.bodies = bounds.NewBodies(bounds.BodiesOptions{Bytes: h.config.bodyBytes})
	kv, err := robots.NewBucket(h.store)
	if err != nil {
		return err
	}
	if h.blocks, err = blocks.Open(h.store, nil); err != nil {
		return err
	}
	h.robots, err = robots.Open(ctx, kv, robots.Options{
		Domain: h.config.domain, Profiles: h.policies.Set, Guard: h.config.guard(), RPCServerURL: h.url() + "/robot/rpc",
		Surroundings: around, Find: h.find, Vault: secrets, Bodies: h.bodies, Blocked: h.blocks.Participant, Ask: h.ask(), Logger: h.log,
	})
	if errors.Is(err, vault.ErrSealed) {
		return fmt.Errorf("%w; give the key that the data was sealed with, by --seal-key-file", err)
	}
	if err != nil {
		return err
	}
	if h.grants, err = grants.Open(h.store, secrets, nil); err != nil {
		return err
	}
	if h.links, err = sharing.Open(ctx, h.store, nil); err != nil {
		return err
	}
	if h.logins, err = logins.Open(h.store, nil); err != nil {
		return err
	}
	standard, _ := h.policies.Set().Profile("")
	judge := governor.New(governor.Options{Default: standard, RatioOnly: h.config.ratioOnly})
	h.gateway = gateway.New(h.host, roster{h.robots, h.config.patience}, judge, h.store, gateway.Options{
		TimeScale: h.config.timeScale, Epoch: h.config.epoch, Server: h.self(), Secret: []byte(tokenSecret), Feed: h.happened, Suspend: h.suspend, Logger: h.log,
		Decisions: h.config.decisions, DecisionBytes: h.config.decisionBytes, Traffic: h.traffic,
	})
	door, err := h.open(around)
	if err != nil {
		return err
	}
	h.host.SetGuard(h.gateway) // the ring: host tells gateway, gateway writes through host, host asks gateway
	if h.config.observer != nil {
		h.host.Observe(h.config.observer)
	}
	h.host.Observe(h.gateway)
	h.host.Observe(h.web)
	h.robots.OnChange(h.robotChanged)
	h.blocks.OnChange(h.blockChanged)
	h.robotsChanged()
	return h.openBus(door) // last, for it lets robots in at once
}

// open builds the HTTP edge, and the robots' way in.
func (h *house) open(around wire.Surroundings) (*rpc.Handler, error) {
	auth, err := web.NewAuthenticator(web.AuthOptions{
		Keys: h.config.loginKeys, Issuer: h.config.issuer, Audience: h.config.audience,
		DevLogin: h.config.devLogin, AdminToken: h.adminToken, Operator: h.drill(),
		NotPeople: func(p wavelet.Participant) bool { return p == h.self() || h.robots.Registered(p) },
		Since:     h.logins.Since,
		Blocked:   h.blocks.Participant,
	})
	if err != nil {
		return nil, fmt.Errorf("--jwt-key-file: %w", err)
	}
	nonces, err := rpc.OpenNonces(h.store)
	if err != nil {
		return nil, err
	}
	work := bounds.NewWork(admission.DefaultConcurrency()) // the server sets what is configured
	door := rpc.New(h.robots, h.gateway, rpc.Options{
		PublicURL: h.config.publicURL, Nonces: nonces, Work: work, Logger: h.log, Refused: func(layer, reason string) { h.web.Refused(layer, reason) },
		Called: func(who wavelet.Participant, operations int, took time.Duration, refused string) {
			h.web.Called(who, operations, took, refused)
		},
	})
	door.Surround(around)
	agents := mcp.New(door, h.gateway, mcp.Options{Waves: around.Waves, Version: version()})
	h.web = web.New(web.Deps{
		Host: h.host, Gateway: h.gateway, Robots: h.robots, Profiles: h.policies.Set, Policies: h.policies, Settings: h.settings, Traffic: h.traffic, Auth: auth, Domain: h.config.domain,
		RPC: door, Data: door.Data(h.grants, auth.Claim), MCP: agents, Grants: h.grants, Logins: h.logins, Links: h.links, Blocks: h.blocks, Files: h.files, Reading: around.Reading, Bodies: h.bodies, Work: work,
		Origins: origins(h.config.publicURL), Version: "weir " + version(), Logger: h.log,
	})
	h.web.SetAdmission(h.settings.Config())
	return door, nil
}

// self is the address in whose name the server writes.
func (h *house) self() wavelet.Participant { return wavelet.Participant("weir@" + h.config.domain) }

// drill is the person in whose name an operator tries the server.
func (h *house) drill() wavelet.Participant { return wavelet.Participant("drill@" + h.config.domain) }

// url is where the server is reached.
func (h *house) url() string {
	if h.config.publicURL != "" {
		return strings.TrimSuffix(h.config.publicURL, "/")
	}
	return "http://" + h.listener.Addr().String()
}

// origins is the host of the public URL, whose pages may open sockets.
func origins(public string) []string {
	if host := hostOf(public); host != "" {
		return []string{host}
	}
	return nil
}
