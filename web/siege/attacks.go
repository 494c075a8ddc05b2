package siege

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// attacks are all there are. Workers are as many as two cores drive beside the
// server without being its only load.
var attacks = []attack{
	{name: "headers that trickle", workers: 300, once: trickleHeader},
	{name: "bodies that trickle", workers: 200, once: trickleBody},
	{name: "handshakes never finished", workers: 200, once: halfOpen},
	{name: "messages never finished", workers: 100, once: halfMessage},
	{name: "frames that cannot be read", workers: 8, counted: true, once: malformedFrames},
	{name: "messages too large", workers: 4, once: oversized},
	{name: "deep nesting", workers: 4, once: nested},
	{name: "compression", workers: 4, once: compressed},
	{name: "connections that come and go", workers: 8, once: churn},
	{name: "a flood of one operation", workers: 8, once: floodOperation},
	{name: "a flood of errors", workers: 8, once: floodErrors},
	{name: "forged, replayed and old tickets", workers: 8, once: floodTickets},
	{name: "header bombs", workers: 4, once: headerBomb},
	{name: "readers that do not read", workers: 16, once: deafReader},
}

// pause stands in a text before what is to trickle, over and over.
const pause = "\xff\xfe"

// drip sends the text a byte at a time, so slowly that only a deadline ends it.
func (b *besieger) drip(ctx context.Context, text string) error {
	c, err := b.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	b.sent.Add(1)
	return dripOn(ctx, c, text)
}

