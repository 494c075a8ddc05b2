package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// between stands between one client and the server and passes frames on, but for
// what the conformance script tells it to do with them.
type between struct {
	t      *testing.T
	target string
	server *httptest.Server
	wg     sync.WaitGroup

	mu       sync.Mutex
	pulse    chan struct{} // closed when there is something new for until
	offline  bool
	holding  bool
	held     [][]byte
	crossing *crossing
	opened   int    // sockets
	session  string // of the connection, as the server told the client
	knocks   []json.RawMessage
	seen     [][]byte // frames of the client
	doors    []door
	answers  []meddling // instead of the server, to the client's next frame of that op
	down     []meddling // with the server's next frame of that kind
	meddled  time.Time  // the last refusal that was made up here
	waited   time.Duration
}

// crossing is one connection through a between.
type crossing struct{ client, server *websocket.Conn }

func (x *crossing) cut() {
	x.client.CloseNow()
	x.server.CloseNow()
}

// door is a made-up answer to POST /connect.
type door struct {
	status     int
	retryAfter string
	body       json.RawMessage
}

// meddling is what is done with a frame.
type meddling struct {
	what   string // answer, swallow, double, alter
	kind   string // the op, or the push, or "reply"
	fields json.RawMessage
}

func newBetween(t *testing.T, target string) *between {
	b := &between{t: t, target: target, pulse: make(chan struct{})}
	b.server = httptest.NewServer(b)
	t.Cleanup(func() {
		b.cut()
		b.server.Close()
		b.wg.Wait()
	})
	return b
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	offline := b.offline
	b.mu.Unlock()
	switch {
	case offline:
		panic(http.ErrAbortHandler)
	case r.URL.Path == "/connect":
		b.knock(w, r)
	default:
		b.cross(w, r)
	}
}

func (b *between) knock(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	b.came()
	b.knocks = append(b.knocks, body)
	var answer *door
	if len(b.doors) > 0 {
		answer, b.doors = &b.doors[0], b.doors[1:]
		b.meddled = time.Now()
	}
	b.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if answer != nil {
		if answer.retryAfter != "" {
			w.Header().Set("Retry-After", answer.retryAfter)
		}
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body)
		return
	}
	// A made-up place in the queue means nothing to the server.
	var known map[string]json.RawMessage
	if json.Unmarshal(body, &known) == nil {
		delete(known, "ticket")
		body, _ = json.Marshal(known)
	}
	resp, err := http.Post(b.target+"/connect", "application/json", bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (b *between) cross(w http.ResponseWriter, r *http.Request) {
	ctx := context.Background()
	server, _, err := websocket.Dial(ctx, b.target+r.URL.String(), nil)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	client, err := websocket.Accept(w, r, nil)
	if err != nil {
		server.CloseNow()
		return
	}
	client.SetReadLimit(-1)
	server.SetReadLimit(-1)
	x := &crossing{client, server}
	b.mu.Lock()
	b.crossing, b.held = x, nil // what was held back is of the connection before
	b.opened++
	b.mu.Unlock()
	b.wg.Go(func() {
		defer x.cut()
		b.passDown(ctx, x)
	})
	defer x.cut()
	b.passUp(ctx, x)
}

// passUp carries the client's frames to the server.
func (b *between) passUp(ctx context.Context, x *crossing) {
	for {
		_, message, err := x.client.Read(ctx)
		if err != nil {
			return
		}
		for frame := range bytes.SplitSeq(message, []byte("\n")) {
			var head struct {
				ID uint64
				Op string
			}
			_ = json.Unmarshal(frame, &head)
			if answer := b.noted(frame, head.Op); answer != nil {
				reply := fmt.Appendf(nil, `{"id":%d,%s`, head.ID, answer[1:])
				if !b.holdsBack(reply) {
					err = x.client.Write(ctx, websocket.MessageText, reply)
				}
			} else {
				err = x.server.Write(ctx, websocket.MessageText, frame)
			}
			if err != nil {
				return
			}
		}
	}
}

// holdsBack keeps frames for the client for later, if that is what was said.
func (b *between) holdsBack(frames ...[]byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holding {
		b.held = append(b.held, frames...)
	}
	return b.holding
}

// noted takes note of a client's frame and returns the answer that has been made
// up for it.
func (b *between) noted(frame []byte, op string) json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came()
	b.seen = append(b.seen, frame)
	i := slices.IndexFunc(b.answers, func(m meddling) bool { return m.kind == op })
	if i < 0 {
		return nil
	}
	answer := b.answers[i].fields
	b.answers = slices.Delete(b.answers, i, i+1)
	b.meddled = time.Now()
	return answer
}

// came is called with the mutex held when something has come from the client.
func (b *between) came() {
	if !b.meddled.IsZero() {
		b.waited = time.Since(b.meddled)
		b.meddled = time.Time{}
	}
	b.moved()
}

// moved is called with the mutex held when there is something new for until.
func (b *between) moved() {
	close(b.pulse)
	b.pulse = make(chan struct{})
}

