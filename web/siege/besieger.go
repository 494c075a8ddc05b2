package siege

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"weir/wavelet/client"
)

// attack is one way to harm a server.
type attack struct {
	name    string
	workers int
	counted bool // it goes on until so many frames have been sent
	once    func(ctx context.Context, b *besieger) error
}

// besieger carries an attack out, from addresses that are not the people's.
type besieger struct {
	target Target
	attack attack
	frames int64
	old    string // a ticket given before the first attack, and not used
	host   string // of the server, with its port
	http   *http.Client
	bomb   []byte
	sent   atomic.Int64
	turned atomic.Int64
}

// errTurned is the end of what the server has turned away, as the attack wants
// it to.
var errTurned = errors.New("turned away")

// with is the besieger with another attack, of which nothing has been sent.
func (b *besieger) with(a attack) *besieger {
	return &besieger{target: b.target, attack: a, frames: b.frames, old: b.old, host: b.host, http: b.http, bomb: b.bomb}
}

// enough reports whether as much was sent as has to be.
func (b *besieger) enough() bool {
	sent := b.sent.Load()
	return sent > 0 && (!b.attack.counted || sent >= b.frames)
}

// newBesieger is one that has not attacked yet.
func newBesieger(t Target, frames int) (*besieger, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	b := &besieger{target: t, frames: int64(frames), host: u.Host, bomb: explosive()}
	b.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: b.dialContext, DisableCompression: true, MaxIdleConns: 64}}
	return b, nil
}

// lay repeats an attack until ctx ends. Its error is that it could not be
// carried out at all.
func (b *besieger) lay(ctx context.Context) error {
	defer b.http.CloseIdleConnections()
	var wg sync.WaitGroup
	for range b.attack.workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := b.attack.once(ctx, b)
				if ctx.Err() != nil {
					return
				}
				wait := time.Duration(0)
				if err != nil {
					b.turned.Add(1)
					wait = 5 * time.Millisecond
				}
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
	if b.sent.Load() == 0 {
		return errors.New("nothing could be sent")
	}
	return nil
}

// dial connects to the server from one of the attackers' addresses.
func (b *besieger) dial(ctx context.Context) (net.Conn, error) {
	return b.dialContext(ctx, "tcp", b.host)
}

func (b *besieger) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	from := net.IPv4(127, 0, 0, byte(66+rand.IntN(4)))
	d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: from}}
	return d.DialContext(ctx, network, address)
}

// raw sends text on a connection of its own and reads what comes back.
func (b *besieger) raw(ctx context.Context, text string) (*http.Response, error) {
	c, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	b.sent.Add(1)
	if _, err := io.WriteString(c, text); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	return resp, turned(resp)
}

// turned is errTurned for an answer that refuses.
func turned(resp *http.Response) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%w: %s", errTurned, resp.Status)
	}
	return nil
}

// post sends a body of type kind and looks only at whether it is refused.
func (b *besieger) post(ctx context.Context, path, kind string, body []byte, header ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.target.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	b.sent.Add(1)
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	return turned(resp)
}

// ticket knocks as somebody who may come in.
func (b *besieger) ticket(ctx context.Context) (string, error) {
	who := fmt.Sprintf("besieger%d@example.com", rand.IntN(8))
	resp, err := b.do(ctx, http.MethodPost, "/connect", fmt.Sprintf(`{"user":%q}`, who))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", turned(resp)
	}
	var t client.Ticket
	err = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&t)
	return t.Ticket, err
}

// do sends a small request.
func (b *besieger) do(ctx context.Context, method, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.target.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return b.http.Do(req)
}

// socket opens a socket and, if greet is set, sends the connect frame.
func (b *besieger) socket(ctx context.Context, greet bool) (*websocket.Conn, error) {
	t, err := b.ticket(ctx)
	if err != nil {
		return nil, err
	}
	conn, resp, err := websocket.Dial(ctx, b.target.URL+"/ws?ticket="+url.QueryEscape(t), &websocket.DialOptions{HTTPClient: b.http})
	if err != nil {
		if resp != nil {
			return nil, turned(resp)
		}
		return nil, err
	}
	conn.SetReadLimit(-1)
	if !greet {
		return conn, nil
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"id":1,"op":"connect","protocol":1}`)); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	return conn, nil
}

// flood sends messages, each of so many frames, over one socket until it is
// closed, and reads whatever comes back.
func (b *besieger) flood(ctx context.Context, frames int64, message func() []byte) error {
	conn, err := b.socket(ctx, true)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	var wg sync.WaitGroup
	defer wg.Wait()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() {
		defer stop()
		for {
			_, answer, err := conn.Read(reading)
			if err != nil {
				return
			}
			b.turned.Add(int64(bytes.Count(answer, []byte(`"err":{`))))
		}
	})
	for {
		if err := conn.Write(reading, websocket.MessageText, message()); err != nil {
			return fmt.Errorf("%w: %w", errTurned, err)
		}
		b.sent.Add(frames)
	}
}
