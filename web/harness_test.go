package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/admission"
	"weir/admission/blocks"
	"weir/admission/bounds"
	"weir/admission/lending"
	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/policies/book"
	"weir/robots"
	"weir/robots/grants"
	"weir/robots/rpc"
	"weir/robots/vault"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/client"
	"weir/wavelet/host"
	"weir/wavelet/reading"
	"weir/wavelet/sharing"
	"weir/web"
	"weir/web/logins"
)

const (
	ann        = wavelet.Participant("ann@example.com")
	bob        = wavelet.Participant("bob@example.com")
	eve        = wavelet.Participant("eve@example.com")
	adminToken = "the operators' token"
)

// house is a whole server on a free port, over a store in memory.
type house struct {
	t         *testing.T
	host      *host.Host
	gateway   *gateway.Gateway
	directory *robots.Directory
	grants    *grants.Book
	web       *web.Server
	url       string
	http      *http.Client // reaches it
	pipes     *pipes       // in place of the network, if it is asked for
	close     func()
}

// plan says how a house differs from the usual.
type plan struct {
	memory  *store.Memory                 // nil: an empty one
	host    func(web.Host) web.Host       // put between the edge and the host
	gateway func(web.Gateway) web.Gateway // put between the edge and the gateway
	ready   func() error
	pipes   *pipes // what it is reached through; nil: a free port

	handshake time.Duration
	decisions int               // kept; 0: the usual
	admission *admission.Config // nil: the usual
	log       *slog.Logger
	lender    lending.Lender // nil: there is one node only
	bodies    *bounds.Bodies
}

// build starts a house. Wrap, if not nil, puts something between the edge and
// the host.
func build(t *testing.T, wrap func(web.Host) web.Host) *house {
	t.Helper()
	return plan{host: wrap}.build(t)
}

