package client

import (
	"context"
	"time"

	"weir/policies"
	"weir/wavelet"
)

// This file is the rpc methods with their parameters spelt out. Each returns
// the server's *Error when it is refused.

// Placed is where an rpc wrote, and the version it made.
type Placed struct {
	Wave    string          `json:"wave"`
	Wavelet string          `json:"wavelet"`
	Version wavelet.Version `json:"version"`
}

// Name is the wavelet's name.
func (p Placed) Name() wavelet.Name { return wavelet.Name{Wave: p.Wave, Wavelet: p.Wavelet} }

// Summary is one line of an inbox.
type Summary struct {
	Wave         string          `json:"wave"`
	Wavelet      string          `json:"wavelet"`
	Title        string          `json:"title"`
	Version      wavelet.Version `json:"version"`
	Modified     time.Time       `json:"modified"`
	Participants []string        `json:"participants"`
	Tags         []string        `json:"tags,omitzero"`
	Snippet      string          `json:"snippet,omitzero"`
}

// CreateWave makes a wavelet with the user and others in it.
func (c *Client) CreateWave(ctx context.Context, title string, others ...wavelet.Participant) (wavelet.Name, error) {
	var p Placed
	err := c.Call(ctx, "wave.create", map[string]any{"title": title, "participants": append([]wavelet.Participant{}, others...)}, &p)
	return p.Name(), err
}

// AddParticipant lets somebody in. Override brings a robot that was put out back
// before its cooldown is over.
func (c *Client) AddParticipant(ctx context.Context, name wavelet.Name, who wavelet.Participant, role wavelet.Role, override bool) error {
	return c.Call(ctx, "participant.add", on(name, map[string]any{"who": who, "role": role.String(), "override": override}), nil)
}

// RemoveParticipant puts somebody out.
func (c *Client) RemoveParticipant(ctx context.Context, name wavelet.Name, who wavelet.Participant) error {
	return c.Call(ctx, "participant.remove", on(name, map[string]any{"who": who}), nil)
}

// SetRole changes what a participant may do.
func (c *Client) SetRole(ctx context.Context, name wavelet.Name, who wavelet.Participant, role wavelet.Role) error {
	return c.Call(ctx, "participant.role", on(name, map[string]any{"who": who, "role": role.String()}), nil)
}

// SetTitle gives a wavelet a title. Of two at once the later wins whole.
func (c *Client) SetTitle(ctx context.Context, name wavelet.Name, title string) error {
	return c.Call(ctx, "wavelet.title", on(name, map[string]any{"title": title}), nil)
}

// SetTag adds a tag, or removes it.
func (c *Client) SetTag(ctx context.Context, name wavelet.Name, tag string, remove bool) error {
	return c.Call(ctx, "wavelet.tag", on(name, map[string]any{"tag": tag, "remove": remove}), nil)
}

// DoneWith says that the user has finished writing in a blip, for now. Robots that
// wait for that are told at once, and not only when the user was idle.
func (c *Client) DoneWith(ctx context.Context, name wavelet.Name, blip wavelet.BlipID) error {
	return c.Call(ctx, "blip.done", on(name, map[string]any{"blip": blip}), nil)
}

// Wavelets is the inbox, changed last first: all of it, or what a query finds.
func (c *Client) Wavelets(ctx context.Context, query string) ([]Summary, error) {
	var ok struct {
		Wavelets []Summary `json:"wavelets"`
	}
	err := c.Call(ctx, "wavelet.list", map[string]any{"query": query}, &ok)
	return ok.Wavelets, err
}

// Export renders a wavelet: format is text, html or json.
func (c *Client) Export(ctx context.Context, name wavelet.Name, format string) (string, error) {
	var ok struct {
		Content string `json:"content"`
	}
	err := c.Call(ctx, "wavelet.export", on(name, map[string]any{"format": format}), &ok)
	return ok.Content, err
}

// RobotLimits is a robot's limits with what is used of them, as far as they
// concern the user.
func (c *Client) RobotLimits(ctx context.Context, robot wavelet.Participant) (policies.Limits, error) {
	var l policies.Limits
	err := c.Call(ctx, "robot.limits", map[string]any{"robot": robot}, &l)
	return l, err
}

// Readmit lets a robot that was put out back in.
func (c *Client) Readmit(ctx context.Context, name wavelet.Name, robot wavelet.Participant, override bool) error {
	return c.Call(ctx, "robot.readmit", on(name, map[string]any{"robot": robot, "override": override}), nil)
}

// on adds a wavelet's name to params.
func on(name wavelet.Name, params map[string]any) map[string]any {
	params["wave"], params["wavelet"] = name.Wave, name.Wavelet
	return params
}
