package kit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Transport is how a robot's calls get to its server. In is the bundle that they
// are part of the answer to, nil if there is none. An error says that there was no
// response.
type Transport interface {
	Call(ctx context.Context, in *Bundle, ops []Operation) (Response, error)
}

// Response is what a server responds to a call.
type Response struct {
	Status     int           // as HTTP has it
	Body       []byte        // JSON
	RetryAfter time.Duration // 0: the robot need not wait
	Limits     Limits        // of requests; zero: it was told of none
}

// Over has the robot call by another transport than HTTP from now on; nil: by HTTP
// again.
func (r *Robot) Over(t Transport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by = t
}

// overHTTP posts to the server's API.
type overHTTP struct{ robot *Robot }

// Call posts operations under the robot's key.
func (t overHTTP) Call(ctx context.Context, in *Bundle, ops []Operation) (Response, error) {
	target, err := t.target(in)
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(ops)
	if err != nil {
		return Response{}, fmt.Errorf("encode a call: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return Response{}, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+t.robot.options.Key)
	if in != nil && in.Label.Token != "" {
		req.Header.Set("Weir-Bundle", in.Label.Token)
	}
	resp, err := t.robot.options.Client.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBundle))
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 if it does not say
	return Response{
		Status: resp.StatusCode, Body: answer, RetryAfter: time.Duration(max(seconds, 0)) * time.Second,
		Limits: told(resp.Header, time.Now()),
	}, err
}

// target is where calls go.
func (t overHTTP) target(in *Bundle) (string, error) {
	o := t.robot.options
	switch {
	case o.Key == "":
		return "", ErrNoKey
	case o.Server != "":
		return strings.TrimSuffix(o.Server, "/") + "/robot/rpc", nil
	}
	t.robot.mu.Lock()
	target := t.robot.server
	t.robot.mu.Unlock()
	if in != nil && in.RPCServerURL != "" {
		target = in.RPCServerURL
	}
	if target == "" || o.Unsigned { // whoever posts such a bundle would be sent the key
		return "", ErrNoServer
	}
	return target, nil
}

// told is the limits in the fields of a response, RateLimit-Policy and RateLimit.
func told(header http.Header, now time.Time) Limits {
	l := Limits{At: now}
	quotas := fields(header.Get("RateLimit-Policy"))
	for name, state := range fields(header.Get("RateLimit")) {
		l.Limits = append(l.Limits, Limit{Name: name, Max: quotas[name]["q"], Remaining: state["r"],
			ResetsAt: now.Add(time.Duration(state["t"] * float64(time.Second)))})
	}
	return l
}

// fields reads a list of names with numbers behind them: "name";q=1;w=2, …
func fields(list string) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for entry := range strings.SplitSeq(list, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(entry), ";")
		if name == "" {
			continue
		}
		numbers := map[string]float64{}
		for param := range strings.SplitSeq(rest, ";") {
			key, value, _ := strings.Cut(param, "=")
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				numbers[key] = n
			}
		}
		all[strings.Trim(name, `"`)] = numbers
	}
	return all
}