func (p plan) build(t *testing.T) *house {
	t.Helper()
	memory := p.memory
	if memory == nil {
		memory = store.NewMemory()
	}
	h := host.New(host.NewStoreLog(memory), host.Options{})
	rules, err := book.Open(t.Context(), memory, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	profiles := rules.Set
	bucket, err := robots.NewBucket(memory)
	if err != nil {
		t.Fatal(err)
	}
	shut, err := blocks.Open(memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := robots.Open(t.Context(), bucket, robots.Options{Domain: "example.com", Profiles: profiles, Blocked: shut.Participant})
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(h, roster{directory}, governor.New(governor.Options{}), memory, gateway.Options{Decisions: p.decisions})
	h.SetGuard(g)
	h.Observe(g)
	links, err := sharing.Open(t.Context(), memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	marks, err := logins.Open(memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := web.NewAuthenticator(web.AuthOptions{
		DevLogin: true, AdminToken: adminToken, NotPeople: directory.Registered, Since: marks.Since, Blocked: shut.Participant,
		Keys: []web.LoginKey{{ID: "k1", Algorithm: "HS256", Key: []byte(loginSecret)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var people web.Host = h
	if p.host != nil {
		people = p.host(h)
	}
	var door web.Gateway = g
	if p.gateway != nil {
		door = p.gateway(g)
	}
	secrets, err := vault.New([]byte(strings.Repeat("k", vault.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	book, err := grants.Open(memory, secrets, nil)
	if err != nil {
		t.Fatal(err)
	}
	work := bounds.NewWork(admission.DefaultConcurrency())
	var s *web.Server
	robotDoor := rpc.New(directory, g, rpc.Options{Work: work, Refused: func(layer, reason string) { s.Refused(layer, reason) },
		Called: func(who wavelet.Participant, n int, took time.Duration, refused string) {
			s.Called(who, n, took, refused)
		},
	})
	s = web.New(web.Deps{
		Work:   work,
		Bodies: p.bodies,
		Host:   people, Gateway: door, Robots: directory, Profiles: profiles, Policies: rules, Auth: auth, Domain: "example.com",
		RPC: robotDoor, Data: robotDoor.Data(book, auth.Claim), Grants: book, Logins: marks, Links: links, Blocks: shut, Files: attachment.New(memory), Reading: reading.New(memory), Version: "test", Ready: p.ready, Handshake: p.handshake, Logger: p.log,
		Lender: p.lender,
	})
	h.Observe(s)
	server, reach := httptest.NewUnstartedServer(s), http.DefaultClient
	if p.pipes != nil {
		server.Listener.Close()
		server.Listener, reach = p.pipes, p.pipes.client()
	}
	if p.admission == nil {
		p.admission = settings(t, "{}")
	}
	s.SetAdmission(*p.admission)
	server.Listener = s.Listen(server.Listener)
	server.Start()
	close := sync.OnceFunc(func() {
		s.Close()
		server.Close()
		directory.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	t.Cleanup(close)
	return &house{t: t, host: h, gateway: g, directory: directory, grants: book, web: s, url: server.URL, http: reach, pipes: p.pipes, close: close}
}

// roster adapts the directory to the gateway.
type roster struct{ *robots.Directory }

func (r roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return r.InService(id)
}

// dial connects a person.
func (h *house) dial(user wavelet.Participant, address string) *client.Client {
	h.t.Helper()
	if address == "" {
		address = h.url
	}
	o := client.Options{User: user, Backoff: quick}
	if h.pipes != nil {
		o.HTTP = h.pipes.client()
	}
	c, err := client.Dial(h.t.Context(), address, o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

// quick keeps tests from waiting.
var quick = client.Backoff{Min: time.Millisecond, Max: 4 * time.Millisecond}

// wave makes a wavelet of ann's with others in it.
func (h *house) wave(others ...wavelet.Participant) wavelet.Name {
	h.t.Helper()
	name := wavelet.NewName("example.com")
	if _, err := h.host.Create(h.t.Context(), name, ann, others...); err != nil {
		h.t.Fatal(err)
	}
	return name
}

// state is the wavelet as the server has it.
func (h *house) state(name wavelet.Name) *wavelet.State {
	h.t.Helper()
	s, err := h.host.Snapshot(h.t.Context(), name, host.Head)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// replayed is the wavelet as its log tells it.
func (h *house) replayed(name wavelet.Name) *wavelet.State {
	h.t.Helper()
	s := wavelet.NewState(name)
	for c, err := range h.host.Read(h.t.Context(), name, 0) {
		if err == nil {
			err = s.Apply(c)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	return s
}

// open opens a wavelet, and fails the test if it cannot.
func (h *house) open(c *client.Client, name wavelet.Name) *client.Wavelet {
	h.t.Helper()
	w, err := c.Open(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

// rest makes a request with an identity ("ann@example.com", "admin", "key …" or
// "") and reads the answer.
func (h *house) rest(who, method, path, body string) (status int, header http.Header, answer string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	switch key, isKey := strings.CutPrefix(who, "key "); {
	case who == "admin":
		r.Header.Set("Authorization", "Bearer "+adminToken)
	case isKey:
		r.Header.Set("Authorization", "Bearer "+key)
	case who != "":
		r.Header.Set("Weir-User", who)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// wire is a bare socket, for frames that no client would send.
type wire struct {
	t     *testing.T
	conn  *websocket.Conn
	rest  [][]byte
	heard chan heard // nil: it is read when the test wants to hear
}

// heard is a message, or why no more comes.
type heard struct {
	message []byte
	err     error
}

// listen reads all the time from now on, as a browser does, also while the test
// is busy elsewhere.
func (w *wire) listen() *wire {
	w.heard = make(chan heard, 1000)
	go func() {
		for err := error(nil); err == nil; {
			var message []byte
			_, message, err = w.conn.Read(context.Background())
			w.heard <- heard{message, err}
		}
	}()
	return w
}

// read is the next message.
func (w *wire) read() ([]byte, error) {
	if w.heard != nil {
		h := <-w.heard
		return h.message, h.err
	}
	_, message, err := w.conn.Read(w.t.Context())
	return message, err
}

// ticket is what POST /connect gives user.
func (h *house) ticket(user wavelet.Participant) string {
	h.t.Helper()
	status, _, answer := h.rest("", "POST", "/connect", fmt.Sprintf(`{"user":%q}`, user))
	var t client.Ticket
	if err := json.Unmarshal([]byte(answer), &t); err != nil || status != http.StatusOK {
		h.t.Fatalf("POST /connect: %d %s", status, answer)
	}
	return t.Ticket
}

// bare opens a socket without a connect frame.
func (h *house) bare(user wavelet.Participant) *wire {
	h.t.Helper()
	conn, _, err := websocket.Dial(h.t.Context(), h.url+"/ws?ticket="+h.ticket(user), &websocket.DialOptions{HTTPClient: h.http})
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	h.t.Cleanup(func() { conn.CloseNow() })
	return &wire{t: h.t, conn: conn}
}

// raw opens a socket and connects.
func (h *house) raw(user wavelet.Participant) *wire {
	h.t.Helper()
	w := h.bare(user)
	w.say(`{"id":1,"op":"connect","protocol":1,"client":"raw"}`)
	if f := w.hear(); f.Err != nil {
		h.t.Fatalf("connect: %v", f.Err)
	}
	return w
}

func (w *wire) say(message string) {
	w.t.Helper()
	if err := w.conn.Write(w.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		w.t.Fatalf("write: %v", err)
	}
}

// hear reads the next frame.
func (w *wire) hear() client.Frame {
	w.t.Helper()
	f, err := w.next()
	if err != nil {
		w.t.Fatalf("read: %v", err)
	}
	return f
}

// next reads the next frame that is no ping, or how the socket was closed.
func (w *wire) next() (client.Frame, error) {
	for {
		if len(w.rest) == 0 {
			message, err := w.read()
			if err != nil {
				return client.Frame{}, err
			}
			w.rest = bytes.Split(message, []byte("\n"))
		}
		var f client.Frame
		err := json.Unmarshal(w.rest[0], &f)
		w.rest = w.rest[1:]
		if err != nil || f.Push != client.PushPing {
			return f, err
		}
	}
}

// closed reads on until the server closes and gives the code.
func (w *wire) closed() int {
	w.t.Helper()
	for {
		if _, err := w.next(); err != nil {
			return int(websocket.CloseStatus(err))
		}
	}
}
