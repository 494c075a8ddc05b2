package web_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
	"weir/web"
)

// The Go client against the real server.

func insert(at int, text string) richtext.Delta {
	return richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(text, richtext.Attributes{})
}

// TestServerRestart cuts the server off in the middle of the typing and starts
// another one over the same store: what was typed is there once.
func TestServerRestart(t *testing.T) {
	memory := store.NewMemory()
	first := plan{memory: memory}.build(t)
	name := first.wave()
	x := newProxy(t, strings.TrimPrefix(first.url, "http://"), 1, 0, newPulse())
	c := first.dial(ann, x.url())
	w := first.open(c, name)
	root := w.State().Root()
	typed := ""
	write := func(n int) {
		for range n {
			word := fmt.Sprintf("%d ", len(typed))
			if err := w.Edit(t.Context(), root, insert(len(typed), word)); err != nil {
				t.Fatal(err)
			}
			typed += word
		}
	}
	write(20)
	x.lead("127.0.0.1:1") // nobody is there: neither the old server nor who gets its port
	first.close()
	write(20)
	second := plan{memory: memory}.build(t)
	x.lead(strings.TrimPrefix(second.url, "http://"))
	write(20)
	if err := w.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := second.state(name).Text(); got != typed+"\n" {
		t.Errorf("text %q, want %q", got, typed)
	}
	if s := c.Stats(); s.Connects != 2 || s.Resumes != 1 || s.Diverged != 0 {
		t.Errorf("the client went through %+v, want 2 connections and 1 wavelet resumed", s)
	}
}

// TestFarBehind resumes from more versions ago than are sent one by one: the
// client starts over from a snapshot, keeps what still fits and gives back what
// does not.
func TestFarBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 versions take a while")
	}
	h := build(t, nil)
	name := h.wave(bob)
	x := newProxy(t, strings.TrimPrefix(h.url, "http://"), 1, 0, newPulse())
	c := h.dial(bob, x.url())
	w := h.open(c, name)
	root := w.State().Root()
	note := wavelet.NewBlipID()
	if err := w.Publish(t.Context(), wavelet.CreateBlip{Blip: note}); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.lead("127.0.0.1:1") // nobody is there
	x.cutAll()
	head := h.state(name).Version()
	for range 10_010 {
		v, err := h.host.SubmitHuman(t.Context(), name, wavelet.Delta{Author: ann, Base: head, Ops: []wavelet.Op{wavelet.EditBlip{Blip: root, Delta: insert(0, "a")}}})
		if err != nil {
			t.Fatal(err)
		}
		head = v.Version
	}
	for _, edit := range []struct {
		blip wavelet.BlipID
		text string
	}{{root, "does not fit any more"}, {note, "still fits"}} {
		if err := w.Edit(t.Context(), edit.blip, insert(0, edit.text)); err != nil {
			t.Fatal(err)
		}
	}
	x.lead(strings.TrimPrefix(h.url, "http://"))
	if err := w.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := w.TakeLost()
	if len(lost) != 1 || lost[0].Text != "does not fit any more" || lost[0].Reason == nil {
		t.Errorf("given back: %+v", lost)
	}
	text := h.state(name).Text()
	if !strings.HasSuffix(text, "a\nstill fits\n") || w.Text() != text {
		t.Errorf("server %.40q…, client %.40q…", text, w.Text())
	}
	if s := c.Stats(); s.Snapshots != 1 {
		t.Errorf("%d snapshots, want 1", s.Snapshots)
	}
}

func TestManyWaveletsOverOneConnection(t *testing.T) {
	h := build(t, nil)
	c := h.dial(ann, "")
	var open []*client.Wavelet
	for i := range 40 {
		name, err := c.CreateWave(t.Context(), fmt.Sprintf("wave %d", i), bob)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, h.open(c, name))
	}
	for i, w := range open {
		if err := w.Edit(t.Context(), w.State().Root(), insert(0, fmt.Sprintf("%d: ", i))); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range open {
		if err := w.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := h.state(w.Name()).Title(), fmt.Sprintf("%d: wave %d", i, i); got != want {
			t.Errorf("title %q, want %q", got, want)
		}
	}
	if s := c.Stats(); s.Connects != 1 {
		t.Errorf("%d connections, want 1", s.Connects)
	}
	found, err := h.dial(bob, "").Wavelets(t.Context(), "title:7:")
	if err != nil || len(found) != 4 { // 7, 17, 27, 37
		t.Errorf("bob finds %d wavelets, %v", len(found), err)
	}
}

