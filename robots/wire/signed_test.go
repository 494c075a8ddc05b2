package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"weir/robots/oauth"
)

// strictJava is the door of a robot that was set up for OAuth: it takes no
// bundle that is not signed for it, over the body joined from its lines, or that
// names another RPC URL than the one it was set up with.
func strictJava(c oauth.Credentials, rpcURL string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, capabilitiesXML(`<w:version>1</w:version><w:protocolversion>0.22</w:protocolversion><w:capability name="DOCUMENT_CHANGED" context="SELF"/>`))
			return
		}
		body, _ := io.ReadAll(r.Body)
		joined := bytes.ReplaceAll(body, []byte("\n"), nil)
		signed := oauth.Request{Method: r.Method, URL: "http://" + r.Host + r.URL.Path, Params: r.URL.Query(), Body: joined, Hashed: true}
		if err := signed.Verify(c); err != nil || signed.Params.Get(oauth.ConsumerKey) != c.Key {
			http.Error(w, fmt.Sprint("not signed: ", err), http.StatusInternalServerError)
			return
		}
		if !bytes.Contains(body, []byte(`"rpcServerUrl":"`+rpcURL+`"`)) {
			http.Error(w, "another RPC URL", http.StatusInternalServerError)
			return
		}
		io.WriteString(w, "[]")
	}
}

// TestBundlesAreSigned delivers to a robot that insists on signatures: signed,
// unsigned, with a wrong secret and with another RPC URL.
func TestBundlesAreSigned(t *testing.T) {
	const rpcURL = "https://weir.example.com/robot/rpc"
	right := oauth.Credentials{Key: "spell@example.com", Secret: "what was shown once"}
	wrong := right
	wrong.Secret = "guessed"
	b := changed(newWavelet(t).blip("b+root", "", plain("a 😀 & <b> é\n")).state, "b+root")
	give := func(c oauth.Credentials) func() oauth.Credentials { return func() oauth.Credentials { return c } }
	for name, tt := range map[string]struct {
		o    PassiveOptions
		want error
	}{
		"signed":        {PassiveOptions{RPCServerURL: rpcURL, Credentials: give(right)}, nil},
		"unsigned":      {PassiveOptions{RPCServerURL: rpcURL}, ErrStatus},
		"no secret":     {PassiveOptions{RPCServerURL: rpcURL, Credentials: give(oauth.Credentials{Key: "k"})}, ErrStatus},
		"wrong secret":  {PassiveOptions{RPCServerURL: rpcURL, Credentials: give(wrong)}, ErrStatus},
		"other RPC URL": {PassiveOptions{RPCServerURL: rpcURL + "/", Credentials: give(right)}, ErrStatus},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, strictJava(right, rpcURL), tt.o)
			if _, err := p.Receive(t.Context(), b); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
		})
	}
}

// TestErrorsHoldNoSignature has a signed post fail.
func TestErrorsHoldNoSignature(t *testing.T) {
	p := NewPassive(spell, "http://127.0.0.1:1", devClient(), PassiveOptions{
		Known: true, Capabilities: everything("0.22", 0),
		Credentials: func() oauth.Credentials { return oauth.Credentials{Key: "k", Secret: "s"} },
	})
	defer p.Close()
	_, err := p.Receive(t.Context(), changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root"))
	if !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "oauth") {
		t.Errorf("error is %v", err)
	}
}
