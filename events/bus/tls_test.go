package bus_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"testing"

	"weir/events/bus"

	"github.com/nats-io/nats.go"
)

// TestEncrypted connects to a server with a certificate; in the clear nobody is
// let in.
func TestEncrypted(t *testing.T) {
	source := httptest.NewTLSServer(nil) // for its certificate
	defer source.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(source.Certificate())
	r := newRig(t, bus.Options{TLS: &tls.Config{Certificates: source.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	if c, err := nats.Connect("nats://"+r.bus.Addr(), r.options(other)...); err == nil {
		t.Errorf("came in, encrypted: %v", c.TLSRequired())
		c.Close()
	}
	c := r.connect(echo, echoing, nats.Secure(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}))
	if state, err := c.TLSConnectionState(); err != nil || !state.HandshakeComplete {
		t.Errorf("not encrypted: %v", err)
	}
	r.ask(echo, "hello", "hello")
	if a := rpc(t, c, echo, "hello"); a.Status != 200 {
		t.Errorf("answered %+v", a)
	}
}