func TestClientMethods(t *testing.T) {
	h := build(t, nil)
	if _, _, err := h.directory.Register(t.Context(), registration("echo")); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	c := h.dial(ann, "")
	name, err := c.CreateWave(ctx, "First", bob)
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"title":  c.SetTitle(ctx, name, "Second"),
		"tag":    c.SetTag(ctx, name, "x", false),
		"add":    c.AddParticipant(ctx, name, "echo@example.com", wavelet.Full, false),
		"role":   c.SetRole(ctx, name, bob, wavelet.Comment),
		"remove": c.RemoveParticipant(ctx, name, bob),
		"back":   c.Readmit(ctx, name, "echo@example.com", false),
	} {
		if err != nil && what != "role" { // bob may be gone already
			t.Errorf("%s: %v", what, err)
		}
	}
	state := h.state(name)
	if state.Title() != "Second" || len(state.Participants()) != 2 || len(state.Tags()) != 1 {
		t.Errorf("title %q, participants %v, tags %v", state.Title(), state.Participants(), state.Tags())
	}
	if text, err := c.Export(ctx, name, "text"); err != nil || text != "Second\n" {
		t.Errorf("export: %q, %v", text, err)
	}
	if l, err := c.RobotLimits(ctx, "echo@example.com"); err != nil || l.Profile == "" {
		t.Errorf("limits: %+v, %v", l, err)
	}
	var e *client.Error
	h.want(200, "admin", "POST", "/api/v1/robots/echo@example.com/suspend", "", nil)
	if l, err := c.RobotLimits(ctx, "echo@example.com"); err != nil || l.Status != "suspended" {
		t.Errorf("limits of a suspended robot: %+v, %v", l, err)
	}
	if _, err := c.RobotLimits(ctx, "nobody@example.com"); !errors.As(err, &e) || e.Code != client.CodeUnknownRobot {
		t.Errorf("limits of nobody: %v", err)
	}
	if err := c.Readmit(ctx, name, "nobody@example.com", true); !errors.As(err, &e) || e.Code != client.CodeUnknownRobot {
		t.Errorf("readmit nobody: %v", err)
	}
	var list struct{ Robots []struct{ Address string } }
	if err := c.Call(ctx, "robot.list", struct{}{}, &list); err != nil || len(list.Robots) != 1 {
		t.Errorf("robots: %+v, %v", list, err)
	}
	w := h.open(c, name)
	old, err := w.At(ctx, 1)
	if err != nil || old.Version() != 1 || old.Title() != "" {
		t.Errorf("at version 1: %v, %v", old, err)
	}
	log, err := w.History(ctx, 0, 2)
	if err != nil || len(log.Commits) != 2 || log.Head != state.Version() {
		t.Errorf("history: %+v, %v", log, err)
	}
}

