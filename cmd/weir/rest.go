package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files in the data directory that commands find a running server by.
const (
	addressFile = "address"     // the server's URL while it runs
	tokenFile   = "admin-token" // the administrator's token
)

const maxAnswer = 64 << 20 // bytes of a REST answer that a command reads

// place is the flags by which a command finds a running server.
type place struct {
	Server string `env:"WEIR_SERVER" help:"URL of the server. Default: found in the data directory." placeholder:"URL"`
	Data   string `type:"path" default:"./weir-data" env:"WEIR_DATA" help:"The server's data directory."`
}

// remote is the flags of an operator's command.
type remote struct {
	place
	TokenFile string `type:"path" help:"File with the admin token. Default: in the data directory." placeholder:"FILE"`
}

// url is the server's base URL.
func (p place) url() string {
	if p.Server != "" {
		return strings.TrimSuffix(p.Server, "/")
	}
	if raw, err := os.ReadFile(filepath.Join(p.Data, addressFile)); err == nil {
		return strings.TrimSpace(string(raw))
	}
	return "http://127.0.0.1:8080"
}

// token is the administrator's token.
func (r remote) token() (string, error) {
	file := r.TokenFile
	if file == "" {
		file = filepath.Join(r.Data, tokenFile)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the admin token: %w; say where it is with --data or --token-file", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// api is a REST API and who calls it: by a token, or a user by name alone.
type api struct{ url, token, user string }

// admin is the API as the administrator sees it.
func (r remote) admin() (api, error) {
	token, err := r.token()
	return api{url: r.url(), token: token}, err
}

// problem is an error answer of the API.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
	Remedy string `json:"remedy"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// Error says what was wrong, where, and what to do about it.
func (p *problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		text += "; " + strings.TrimPrefix(e.Location+": ", ": ") + e.Message
	}
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	if p.Remedy != "" {
		text += "; " + p.Remedy
	}
	return text
}

// call makes one request. in is sent as JSON unless it is nil; the answer is
// read into out unless that is nil, as text if out is a *string. A refusal is
// a *problem.
func (a api) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	resp, err := a.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 300 {
		return refused(resp, answer)
	}
	return decode(answer, out)
}

// stream makes one request whose answer is read as it comes, and closed by the
// caller. A refusal is a *problem.
func (a api) stream(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	resp, err := a.send(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return nil, refused(resp, answer)
	}
	return resp.Body, nil
}

// send makes one request, with in as JSON unless it is nil.
func (a api) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.user != "" {
		req.Header.Set("Weir-User", a.user)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the server at %s: %w; is it running? weir serve starts it", a.url, errors.Unwrap(err))
	}
	return resp, nil
}

// refused makes an error of an answer that is none. The robots' own doors wrap
// what they say.
func refused(resp *http.Response, answer []byte) error {
	p := &problem{Status: resp.StatusCode}
	var said struct {
		Error struct{ Message string }
	}
	if json.Unmarshal(answer, &said) == nil && said.Error.Message != "" {
		p.Detail = said.Error.Message
		return p
	}
	if json.Unmarshal(answer, p) != nil || p.Title+p.Detail == "" {
		p.Detail = strings.TrimSpace(resp.Status + " " + string(answer[:min(len(answer), 300)]))
	}
	return p
}

func decode(answer []byte, out any) error {
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(answer)
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}
