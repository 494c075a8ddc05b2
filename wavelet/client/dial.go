package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// denied is a refusal to connect: fatal ones are final, the others carry the
// server's advice.
type denied struct {
	err    error
	fatal  bool
	advice time.Duration
	turn   bool // the advice is an instant of this client's own
}

func (d *denied) Error() string { return d.err.Error() }
func (d *denied) Unwrap() error { return d.err }

// ticket knocks at POST /connect, with the place in the queue that an earlier
// knock was given, and notes the place that this one is given.
func (c *Client) ticket(ctx context.Context) (Ticket, error) {
	token, err := c.loginToken(ctx)
	if err != nil {
		return Ticket{}, fmt.Errorf("get a login token: %w", err)
	}
	body, err := json.Marshal(ConnectRequest{User: string(c.o.User), Token: token, Ticket: c.place})
	if err != nil {
		return Ticket{}, fmt.Errorf("encode connect: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath("connect").String(), bytes.NewReader(body))
	if err != nil {
		return Ticket{}, fmt.Errorf("ask for a ticket: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.o.HTTP.Do(req)
	if err != nil {
		return Ticket{}, fmt.Errorf("ask for a ticket: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return Ticket{}, fmt.Errorf("read ticket: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		refused, place := refusedTicket(resp, answer)
		if place != "" {
			c.place = place
		}
		return Ticket{}, refused
	}
	c.place = ""
	var t Ticket
	if err := json.Unmarshal(answer, &t); err != nil {
		return Ticket{}, fmt.Errorf("read ticket: %w", err)
	}
	return t, nil
}

// refusedTicket turns an answer other than 200 into what to do about it, and the
// place in the queue that it gives, if any.
func refusedTicket(resp *http.Response, answer []byte) (d *denied, place string) {
	var body Turn
	err := fmt.Errorf("ask for a ticket: %s", resp.Status)
	if json.Unmarshal(answer, &body) == nil && body.Err != nil {
		err = fmt.Errorf("ask for a ticket: %w", body.Err)
	}
	advice := time.Duration(body.RetryInMS) * time.Millisecond
	if s, e := strconv.Atoi(resp.Header.Get("Retry-After")); advice == 0 && e == nil && s > 0 {
		advice = time.Duration(s) * time.Second
	}
	later := resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
	return &denied{err: err, fatal: !later, advice: advice, turn: body.Ticket != "" && body.RetryInMS > 0}, body.Ticket
}

// socket spends a ticket on a WebSocket.
func (c *Client) socket(ctx context.Context, t Ticket) (*websocket.Conn, error) {
	u := c.base.JoinPath("ws")
	u.RawQuery = url.Values{"ticket": {t.Ticket}}.Encode()
	conn, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: c.o.HTTP})
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusServiceUnavailable {
			refused, _ := refusedTicket(resp, nil)
			return nil, refused
		}
		return nil, fmt.Errorf("open socket: %w", err)
	}
	conn.SetReadLimit(-1) // the server's snapshots have their own bound
	return conn, nil
}
