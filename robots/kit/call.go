package kit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Errors of calls that cannot be made.
var (
	ErrNoKey    = errors.New("the robot has no key: set Options.Key")
	ErrNoServer = errors.New("it is not known where the server is: set Options.Server")
)

// answering is the key of the bundle that calls with a context answer.
type answering struct{}

// Answering is ctx for calls that are part of the answer to a bundle. A handler's
// context is for those of its own bundle already.
func Answering(ctx context.Context, in *Bundle) context.Context {
	return context.WithValue(ctx, answering{}, in)
}

// Result is what became of one operation of a call.
type Result struct {
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
	Error *Refusal        `json:"error"` // nil if it was done
}

// NewBlip is the id of the blip that the operation made, "" if it made none.
func (r Result) NewBlip() string {
	var data struct {
		NewBlipID string `json:"newBlipId"`
	}
	_ = json.Unmarshal(r.Data, &data) // then it made none
	return data.NewBlipID
}

// Refusal is why an operation, or a whole call, was not done: Code is 429 if a
// limit was reached.
type Refusal struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Data    RefusalData `json:"data"`
}

// RefusalData is what a program can use of a refusal.
type RefusalData struct {
	Code         string `json:"code"`
	Limit        string `json:"limit"`
	RetryAfterMS int64  `json:"retryAfterMs"` // 0: waiting does not help
}

func (e *Refusal) Error() string { return fmt.Sprintf("refused with %d: %s", e.Code, e.Message) }

// Call has the server do what is in out, with the robot's key, and returns what
// became of each operation, in order; the error is the first refusal among them,
// if there is one. Made with a handler's context it is part of what the robot
// answers. It waits until the limits of requests permit it, as long as ctx lasts;
// what is not to be sent at all is a *Held.
func (r *Robot) Call(ctx context.Context, out *Reply) ([]Result, error) {
	ops := out.Operations()
	if len(ops) == 0 {
		return nil, nil
	}
	in, _ := ctx.Value(answering{}).(*Bundle)
	if !r.options.Unlimited {
		held := r.pace.barred(ops)
		if held == nil && in != nil && in.held != nil && writes(ops) {
			h := *in.held
			held = &h
		}
		leave := func() {}
		var err error
		if held == nil {
			leave, err = r.pace.enter(ctx, asksLimits(ops))
			errors.As(err, &held)
		}
		switch {
		case held != nil:
			held.Operations = ops
			return nil, held
		case err != nil:
			return nil, err
		}
		defer leave()
	}
	results, err := r.send(ctx, in, ops)
	for i, x := range results {
		if x.Error == nil {
			continue
		}
		if wait := time.Duration(x.Error.Data.RetryAfterMS) * time.Millisecond; wait > 0 && i < len(ops) {
			r.pace.refused(ops[i], wait)
		}
		if err == nil {
			err = x.Error
		}
	}
	return results, err
}

// asksLimits reports whether operations ask for limits and for nothing else.
func asksLimits(ops []Operation) bool {
	return !slices.ContainsFunc(ops, func(op Operation) bool { return op.Method != "robot.getLimits" && op.Method != "robot.notify" })
}

// send makes a call.
func (r *Robot) send(ctx context.Context, in *Bundle, ops []Operation) ([]Result, error) {
	r.mu.Lock()
	by := r.by
	r.mu.Unlock()
	if by == nil {
		by = overHTTP{r}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resp, err := by.Call(ctx, in, ops)
	if err != nil {
		return nil, fmt.Errorf("call the server: %w", err)
	}
	r.pace.learn(resp.Limits)
	r.pace.asked(resp.RetryAfter)
	var results []Result
	err = json.Unmarshal(resp.Body, &results)
	if resp.Status != http.StatusOK {
		return results, refusal(resp)
	}
	if err != nil {
		return nil, fmt.Errorf("read the response of the server: %w", err)
	}
	return results, nil
}

// refusal is that of a whole call.
func refusal(resp Response) *Refusal {
	var whole struct {
		Error struct{ Reason, Message string }
	}
	r := &Refusal{Code: resp.Status, Message: http.StatusText(resp.Status), Data: RefusalData{RetryAfterMS: resp.RetryAfter.Milliseconds()}}
	if json.Unmarshal(resp.Body, &whole) == nil && whole.Error.Message != "" {
		r.Message, r.Data.Code = whole.Error.Message, whole.Error.Reason
	}
	return r
}

// Wave is a wavelet with all of its blips.
type Wave struct {
	Wavelet Wavelet           `json:"waveletData"`
	Blips   map[string]Blip   `json:"blips"`
	Threads map[string]Thread `json:"threads"`
	News    []News            `json:"news"`   // for a robot that is not called
	HeldMS  int64             `json:"heldMs"` // for how many milliseconds what robots wrote since is held back
	Limits  Limits            `json:"limits"` // the same as in a bundle

	unlimited bool // the robot's Options.Unlimited
}

// News is what a robot that is not called was told last by fetching, of a lane.
type News struct {
	Lane  Lane   `json:"lane"`
	Token string `json:"token"`
}

// Heard is what a robot that is not called was told last of a lane, for its calls
// to show that they answer it: Answering(ctx, w.Heard(Human)). Nil: nothing.
func (w Wave) Heard(lane Lane) *Bundle {
	for _, n := range w.News {
		if n.Lane != lane {
			continue
		}
		in := &Bundle{
			Wavelet: w.Wavelet, Blips: w.Blips, Threads: w.Threads, RobotAddress: w.Limits.Robot, Limits: w.Limits,
			Label: Label{Token: n.Token, Lane: lane, Version: w.Wavelet.Version},
		}
		if !w.unlimited {
			in.held = judge(in)
		}
		return in
	}
	return nil
}

// Fetch reads a wavelet that the robot takes part in. To a robot that is not
// called, what others wrote there is told by that, as a bundle tells others.
func (r *Robot) Fetch(ctx context.Context, wave, wavelet string) (Wave, error) {
	out := NewReply(wave, wavelet)
	out.Add("robot.fetchWave", nil)
	w, err := ask[Wave](ctx, r, out)
	w.unlimited = r.options.Unlimited
	r.pace.learn(w.Limits)
	return w, err
}

// Limits asks how the robot stands, in all its wavelets.
func (r *Robot) Limits(ctx context.Context) (Limits, error) {
	out := NewReply("", "")
	out.Add("robot.getLimits", nil)
	l, err := ask[Limits](ctx, r, out)
	if err == nil {
		r.pace.learn(l)
	}
	return l, err
}

// ask calls for one operation and reads its data.
func ask[T any](ctx context.Context, r *Robot, out *Reply) (v T, err error) {
	results, err := r.Call(ctx, out)
	if err != nil {
		return v, err
	}
	if len(results) != 1 {
		return v, fmt.Errorf("the server has answered %d operations, not one", len(results))
	}
	if err := json.Unmarshal(results[0].Data, &v); err != nil {
		return v, fmt.Errorf("read the data of %s: %w", out.Operations()[0].Method, err)
	}
	return v, nil
}
