package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weir/gateway"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/wavelet/host"
	"weir/web"
)

// config is everything that a house is built from.
type config struct {
	addr      string // to listen on
	data      string // directory
	domain    string
	publicURL string // how others reach the server; "": http:// and the address
	sealKey   string // file with the key that seals secrets, "" for one in the data directory
	policies  string // file, "" for the built-in profiles
	admission string // file, "" for the default configuration
	nats      natsConfig

	devLogin  bool // a name is enough, from this machine
	loginKeys []web.LoginKey
	issuer    string
	audience  string

	decisions     int   // kept, 0: as the gateway likes
	decisionBytes int64 // of these
	bodyBytes     int64 // of large bodies at once; 0: 64 MiB
	trafficBytes  int64 // of the governor's traffic to record; 0: none

	privateCallbacks bool // robots may live at loopback and private addresses
	log              *slog.Logger

	timeScale float64                 // how many times as fast time runs for robots; 0: as it is
	epoch     time.Time               // when it began to; zero: when the server is built
	ratioOnly bool                    // lineage is off: the response ratio alone convicts
	causeGap  time.Duration           // between two messages of a person; 0: the host's
	patience  time.Duration           // for a robot's answer, if that is more than its profile has; 0: the profile's
	feed      func(gateway.Happening) // what happens at the gateway; nil: nobody listens
	observer  host.Observer           // is told of commits before the gateway is; nil: nobody
}

// errOpen refuses to serve the network without knowing who is who.
var errOpen = errors.New("refusing to start open to the network")

// check refuses a configuration that lets strangers in.
func (c config) check() error {
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("--addr: %w; give HOST:PORT, such as 127.0.0.1:8080", err)
	}
	if err := c.nats.check(); err != nil {
		return err
	}
	doors := [][2]string{{"--addr", host}}
	if c.publicURL != "" {
		doors = append(doors, [2]string{"--public-url", hostOf(c.publicURL)})
	}
	for _, door := range doors {
		flag, reachable := door[0], door[1]
		if loopback(reachable) {
			continue
		}
		if len(c.loginKeys) == 0 {
			return fmt.Errorf("%s: %w: others can reach %q, and nothing tells one person from another; give --jwt-key-file, or stay on 127.0.0.1", flag, errOpen, reachable)
		}
		if c.devLogin {
			return fmt.Errorf("--dev-login: %w: with it a name is enough, and others can reach %q; leave it out", errOpen, reachable)
		}
	}
	return nil
}

// loopback reports whether only this machine can reach host. The empty host
// means every address of it.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// guard is where robots may live.
func (c config) guard() wire.Guard {
	if !c.privateCallbacks {
		return wire.Guard{}
	}
	allow := wire.Loopback()
	for _, private := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
		allow = append(allow, netip.MustParsePrefix(private))
	}
	return wire.Guard{Allow: allow}
}

// readLoginKey reads a key that verifies login tokens: an Ed25519 public key as
// PEM, or a secret of at least 32 bytes for HS256. The argument is FILE or
// ID=FILE, where ID is the tokens' "kid".
func readLoginKey(arg string) (web.LoginKey, error) {
	id, file, ok := strings.Cut(arg, "=")
	if !ok {
		id, file = "", arg
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return web.LoginKey{}, fmt.Errorf("--jwt-key-file: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		secret := bytes.TrimSpace(raw)
		if len(secret) < 32 {
			return web.LoginKey{}, fmt.Errorf("--jwt-key-file %s: a secret needs at least 32 bytes, this has %d; openssl rand -hex 32 makes one", file, len(secret))
		}
		return web.LoginKey{ID: id, Algorithm: "HS256", Key: secret}, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ed := parsed.(ed25519.PublicKey)
	if err != nil || !ed {
		return web.LoginKey{}, fmt.Errorf("--jwt-key-file %s: the PEM block %q is no Ed25519 public key; openssl pkey -pubout writes one", file, block.Type)
	}
	return web.LoginKey{ID: id, Algorithm: "EdDSA", Key: key}, nil
}

// secret reads a secret that is kept in the data directory, or makes it,
// readable by its owner only. Created tells which.
func (c config) secret(name string) (secret string, created bool, err error) {
	file := filepath.Join(c.data, name)
	raw, err := os.ReadFile(file)
	if err == nil && len(bytes.TrimSpace(raw)) < 32 {
		return "", false, fmt.Errorf("read %s: it holds no secret; remove it to have a new one made", file)
	}
	if err == nil {
		return string(bytes.TrimSpace(raw)), false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read %s: %w", file, err)
	}
	secret = rand.Text() + rand.Text()
	if err := keep(file, secret); err != nil {
		return "", false, fmt.Errorf("make %s: %w", file, err)
	}
	return secret, true, nil
}

// keep writes a secret to a file that its owner alone can read, whole or not at
// all: the data may come to depend on it.
func keep(file, secret string) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".secret-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// vault is the vault of the server's secrets: that of the key file given, or
// of one beside the data.
func (c config) vault() (*vault.Vault, error) {
	if c.sealKey == "" {
		key, _, err := c.secret("seal-key")
		if err != nil {
			return nil, err
		}
		return vault.New([]byte(key))
	}
	key, err := os.ReadFile(c.sealKey)
	if err != nil {
		return nil, fmt.Errorf("--seal-key-file: %w", err)
	}
	v, err := vault.New(bytes.TrimSpace(key))
	if err != nil {
		return nil, fmt.Errorf("--seal-key-file %s: %w; openssl rand -hex 32 makes one", c.sealKey, err)
	}
	return v, nil
}

// sealed reads a secret that is kept sealed in the data directory, or makes it.
// One that an earlier server left in the clear is sealed.
func (c config) sealed(name string, v *vault.Vault) (string, error) {
	secret, created, err := c.secret(name)
	switch {
	case err != nil:
		return "", err
	case vault.Sealed(secret):
		if secret, err = v.Open(name, secret); err != nil {
			return "", fmt.Errorf("read %s: %w; give the key with --seal-key-file", filepath.Join(c.data, name), err)
		}
		return secret, nil
	}
	if err := keep(filepath.Join(c.data, name), v.Seal(name, secret)); err != nil {
		return "", fmt.Errorf("seal %s: %w", filepath.Join(c.data, name), err)
	}
	if !created && c.log != nil {
		c.log.Info("secret sealed", "name", name)
	}
	return secret, nil
}
