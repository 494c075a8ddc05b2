package testbots

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// place is a wavelet that a bot writes to unasked.
type place struct {
	wavelet Wavelet
	server  string // the active API that the bundles name
	blip    string // the bot's own blip there, "" before it has one
}

// note is something a bot means to write at a place.
type note struct {
	at   place
	text string
}

// Result is what became of one operation of a call.
type Result struct {
	ID   string `json:"id"`
	Data struct {
		NewBlipID string `json:"newBlipId"`
	} `json:"data"`
	Error *CallError `json:"error"`
}

// CallError is the refusal of one operation: 429 if a limit was reached, and
// then how long to wait.
type CallError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		RetryAfterMS int64 `json:"retryAfterMs"`
	} `json:"data"`
}

func (e *CallError) Error() string { return fmt.Sprintf("refused with %d: %s", e.Code, e.Message) }

// visit remembers or forgets the wavelet that a bundle comes from.
func (b *Bot) visit(in *Bundle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := in.Wavelet.WaveID + "/" + in.Wavelet.WaveletID
	for _, e := range in.Events {
		if e.Type == "WAVELET_SELF_REMOVED" {
			delete(b.places, name)
			return
		}
	}
	p := b.places[name]
	if p == nil {
		p = &place{}
		b.places[name] = p
	}
	p.wavelet, p.server = in.Wavelet, in.RPCServerURL
	if own, ok := in.Own(); ok {
		p.blip = own.ID
	}
}

// visited are copies of the places the bot is in.
func (b *Bot) visited() []place {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []place
	for _, p := range b.places {
		list = append(list, *p)
	}
	return list
}

// settled records the blip that a place was given.
func (b *Bot) settled(w Wavelet, blip string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.places[w.WaveID+"/"+w.WaveletID]; p != nil && blip != "" {
		p.blip = blip
	}
}

// write says text in p through the active API.
func (b *Bot) write(ctx context.Context, p place, text string) error {
	out := NewReply(p.wavelet)
	out.Say(Blip{ID: p.blip}, text)
	results, err := b.call(ctx, p.server, out.Operations())
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Error != nil {
			return r.Error
		}
		b.settled(p.wavelet, r.Data.NewBlipID)
	}
	return nil
}

// call posts operations to the active API under the robot's key.
func (b *Bot) call(ctx context.Context, server string, ops []Operation) ([]Result, error) {
	if b.options.Server != "" {
		server = b.options.Server + "/robot/rpc"
	}
	body, err := json.Marshal(ops)
	if err != nil {
		return nil, fmt.Errorf("encode call: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", server, err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+b.options.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", server, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBundle))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", server, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("call %s: status %s: %s", server, resp.Status, tail(string(answer), 200))
	}
	var results []Result
	if err := json.Unmarshal(answer, &results); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", server, err)
	}
	return results, nil
}

// later queues a note for writeLater; one too many is dropped.
func (b *Bot) later(at place, text string) {
	select {
	case b.notes <- note{at, text}:
	default:
		b.log.Warn("too much to say, dropped", "bot", b.kind.name)
	}
}

// writeLater writes what is queued, one note at a time, until ctx ends.
func (b *Bot) writeLater(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-b.notes:
			b.try(ctx, n)
		}
	}
}

// try writes a note. What fails is logged and lost: the next one is newer.
func (b *Bot) try(ctx context.Context, n note) {
	err := b.write(ctx, n.at, n.text)
	if refused, ok := errors.AsType[*CallError](err); ok {
		b.log.Warn("refused", "bot", b.kind.name, "code", refused.Code, "reason", refused.Message)
	} else if err != nil && ctx.Err() == nil {
		b.log.Warn("call failed", "bot", b.kind.name, "error", err)
	}
}