// passDown carries the server's frames to the client.
func (b *between) passDown(ctx context.Context, x *crossing) {
	for {
		_, message, err := x.server.Read(ctx)
		if err != nil {
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				_ = x.client.Close(closed.Code, closed.Reason)
			}
			return
		}
		var out [][]byte
		b.mu.Lock()
		for frame := range bytes.SplitSeq(message, []byte("\n")) {
			out = append(out, b.meddle(frame)...)
		}
		b.mu.Unlock()
		if len(out) > 0 && !b.holdsBack(out...) && x.client.Write(ctx, websocket.MessageText, bytes.Join(out, []byte("\n"))) != nil {
			return
		}
	}
}

// meddle is what becomes of a frame of the server.
func (b *between) meddle(frame []byte) [][]byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(frame, &fields) != nil {
		return [][]byte{frame}
	}
	var welcome struct{ Session string }
	if json.Unmarshal(fields["ok"], &welcome) == nil && welcome.Session != "" {
		b.session = welcome.Session
	}
	kind := "reply"
	if push, ok := fields["push"]; ok {
		_ = json.Unmarshal(push, &kind)
	}
	i := slices.IndexFunc(b.down, func(m meddling) bool { return m.kind == kind })
	if i < 0 {
		return [][]byte{frame}
	}
	m := b.down[i]
	b.down = slices.Delete(b.down, i, i+1)
	b.moved()
	switch m.what {
	case "swallow":
		return nil
	case "double":
		return [][]byte{frame, frame}
	}
	var changes map[string]json.RawMessage
	soon := time.Now().Add(5 * time.Second).UTC().Format(time.RFC3339Nano)
	if err := json.Unmarshal(bytes.ReplaceAll(m.fields, []byte("SOON"), []byte(soon)), &changes); err != nil {
		b.t.Errorf("alter %s: %v", m.kind, err)
	}
	altered, err := json.Marshal(merged(fields, changes))
	if err != nil {
		b.t.Errorf("alter %s: %v", m.kind, err)
	}
	return [][]byte{altered}
}

// merged puts changes into an object: those of an object within into that.
func merged(fields, changes map[string]json.RawMessage) map[string]json.RawMessage {
	for name, value := range changes {
		var within, more map[string]json.RawMessage
		if json.Unmarshal(fields[name], &within) == nil && json.Unmarshal(value, &more) == nil && within != nil && more != nil {
			value, _ = json.Marshal(merged(within, more))
		}
		fields[name] = value
	}
	return fields
}

// cut ends the connection there is, with what is held back.
func (b *between) cut() {
	b.mu.Lock()
	x := b.crossing
	b.holding, b.held = false, nil
	b.mu.Unlock()
	if x != nil {
		x.cut()
	}
}

// say writes a message to the client.
func (b *between) say(message []byte) error {
	b.mu.Lock()
	x := b.crossing
	b.mu.Unlock()
	if x == nil {
		return fmt.Errorf("nobody is connected")
	}
	return x.client.Write(b.t.Context(), websocket.MessageText, message)
}

// until waits for a condition about what has passed.
func (b *between) until(ctx context.Context, ok func() bool) error {
	for {
		b.mu.Lock()
		held, pulse := ok(), b.pulse
		b.mu.Unlock()
		if held {
			return nil
		}
		select {
		case <-pulse:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// resent counts the deltas that the client published more than once, and fails if
// one of them was not the same, byte for byte.
func (b *between) resent() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	type delta struct {
		Op, Wave, Wavelet string
		Seq, Base         uint64
		Ops               json.RawMessage
	}
	first := map[string]delta{}
	n := 0
	for _, frame := range b.seen {
		var d delta
		if json.Unmarshal(frame, &d) != nil || d.Op != "publish" {
			continue
		}
		key := fmt.Sprint(d.Wave, d.Wavelet, d.Seq)
		before, again := first[key]
		if !again {
			first[key] = d
			continue
		}
		n++
		if before.Base != d.Base || !bytes.Equal(before.Ops, d.Ops) {
			return n, fmt.Errorf("delta %d was sent as %d %s, and again as %d %s", d.Seq, before.Base, before.Ops, d.Base, d.Ops)
		}
	}
	return n, nil
}

// has reports whether a JSON value has everything that a pattern has.
func has(value, pattern any) bool {
	switch pattern := pattern.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		for key, want := range pattern {
			ok = ok && has(object[key], want)
		}
		return ok
	case []any:
		list, ok := value.([]any)
		if !ok || len(list) < len(pattern) {
			return false
		}
		for i := range pattern {
			if !has(list[i], pattern[i]) {
				return false
			}
		}
		return true
	case string:
		text, ok := value.(string)
		return ok && (text == pattern || strings.HasSuffix(pattern, "*") && strings.HasPrefix(text, strings.TrimSuffix(pattern, "*")))
	}
	return value == pattern
}