func dripOn(ctx context.Context, c net.Conn, text string) error {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	begin, rest, _ := strings.Cut(text, pause)
	if _, err := io.WriteString(c, begin); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if _, err := io.WriteString(c, string(rest[i%len(rest)])); err != nil {
			return fmt.Errorf("%w: %w", errTurned, err)
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}

func trickleHeader(ctx context.Context, b *besieger) error {
	return b.drip(ctx, "GET /healthz HTTP/1.1\r\nHost: "+b.host+"\r\n"+pause+"X-A: b\r\n")
}

func trickleBody(ctx context.Context, b *besieger) error {
	path := []string{"/connect", "/robot/rpc", "/api/v1/waves"}[rand.IntN(3)]
	return b.drip(ctx, "POST "+path+" HTTP/1.1\r\nHost: "+b.host+"\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n["+pause+" ")
}

// halfOpen upgrades and never says who it is.
func halfOpen(ctx context.Context, b *besieger) error {
	conn, err := b.socket(ctx, false)
	b.sent.Add(1)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	_, _, err = conn.Read(ctx)
	return err
}

// halfMessage begins a message and sends the rest of it a byte at a time.
func halfMessage(ctx context.Context, b *besieger) error {
	c, err := b.upgraded(ctx)
	b.sent.Add(1)
	if err != nil {
		return err
	}
	defer c.Close()
	// Text frames, masked with zeros: one that says who is there, and the head of
	// one with a thousand bytes.
	hello := `{"id":1,"op":"connect","protocol":1}`
	head := []byte{0x81, 0x80 | 126, 0x03, 0xe8, 0, 0, 0, 0}
	text := append([]byte{0x81, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)
	return dripOn(ctx, c, string(append(text, head...))+pause+" ")
}

// upgraded is a connection on which a socket has been opened, and nothing said.
func (b *besieger) upgraded(ctx context.Context) (net.Conn, error) {
	t, err := b.ticket(ctx)
	if err != nil {
		return nil, err
	}
	c, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET /ws?ticket=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		url.QueryEscape(t), b.host, base64.StdEncoding.EncodeToString(make([]byte, 16)))
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func malformedFrames(ctx context.Context, b *besieger) error {
	frames := []string{
		`{}`, `[`, `{"id":1}`, `{"id":1,"op":"nothing"}`, `{"id":-1,"op":"ping"}`, `{"id":1,"op":"ping","op":"ping"}`,
		"{\"id\":1,\"op\":\"\xff\"}", `{"id":1,"op":"publish"}`, `{"id":1e400,"op":"ping"}`, `null`, strings.Repeat(`"`, 100),
	}
	conn, err := b.socket(ctx, true)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	for {
		var m []byte
		for range 1000 {
			m = append(append(m, frames[rand.IntN(len(frames))]...), '\n')
		}
		if err := conn.Write(ctx, websocket.MessageText, m); err != nil {
			return err
		}
		b.sent.Add(1000) // the server reads a message whole
		for answers := 0; answers < 1000; {
			_, answer, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			n := bytes.Count(answer, []byte(`"err":{`))
			b.turned.Add(int64(n))
			answers += n
		}
	}
}

func oversized(ctx context.Context, b *besieger) error {
	big := bytes.Repeat([]byte("a"), 2<<20)
	if rand.IntN(2) == 0 {
		return b.post(ctx, []string{"/connect", "/robot/rpc", "/api/v1/waves"}[rand.IntN(3)], "application/json", big)
	}
	return b.flood(ctx, 1, func() []byte { return big })
}

func nested(ctx context.Context, b *besieger) error {
	deep := strings.Repeat("[", 200_000)
	deeper := strings.Repeat(`{"a":`, 100_000)
	switch rand.IntN(4) {
	case 0:
		return b.post(ctx, "/robot/rpc", "application/json", []byte(deep))
	case 1:
		return b.post(ctx, "/connect", "application/json", []byte(`{"user":`+deeper))
	case 2:
		return b.post(ctx, "/api/v1/waves", "application/json", []byte(`{"title":`+deep+`}`), "Weir-User", "besieger1@example.com")
	}
	frames := []string{`{"id":2,"op":"rpc","method":"wave.create","params":` + deep, `{"id":3,"op":"publish","wave":"a!w","wavelet":"a!c","base":0,"seq":1,"ops":` + deeper}
	return b.flood(ctx, 1, func() []byte { return []byte(frames[rand.IntN(2)]) })
}

// explosive is 64 MiB of zeros, compressed.
func explosive() []byte {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	return bomb.Bytes()
}

// compressed sends what unfolds to much more than it is, where nothing was said
// of compression.
func compressed(ctx context.Context, b *besieger) error {
	if rand.IntN(2) == 0 {
		return b.post(ctx, []string{"/robot/rpc", "/connect"}[rand.IntN(2)], "application/json", b.bomb, "Content-Encoding", "gzip")
	}
	c, err := b.upgraded(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	b.sent.Add(1)
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	// A text message with the bit of compression set, masked with zeros.
	body := b.bomb
	head := []byte{0xc1, 0x80 | 127, 0, 0, 0, 0, byte(len(body) >> 24), byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), 0, 0, 0, 0}
	if _, err := c.Write(append(head, body...)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return fmt.Errorf("%w: %v", errTurned, err)
}

func churn(ctx context.Context, b *besieger) error {
	switch rand.IntN(3) {
	case 0: // nothing but the connection
		c, err := b.dial(ctx)
		b.sent.Add(1)
		if err != nil {
			return err
		}
		return c.Close()
	case 1: // gone without a word behind the upgrade
		conn, err := b.socket(ctx, false)
		b.sent.Add(1)
		if err != nil {
			return err
		}
		return conn.CloseNow()
	}
	conn, err := b.socket(ctx, true)
	b.sent.Add(1)
	if err != nil {
		return err
	}
	return conn.CloseNow()
}

func floodOperation(ctx context.Context, b *besieger) error {
	id := 1
	op := []string{
		`"op":"rpc","method":"wavelet.list","params":{"query":"with:me title:a"}`,
		`"op":"rpc","method":"wave.create","params":{"title":"flood","participants":[]}`,
		`"op":"history","wave":"weir.local!w+none","wavelet":"weir.local!conv+root","from":0`,
		`"op":"ping"`,
	}[rand.IntN(4)]
	return b.flood(ctx, 16, func() []byte {
		var m []byte
		for range 16 {
			id++
			m = fmt.Appendf(m, "{\"id\":%d,%s}\n", id, op)
		}
		return m
	})
}

func floodErrors(ctx context.Context, b *besieger) error {
	id := 1
	return b.flood(ctx, 16, func() []byte {
		var m []byte
		for range 16 {
			id++
			m = fmt.Appendf(m, "{\"id\":%d,\"op\":\"subscribe\",\"wave\":\"weir.local!w+%d\",\"wavelet\":\"weir.local!conv+root\"}\n", id, id)
		}
		return m
	})
}

func floodTickets(ctx context.Context, b *besieger) error {
	real, err := b.ticket(ctx)
	if err != nil {
		real = strings.Repeat("A", 100)
	}
	flipped := []byte(real)
	flipped[len(flipped)/2] ^= 1
	for _, t := range []string{real, real, string(flipped), b.old, strings.Repeat("A", 4096), "", "%00"} {
		b.sent.Add(1)
		resp, err := b.do(ctx, http.MethodGet, "/ws?ticket="+t, "")
		if err != nil {
			return err
		}
		if turned(resp) != nil {
			b.turned.Add(1)
		}
		if resp, err = b.do(ctx, http.MethodPost, "/connect", fmt.Sprintf(`{"user":"besieger1@example.com","ticket":%q}`, t)); err != nil {
			return err
		}
		b.sent.Add(1)
		if turned(resp) != nil {
			b.turned.Add(1)
		}
	}
	return nil
}

func headerBomb(ctx context.Context, b *besieger) error {
	head := "GET /healthz HTTP/1.1\r\nHost: " + b.host + "\r\n"
	var text string
	switch rand.IntN(4) {
	case 0:
		text = head + "X-Big: " + strings.Repeat("a", 4<<20) + "\r\n\r\n"
	case 1:
		text = head + strings.Repeat("X-Many: b\r\n", 100_000) + "\r\n"
	case 2:
		text = "GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: " + b.host + "\r\n\r\n"
	default:
		text = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: " + b.host + "\r\nRange: bytes=" + strings.Repeat("0-1,", 5000) + "0-1\r\nCookie: " + strings.Repeat("a=b;", 5000) + "\r\nConnection: close\r\n\r\n"
	}
	_, err := b.raw(ctx, text)
	return err
}

// deafReader asks for much and reads none of it.
func deafReader(ctx context.Context, b *besieger) error {
	conn, err := b.socket(ctx, true)
	if err != nil {
		b.sent.Add(1)
		return err
	}
	defer conn.CloseNow()
	writing, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for i := 2; ; i++ {
		frame := fmt.Sprintf(`{"id":%d,"op":"rpc","method":"wavelet.list","params":{"limit":200}}`, i)
		if err := conn.Write(writing, websocket.MessageText, []byte(frame)); err != nil {
			return fmt.Errorf("%w: %w", errTurned, err)
		}
		b.sent.Add(1)
	}
}