func TestDialIsRefusedForGood(t *testing.T) {
	h := build(t, nil)
	if _, _, err := h.directory.Register(t.Context(), registration("echo")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var e *client.Error
	if _, err := client.Dial(ctx, h.url, client.Options{User: "echo@example.com", Backoff: quick}); !errors.As(err, &e) || e.Code != client.CodeNotAPerson {
		t.Errorf("a robot dials: %v, want code %d", err, client.CodeNotAPerson)
	}
	if _, err := client.Dial(ctx, h.url, client.Options{User: ann, Token: "x", Backoff: quick}); !errors.As(err, &e) || e.Code != client.CodeUnauthorized {
		t.Errorf("a bad token: %v, want code %d", err, client.CodeUnauthorized)
	}
}

// cooling refuses to bring robots back without an override.
type cooling struct{ web.Gateway }

func (c cooling) Readmit(ctx context.Context, seat wavelet.Seat, by wavelet.Participant, override bool) error {
	if override {
		return nil
	}
	return &wavelet.Refusal{Code: wavelet.CodeCooldown, Op: -1, Field: "add.who", Reason: "it was put out", Remedy: "override", RetryAfter: time.Hour}
}

func TestReadmissionNeedsAnOverride(t *testing.T) {
	h := plan{gateway: func(g web.Gateway) web.Gateway { return cooling{g} }}.build(t)
	if _, _, err := h.directory.Register(t.Context(), registration("echo")); err != nil {
		t.Fatal(err)
	}
	name := h.wave(bob)
	c := h.dial(ann, "")
	var e *client.Error
	if err := c.Readmit(t.Context(), name, "echo@example.com", false); !errors.As(err, &e) || e.Code != client.CodeCooldown || e.RetryAfterMS != time.Hour.Milliseconds() {
		t.Errorf("readmit: %v, want code %d and an hour's advice", err, client.CodeCooldown)
	}
	_, header, _ := h.rest("ann@example.com", "POST", pathOf(name)+"/participants", `{"who":"echo@example.com"}`)
	if header.Get("Retry-After") != "3600" {
		t.Errorf("Retry-After %q, want 3600", header.Get("Retry-After"))
	}
	h.want(200, "ann@example.com", "POST", pathOf(name)+"/participants", `{"who":"echo@example.com","override":true}`, nil)
	if _, in := h.state(name).Role("echo@example.com"); !in {
		t.Error("the robot is not back")
	}
	// One who may only comment does not bring robots back.
	if err := c.SetRole(t.Context(), name, bob, wavelet.Comment); err != nil {
		t.Fatal(err)
	}
	if err := h.dial(bob, "").Readmit(t.Context(), name, "echo@example.com", true); !errors.As(err, &e) || e.Code != client.CodeForbidden {
		t.Errorf("a commenter readmits: %v, want code %d", err, client.CodeForbidden)
	}
}

// full has no room for the first deltas.
type full struct {
	web.Host
	n atomic.Int64
}

func (f *full) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if f.n.Add(1) <= 3 {
		return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.CodeDiskFull, Op: -1, Reason: "there is no room"}
	}
	return f.Host.SubmitHuman(ctx, name, d)
}

func TestTemporaryRefusalsAreTriedAgain(t *testing.T) {
	h := build(t, func(h web.Host) web.Host { return &full{Host: h} })
	name := h.wave()
	w := h.open(h.dial(ann, ""), name)
	if err := w.Edit(t.Context(), w.State().Root(), insert(0, "patience")); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.state(name).Text(); got != "patience\n" {
		t.Errorf("text %q", got)
	}
}

func TestClientKnocksUntilTheServerIsReady(t *testing.T) {
	knocks := 0
	h := plan{ready: func() error {
		if knocks++; knocks == 1 {
			return errors.New("still opening")
		}
		return nil
	}}.build(t)
	c := h.dial(ann, "")
	if c.Stats().Connects != 1 || knocks != 2 {
		t.Errorf("%d connections after %d knocks, want 1 after 2", c.Stats().Connects, knocks)
	}
}

func TestRefusedEditIsGivenBack(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	b := h.open(h.dial(bob, ""), name)
	root := b.State().Root()
	// Behind bob's back, so that his client lets the edit through.
	x := newProxy(t, strings.TrimPrefix(h.url, "http://"), 1, 0, newPulse())
	away := h.open(h.dial(bob, x.url()), name)
	x.lead("127.0.0.1:1")
	x.cutAll()
	if err := h.dial(ann, "").SetRole(t.Context(), name, bob, wavelet.Read); err != nil {
		t.Fatal(err)
	}
	if err := away.Edit(t.Context(), root, insert(0, "too late")); err != nil {
		t.Fatal(err)
	}
	x.lead(strings.TrimPrefix(h.url, "http://"))
	if err := away.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	var e *client.Error
	lost := away.TakeLost()
	if len(lost) != 1 || lost[0].Text != "too late" || !errors.As(lost[0].Reason, &e) || e.Code != client.CodeForbidden {
		t.Errorf("given back: %+v", lost)
	}
	if away.Text() != "\n" || h.state(name).Text() != "\n" {
		t.Errorf("client %q, server %q: want neither to have it", away.Text(), h.state(name).Text())
	}
	if err := b.WaitFor(t.Context(), h.state(name).Version()); err != nil {
		t.Fatal(err)
	}
	var refusal *wavelet.Refusal
	if err := b.Edit(t.Context(), root, insert(0, "x")); !errors.As(err, &refusal) || refusal.Code != wavelet.CodeNoAccess {
		t.Errorf("a reader edits: %v, want it refused at once", err)
	}
}
