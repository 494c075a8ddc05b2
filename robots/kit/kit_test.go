package kit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/events"
	"weir/policies"
	"weir/robots/kit"
	"weir/robots/oauth"
	"weir/robots/wire"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

const (
	ann   = wavelet.Participant("ann@example.com")
	robot = wavelet.Participant("kit@example.com")
	key   = "what was shown once"
)

var room = wavelet.Name{Wave: "example.com!w+abc", Wavelet: "example.com!conv+root"}

func plain(text string) richtext.Delta { return richtext.Delta{}.Insert(text, richtext.Attributes{}) }

// commit commits ops to a state.
func commit(t *testing.T, s *wavelet.State, by wavelet.Participant, ops ...wavelet.Op) {
	t.Helper()
	d := wavelet.Delta{Author: by, Base: s.Version(), Ops: ops}
	d, err := s.Resolve(d)
	if err == nil {
		err = s.Apply(wavelet.Commit{Wavelet: s.Name(), Version: s.Version() + 1, Delta: d, At: time.Unix(1, 0)})
	}
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// conversation is a wavelet in which ann has written and the robot has a blip.
func conversation(t *testing.T) *wavelet.State {
	s := wavelet.NewState(room)
	commit(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.AddParticipant{Who: robot}, wavelet.SetTag{Tag: "old"})
	commit(t, s, ann, wavelet.CreateBlip{Blip: "b+root", Content: plain("\n")})
	commit(t, s, ann, wavelet.CreateBlip{Blip: "b+ann", Content: plain("teh weir holds teh water\n")})
	commit(t, s, robot, wavelet.CreateBlip{Blip: "b+own", Content: plain("one two three\n")})
	return s
}

// changed is a bundle that says that ann has changed her blip.
func changed(s *wavelet.State) events.Bundle {
	return events.Bundle{
		ID: "b1", Token: "token1", Seed: "seed", Seat: wavelet.Seat{Wavelet: room, Robot: robot}, Version: s.Version(), State: s,
		Events: []events.Event{{Type: events.DocumentChanged, ModifiedBy: ann, Blip: "b+ann", At: time.Unix(2, 0)}},
		Limits: policies.Limits{Robot: string(robot), Limits: []policies.Limit{{Name: "depth", Wavelet: room.String(), Max: 16, Remaining: 16, WarnAt: 8}}},
	}
}

// deliver has the server's own client deliver a bundle to a robot, signed.
func deliver(t *testing.T, r *kit.Robot, b events.Bundle, secret string) (events.Answer, error) {
	t.Helper()
	served := httptest.NewServer(r)
	t.Cleanup(served.Close)
	p := wire.NewPassive(robot, served.URL, served.Client(), wire.PassiveOptions{
		RPCServerURL: "http://weir.example.com/robot/rpc",
		Credentials:  func() oauth.Credentials { return oauth.Credentials{Key: string(robot), Secret: secret} },
	})
	t.Cleanup(p.Close)
	return p.Receive(t.Context(), b)
}

// text is what a blip says.
func text(t *testing.T, s *wavelet.State, id wavelet.BlipID) string {
	t.Helper()
	b, ok := s.Blip(id)
	if !ok {
		t.Fatalf("there is no blip %s", id)
	}
	var out strings.Builder
	for _, op := range b.Doc.Delta() {
		out.WriteString(op.Text())
	}
	return out.String()
}

// TestWhatIsSaidIsDone has the server carry out everything that a Reply can say.
func TestWhatIsSaidIsDone(t *testing.T) {
	s := conversation(t)
	r := kit.NewWith(kit.Options{Key: key}, "kit", func(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
		own, _ := in.Own()
		if own.ID != "b+own" || in.Label.Lane != kit.Human || !in.Has(kit.DocumentChanged) || in.Has(kit.BlipSubmitted) || in.Hold() != nil {
			t.Errorf("heard %+v", in)
		}
		for e, blip := range in.Written() {
			if e.ModifiedBy != string(ann) || blip.Text() != "teh weir holds teh water" {
				t.Errorf("%s wrote %q", e.ModifiedBy, blip.Text())
			}
			out.Edit(blip.ID, kit.Match("teh")).Replace("the")
			out.Edit(blip.ID, kit.First("the")).InsertAfter(" old")
			out.Edit(blip.ID, kit.First("weir")).Annotate("style/fontWeight", "bold")
			out.Edit(blip.ID, kit.First("water")).Annotate("style/fontWeight", "bold")
			out.Edit(blip.ID, kit.First("water")).ClearAnnotation("style/fontWeight")
			out.Child(blip.ID, "a child")
		}
		out.Edit(own.ID, kit.Between(1, 4)).Delete()
		out.Edit(own.ID, kit.First("three")).Insert("and ")
		out.Continue(own.ID, "behind it")
		gone := out.Append("soon gone")
		out.DeleteBlip(gone)
		out.Say(out.Append("first"), "second")
		out.Title("Robots")
		out.Tag("new")
		out.Untag("old")
		out.AddParticipant("bob@example.com")
		out.SetRole("bob@example.com", "READ_ONLY")
		out.RemoveParticipant("bob@example.com")
		out.SetData("counter", "7")
		made := out.CreateWavelet("bob@example.com")
		made.Say(made.Root(), "In a wave of its own")
		made.Append("and more")
		return nil
	}, kit.DocumentChanged)
	answer, err := deliver(t, r, changed(s), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range answer.Failures {
		t.Errorf("operation %s failed: %s", f.ID, f.Message)
	}
	if len(answer.Deltas) != 2 {
		t.Fatalf("%d deltas, want one here and one in the new wave", len(answer.Deltas))
	}
	for _, d := range answer.Deltas {
		if d.Wavelet == room {
			commit(t, s, robot, d.Ops...)
			continue
		}
		other := wavelet.NewState(d.Wavelet)
		commit(t, other, robot, d.Ops...)
		if got := text(t, other, other.Root()); got != "In a wave of its own\n" {
			t.Errorf("the new wave begins with %q", got)
		}
		if _, in := other.Role("bob@example.com"); !in {
			t.Error("bob is not in the new wave")
		}
	}
	if got, want := text(t, s, "b+ann"), "the old weir holds the water\n"; got != want {
		t.Errorf("ann's blip says %q, want %q", got, want)
	}
	if got, want := text(t, s, "b+own"), " two and three\n"; got != want {
		t.Errorf("the robot's blip says %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"new"}, s.Tags()); diff != "" || s.Title() != "Robots" {
		t.Errorf("title %q, tags: %s", s.Title(), diff)
	}
	if value, _ := s.Data("counter"); value != "7" {
		t.Errorf("the data document says %q", value)
	}
	var said []string
	for b := range s.Blips() {
		if !b.Deleted && b.ID != "b+ann" && b.ID != "b+own" {
			said = append(said, text(t, s, b.ID))
		}
	}
	for _, want := range []string{"a child\n", "behind it\n", "second\n"} {
		if !strings.Contains(strings.Join(said, ""), want) {
			t.Errorf("nobody said %q; said was %q", want, said)
		}
	}
}

// TestBundlesAreChecked posts bundles of the server and of others.
func TestBundlesAreChecked(t *testing.T) {
	heard := 0
	r := kit.NewWith(kit.Options{Key: key}, "kit", func(context.Context, *kit.Bundle, *kit.Reply) error { heard++; return kit.NoReply }, kit.DocumentChanged)
	if _, err := deliver(t, r, changed(conversation(t)), "guessed"); !errors.Is(err, wire.ErrStatus) {
		t.Errorf("a bundle signed with another key: %v", err)
	}
	served := httptest.NewServer(r)
	defer served.Close()
	target := served.URL + "/_wave/robot/jsonrpc"
	sign := func(body string, at time.Time) string {
		url, err := oauth.Sign(http.MethodPost, target, []byte(body), oauth.Credentials{Key: string(robot), Secret: key}, at)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	good := sign("{}", time.Now())
	for _, x := range []struct {
		name, url, body string
		want            int
	}{
		{"signed", good, "{}", http.StatusOK},
		{"sent again", good, "{}", http.StatusUnauthorized},
		{"unsigned", target, "{}", http.StatusUnauthorized},
		{"of yesterday", sign("{}", time.Now().Add(-24*time.Hour)), "{}", http.StatusUnauthorized},
		{"another body", sign("{}", time.Now()), "{ }", http.StatusUnauthorized},
		{"no bundle", sign("[", time.Now()), "[", http.StatusBadRequest},
	} {
		resp, err := http.Post(x.url, "application/json", strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != x.want {
			t.Errorf("%s: status %d, want %d", x.name, resp.StatusCode, x.want)
		}
	}
	if heard != 1 {
		t.Errorf("the handler heard %d bundles, want 1", heard)
	}
}

// bundle is one as JSON, with limits.
func bundle(t *testing.T, lane kit.Lane, by string, limits ...kit.Limit) []byte {
	t.Helper()
	list := []map[string]any{}
	for _, l := range limits {
		list = append(list, map[string]any{"name": l.Name, "max": l.Max, "used": l.Used, "window": "2m0s", "warnAt": l.WarnAt, "minEvents": l.MinEvents, "events": l.Events, "dryRun": l.DryRun})
	}
	raw, err := json.Marshal(map[string]any{
		"events":       []any{map[string]any{"type": "DOCUMENT_CHANGED", "modifiedBy": by, "properties": map[string]any{"blipId": "b+1"}}},
		"wavelet":      map[string]any{"waveId": room.Wave, "waveletId": room.Wavelet, "participants": []string{"ann@example.com", "a@example.com", "b@example.com"}},
		"robotAddress": robot, "bundle": map[string]any{"id": "b1", "token": "token1", "lane": lane},
		"limits": map[string]any{"robot": robot, "at": "2026-01-01T00:00:00Z", "limits": list},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// methods is what an answer does.
func methods(t *testing.T, answer []byte) (list []string) {
	t.Helper()
	var ops []kit.Operation
	if err := json.Unmarshal(answer, &ops); err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		list = append(list, op.Method)
	}
	return list
}

// TestHoldsItsTongue asks for an answer at each limit, and near it.
func TestHoldsItsTongue(t *testing.T) {
	for _, x := range []struct {
		name  string
		lane  kit.Lane
		by    string
		limit kit.Limit
		held  bool
	}{
		{"a short chain", kit.Robots, "a@example.com", kit.Limit{Name: "depth", Max: 16, Used: 12}, false},
		{"a long chain", kit.Robots, "a@example.com", kit.Limit{Name: "depth", Max: 16, Used: 13}, true},
		{"a long chain that nobody minds", kit.Robots, "a@example.com", kit.Limit{Name: "depth", Max: 16, Used: 13, DryRun: true}, false},
		{"a person behind a long chain", kit.Human, "ann@example.com", kit.Limit{Name: "depth", Max: 16, Used: 16}, false},
		{"a chain that hides", kit.Robots, "a@example.com", kit.Limit{Name: "hold", Max: 12, Used: 10}, true},
		{"a storm", kit.Robots, "a@example.com", kit.Limit{Name: "amplification", Max: 32, Used: 25}, true},
		{"some wind", kit.Robots, "a@example.com", kit.Limit{Name: "amplification", Max: 32, Used: 24}, false},
		{"room for the others", kit.Robots, "a@example.com", kit.Limit{Name: "amplification", Max: 10, Used: 7}, true},
		{"long alone", kit.Robots, "a@example.com", kit.Limit{Name: "human", Max: 600, Used: 481}, true},
		{"answers everything", kit.Robots, "a@example.com", kit.Limit{Name: "robotRatio2m", Max: 0.9, Used: 0.72, WarnAt: 0.72, MinEvents: 60, Events: 50}, true},
		{"answers half", kit.Robots, "a@example.com", kit.Limit{Name: "robotRatio2m", Max: 0.9, Used: 0.5, WarnAt: 0.72, MinEvents: 60, Events: 50}, false},
		{"has heard little", kit.Robots, "a@example.com", kit.Limit{Name: "robotRatio2m", Max: 0.9, Used: 1, WarnAt: 0.72, MinEvents: 60, Events: 40}, false},
		{"is only warned", kit.Robots, "a@example.com", kit.Limit{Name: "ratio2m", Max: 0.9, Used: 1, WarnAt: 0.9, MinEvents: 60, Events: 60}, false},
		{"answers people", kit.Human, "ann@example.com", kit.Limit{Name: "ratio2m", Max: 0.9, Used: 1, WarnAt: 0.72, MinEvents: 60, Events: 60}, false},
		{"an echo elsewhere", kit.Human, "zoe@elsewhere.org", kit.Limit{Name: "remote", Max: 16, Used: 13}, true},
		{"ann beside an echo elsewhere", kit.Human, "ann@example.com", kit.Limit{Name: "remote", Max: 16, Used: 13}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			var held []*kit.Held
			answer := func(unlimited bool, lane kit.Lane) []string {
				r := kit.NewWith(kit.Options{Unlimited: unlimited, Held: func(_ *kit.Bundle, h *kit.Held) { held = append(held, h) }}, "kit",
					func(_ context.Context, in *kit.Bundle, out *kit.Reply) error {
						if (in.Hold() != nil) != (x.held && !unlimited) {
							t.Errorf("told beforehand: %v", in.Hold())
						}
						out.Append("Well.")
						return nil
					})
				raw, err := r.Answer(t.Context(), bundle(t, lane, x.by, x.limit))
				if err != nil {
					t.Fatal(err)
				}
				return methods(t, raw)
			}
			all := []string{"robot.notify", "wavelet.appendBlip"}
			if diff := cmp.Diff(all, answer(true, x.lane)); diff != "" || len(held) > 0 {
				t.Errorf("without limits, held %v: %s", held, diff)
			}
			want := all
			if x.held {
				want = all[:1]
			}
			if diff := cmp.Diff(want, answer(false, x.lane)); diff != "" {
				t.Error(diff)
			}
			if x.held && (len(held) != 1 || held[0].Limit != x.limit.Name || len(held[0].Operations) != 1) || !x.held && len(held) > 0 {
				t.Errorf("told of %v", held)
			}
		})
	}
}

// TestNoReply says nothing, in the three ways there are.
func TestNoReply(t *testing.T) {
	for name, h := range map[string]kit.Handler{
		"none":    nil,
		"empty":   func(context.Context, *kit.Bundle, *kit.Reply) error { return nil },
		"NoReply": func(_ context.Context, _ *kit.Bundle, out *kit.Reply) error { out.Append("hm"); return kit.NoReply },
		"only ask": func(_ context.Context, _ *kit.Bundle, out *kit.Reply) error {
			out.Add("robot.getLimits", nil)
			return nil
		},
	} {
		raw, err := kit.New("kit", h).Answer(t.Context(), bundle(t, kit.Robots, "a@example.com", kit.Limit{Name: "depth", Max: 16, Used: 16}))
		if got := methods(t, raw); err != nil || got[0] != "robot.notify" || len(got) > 1 && got[1] != "robot.getLimits" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	wrong := errors.New("out of ink")
	if _, err := kit.New("kit", func(context.Context, *kit.Bundle, *kit.Reply) error { return wrong }).Answer(t.Context(), []byte("{}")); !errors.Is(err, wrong) {
		t.Errorf("the handler's error is %v", err)
	}
	if _, err := kit.New("kit", nil).Answer(t.Context(), []byte("[")); !errors.Is(err, kit.ErrBundle) {
		t.Errorf("no bundle: %v", err)
	}
}
