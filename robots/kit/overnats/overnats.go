// Package overnats serves robots that are made with robots/kit over NATS: they
// connect out to their server, and need no URL of their own. The robot is the same
// as over HTTP.
//
//	err := overnats.Serve(ctx, "nats://127.0.0.1:4222", "hello@weir.local", key, hello)
//
// Bundles come as requests to weir.robots.TOKEN.bundles, and calls go as requests to
// weir.robots.TOKEN.rpc, where the TOKEN is the robot's address, see [Token].
//
// Serve waits for all that it starts.
package overnats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"weir/robots/kit"
)

// atOnce is how many bundles a robot hears at once.
const atOnce = 64

// ErrRefused says that the server does not let the robot in.
var ErrRefused = errors.New("the server's NATS does not let the robot in")

// Serve connects to the NATS server at url as the robot at address, with its key,
// says what the robot wants to hear of, and has r answer bundles and make its calls
// there, until ctx ends: then it is nil. A connection that breaks is made again. A
// bundle that fails is answered with the headers Nats-Service-Error and
// Nats-Service-Error-Code, and the server sends it again after a while, as it does
// over HTTP. Options are added to those of the connection.
func Serve(ctx context.Context, url, address, key string, r *kit.Robot, options ...nats.Option) error {
	closed := make(chan struct{})
	options = append([]nats.Option{
		nats.Name(address), nats.UserInfo(address, key), nats.CustomInboxPrefix("_INBOX." + Token(address)), nats.MaxReconnects(-1),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	}, options...)
	conn, err := nats.Connect(url, options...)
	if errors.Is(err, nats.ErrAuthorization) {
		return fmt.Errorf("%w: as %s: %w", ErrRefused, address, err)
	}
	if err != nil {
		return fmt.Errorf("connect %s to %s: %w", address, url, err)
	}
	running, stop := context.WithCancel(ctx)
	line := &line{conn: conn, robot: r, subject: "weir.robots." + Token(address) + "."}
	r.Over(line)
	defer func() {
		stop()
		r.Over(nil)
		conn.Close()
		<-closed
		line.work.Wait()
	}()
	if err := line.begin(running); err != nil {
		return fmt.Errorf("serve %s: %w", address, err)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-closed:
		return fmt.Errorf("%w any more: as %s: %w", ErrRefused, address, conn.LastError())
	}
}

// line is a robot's connection.
type line struct {
	conn    *nats.Conn
	robot   *kit.Robot
	subject string // the beginning of the robot's own
	work    sync.WaitGroup
}

// begin awaits bundles, and says which.
func (l *line) begin(ctx context.Context) error {
	places := make(chan struct{}, atOnce)
	_, err := l.conn.Subscribe(l.subject+"bundles", func(msg *nats.Msg) {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		l.work.Go(func() {
			defer func() { <-places }()
			reply := nats.NewMsg(msg.Reply)
			answer, err := l.answer(ctx, msg.Data)
			if most := l.conn.MaxPayload(); err == nil && int64(len(answer)) > most {
				answer, err = nil, fmt.Errorf("the answer has %d bytes, and a message at most %d; say less at once, or call", len(answer), most)
			}
			if reply.Data = answer; err != nil {
				fail(reply.Header, err)
			}
			_ = msg.RespondMsg(reply) // without a connection the bundle comes again
		})
	})
	if err != nil {
		return fmt.Errorf("await bundles: %w", err)
	}
	hello, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resp, err := l.Call(hello, nil, []kit.Operation{l.robot.Notice(nil)})
	if err == nil && resp.Status != http.StatusOK {
		err = fmt.Errorf("refused with %d: %s", resp.Status, resp.Body)
	}
	if err != nil {
		return fmt.Errorf("say what it wants to hear of: %w", err)
	}
	return nil
}

// answer is what the robot answers. As over HTTP, a handler that panics fails its
// bundle and not the robot.
func (l *line) answer(ctx context.Context, bundle []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
			slog.ErrorContext(ctx, "overnats: a handler panicked", "subject", l.subject, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return l.robot.Answer(ctx, bundle)
}

// maxText is how much of an error is told, in bytes.
const maxText = 1000

// fail has the header of a reply say that a bundle failed, as services of NATS do.
func fail(header nats.Header, err error) {
	code, text := http.StatusInternalServerError, err.Error()
	if errors.Is(err, kit.ErrBundle) {
		code = http.StatusBadRequest
	}
	header.Set("Nats-Service-Error", text[:min(len(text), maxText)])
	header.Set("Nats-Service-Error-Code", strconv.Itoa(code))
}

// Call sends operations, in front of them which bundle they answer.
func (l *line) Call(ctx context.Context, in *kit.Bundle, ops []kit.Operation) (kit.Response, error) {
	if in != nil {
		ops = append([]kit.Operation{l.robot.Notice(in)}, ops...)
	}
	body, err := json.Marshal(ops)
	if err != nil {
		return kit.Response{}, fmt.Errorf("encode a call: %w", err)
	}
	msg, err := l.conn.RequestWithContext(ctx, l.subject+"rpc", body)
	if err != nil {
		return kit.Response{}, err
	}
	var reply struct {
		Status       int
		Body         json.RawMessage
		RetryAfterMS int64
		Limits       kit.Limits
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return kit.Response{}, fmt.Errorf("read a reply: %w", err)
	}
	var results []json.RawMessage
	if in != nil && json.Unmarshal(reply.Body, &results) == nil && len(results) > 0 {
		if reply.Body, err = json.Marshal(results[1:]); err != nil {
			return kit.Response{}, fmt.Errorf("read a reply: %w", err)
		}
	}
	return kit.Response{Status: reply.Status, Body: reply.Body, RetryAfter: time.Duration(reply.RetryAfterMS) * time.Millisecond, Limits: reply.Limits}, nil
}

// Token is a robot's address as one token of a subject: a dot, a wildcard, a percent
// sign, a blank and what is not printable ASCII are written as % and two hexadecimal
// digits.
func Token(address string) string {
	var t strings.Builder
	for _, c := range []byte(address) {
		if c <= ' ' || c > '~' || strings.IndexByte(".*>%", c) >= 0 {
			fmt.Fprintf(&t, "%%%02X", c)
		} else {
			t.WriteByte(c)
		}
	}
	return t.String()
}
