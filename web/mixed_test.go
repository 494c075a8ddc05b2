package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"weir/wavelet"
)

// TestMixedClientsConverge lets Go and JavaScript clients write in one wavelet at
// random, over connections that are held up and cut at random. At rest all of
// them have what the server has, and none had to start over.
func TestMixedClientsConverge(t *testing.T) {
	h := build(t, nil)
	gophers, scripts := newGoDriver(), startNode(t)
	resends := 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 5*patience, errors.New("the clients do not come to rest"))
			defer cancel()
			p := &play{t: t, ctx: ctx, h: &house{t: t, host: h.host, web: h.web, url: h.url, http: h.http}, waves: map[string]wavelet.Name{}, cast: map[string]*actor{}}
			var actors []*actor
			for i, d := range []driver{gophers, scripts, scripts} {
				actors = append(actors, p.add(fmt.Sprint("client", i), []wavelet.Participant{ann, bob}[i%2], d))
			}
			for _, a := range actors {
				must(t, p.act(a, []string{"joins", "W", "", ""}))
			}
			rng := rand.New(rand.NewPCG(seed, 3))
			for range 400 {
				must(t, p.stir(rng, actors[rng.IntN(len(actors))]))
			}
			for _, a := range actors {
				must(t, p.net(a, []string{"online"}))
				must(t, p.net(a, []string{"cuts"})) // with what was held
			}
			must(t, p.rest())
			for i, a := range actors {
				s, err := a.driver.do(ctx, command{Do: "stats", Client: a.id})
				must(t, err)
				resends += s.Resends
				if s.Diverged != 0 || s.Restarts != 0 {
					t.Errorf("client %d diverged %d times and started over %d times", i, s.Diverged, s.Restarts)
				}
				if _, err := a.net.resent(); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			}
		})
	}
	if !t.Failed() && resends == 0 {
		t.Error("no delta was sent twice: the weather was too good to prove anything")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stir lets something happen to a client.
func (p *play) stir(rng *rand.Rand, a *actor) error {
	switch n := rng.IntN(20); n {
	case 0:
		return p.net(a, []string{"cuts"})
	case 1:
		return p.net(a, []string{"offline"})
	case 2:
		return p.net(a, []string{"online"})
	case 3, 4:
		return p.net(a, []string{"holds"})
	case 5, 6, 7:
		_ = p.net(a, []string{"releases"}) // an error means that nobody is connected now
		return nil
	}
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	from := rng.Float64()
	_, err := a.driver.do(p.ctx, command{Do: "scribble", Client: a.id, Wave: "W", scribble: scribble{
		Kind: one("insert", "insert", "insert", "delete", "format"), From: from, To: min(from+rng.Float64()*0.2, 0.999),
		Text:       one("a", "bc", "😀", "👩‍👩‍👧", "é", "\n", "한 ", "x😀y"),
		Attributes: json.RawMessage(one(`{"bold":true}`, `{"color":"red"}`, `{"link":"https://example.com/"}`, `{"bold":null,"italic":true}`)),
	}})
	return err
}

// TestTransformsAlike moves random lists of ops past each other in Go and in
// JavaScript.
func TestTransformsAlike(t *testing.T) {
	node := startNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		server, ours := randomOps(t, rng), randomOps(t, rng)
		wantServer, wantOurs := wavelet.TransformPair(server, ours)
		s, err := node.do(ctx, command{Do: "transform", Server: encoded(t, server), Ops: encoded(t, ours)})
		must(t, err)
		for _, side := range []struct {
			name string
			got  json.RawMessage
			want []wavelet.Op
		}{{"server", s.Server, wantServer}, {"client", s.Client, wantOurs}} {
			got, err := wavelet.DecodeOps(side.got)
			must(t, err)
			if a, b := string(encoded(t, got)), string(encoded(t, side.want)); a != b {
				t.Fatalf("pair %d: server %s, client %s: the %s's becomes\n%s in JavaScript,\n%s in Go",
					i, encoded(t, server), encoded(t, ours), side.name, a, b)
			}
		}
	}
}

// TestCursorsAlike moves random cursors past random ops, and back, in Go and in
// JavaScript.
func TestCursorsAlike(t *testing.T) {
	node := startNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 400 {
		ops, at := randomOps(t, rng), wavelet.Cursor{Blip: "b+1", Anchor: rng.IntN(12), Head: rng.IntN(12)}
		if rng.IntN(10) == 0 {
			ops = append([]wavelet.Op{wavelet.CreateBlip{Blip: "b+1"}}, ops...)
		}
		s, err := node.do(ctx, command{Do: "carets", Ops: encoded(t, ops), Cursor: new(placedCaret(at))})
		must(t, err)
		for j, move := range []func() (wavelet.Cursor, bool){
			func() (wavelet.Cursor, bool) { return at.After(ops, true) },
			func() (wavelet.Cursor, bool) { return at.After(ops, false) },
			func() (wavelet.Cursor, bool) { return at.Before(ops) },
		} {
			want, ok := move()
			if got := s.Carets[j]; (got != nil) != ok || ok && *got != placedCaret(want) {
				t.Fatalf("%d: %+v, way %d past %s: %+v in JavaScript, %+v %v in Go", i, at, j, encoded(t, ops), got, want, ok)
			}
		}
	}
}

func encoded(t *testing.T, ops []wavelet.Op) []byte {
	t.Helper()
	b, err := wavelet.MarshalOps(ops)
	must(t, err)
	return b
}

// randomOps is a list of ops about few things, so that they meet.
func randomOps(t *testing.T, rng *rand.Rand) []wavelet.Op {
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	text := "["
	for i := range 1 + rng.IntN(4) {
		if i > 0 {
			text += ","
		}
		who, blip := one("ann@example.com", "bob@example.com"), one("b+1", "b+2")
		switch rng.IntN(10) {
		case 0, 1, 2, 3:
			text += fmt.Sprintf(`{"edit":{"blip":%q,"ops":[{"retain":%d},{"insert":%q},{"delete":%d},{"retain":%d,"attributes":%s}]}}`,
				blip, 1+rng.IntN(4), one("a", "😀", "xyz"), 1+rng.IntN(3), 1+rng.IntN(3), one(`{"bold":true}`, `{"bold":null}`, `{"color":"red"}`))
		case 4:
			text += fmt.Sprintf(`{"delete":{"blip":%q}}`, blip)
		case 5:
			text += fmt.Sprintf(`{"add":{"who":%q,"role":%q}}`, who, one("full", "read"))
		case 6:
			text += fmt.Sprintf(`{"remove":{"who":%q}}`, who)
		case 7:
			text += fmt.Sprintf(`{"role":{"who":%q,"role":%q}}`, who, one("full", "read"))
		case 8:
			text += fmt.Sprintf(`{"tag":{"tag":%q%s}}`, one("x", "y"), one("", `,"remove":true`))
		case 9:
			text += one(`{"data":{"name":"n","value":"1"}}`, `{"data":{"name":"n","remove":true}}`, fmt.Sprintf(`{"click":{"blip":%q,"element":"ok"}}`, blip))
		}
	}
	ops, err := wavelet.DecodeOps([]byte(text + "]"))
	must(t, err)
	return ops
}

// TestReadingByLink opens a wavelet by a share link in JavaScript, and keeps
// reading over a lost connection.
func TestReadingByLink(t *testing.T) {
	h := build(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := &play{t: t, ctx: ctx, h: h, waves: map[string]wavelet.Name{}, cast: map[string]*actor{}}
	guest := p.add("eve", eve, startNode(t))
	must(t, p.line([]string{"eve", "joins"}))
	name := p.wave("W")
	var link struct {
		Token string `json:"token"`
	}
	params := map[string]any{"wave": name.Wave, "wavelet": name.Wavelet}
	must(t, h.dial(ann, "").Call(ctx, "link.create", params, &link))
	open := command{Do: "open", Client: guest.id, Wave: "W", Name: named{name.Wave, name.Wavelet}}
	if _, err := guest.driver.do(ctx, open); err == nil {
		t.Fatal("a stranger may read without a link")
	}
	open.Link = link.Token
	_, err := guest.driver.do(ctx, open)
	must(t, err)
	must(t, p.net(guest, []string{"cuts"}))
	must(t, p.line([]string{"server", "inserts", "W", "0", "for guests too"}))
	must(t, p.line([]string{"eve", "sees", "W", "for guests too\n"}))
}

// TestJavaScriptRenews tells the JavaScript client that its login and a share
// link expire soon: it renews both before that, by itself.
func TestJavaScriptRenews(t *testing.T) {
	h := build(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := &play{t: t, ctx: ctx, h: h, waves: map[string]wavelet.Name{}, cast: map[string]*actor{}}
	guest := p.add("eve", eve, startNode(t))
	name := p.wave("W")
	var link struct {
		Token string `json:"token"`
	}
	params := map[string]any{"wave": name.Wave, "wavelet": name.Wavelet, "expires_in": 3600}
	must(t, h.dial(ann, "").Call(ctx, "link.create", params, &link))
	soon := []string{"alters", "reply", `{"ok":{"expires":"SOON"}}`}
	must(t, p.net(guest, soon))
	_, err := guest.driver.do(ctx, command{
		Do: "dial", Client: guest.id, URL: guest.net.server.URL, Backoff: map[string]int{"min": 5, "max": 20},
		Tokens: []string{loginToken(t, eve, time.Hour), loginToken(t, eve, 2*time.Hour)},
	})
	must(t, err)
	must(t, p.net(guest, soon))
	_, err = guest.driver.do(ctx, command{Do: "open", Client: guest.id, Wave: "W", Name: named{name.Wave, name.Wavelet}, Link: link.Token})
	must(t, err)
	for _, frame := range []string{`{"op":"refresh","token":"ey*"}`, `{"op":"sub_refresh","link":"` + link.Token + `"}`} {
		must(t, p.net(guest, []string{"saw", frame}))
	}
}

// TestSnap holds the JavaScript client to what it does to deltas that cut an
// emoji in two, as a comparison of texts by UTF-16 units makes them.
func TestSnap(t *testing.T) {
	node := startNode(t)
	for _, test := range []struct{ name, doc, ops, want, text string }{
		{"an emoji between two, as a diff sees it", `[{"insert":"😀😀\n"}]`, `[{"retain":3},{"insert":"\ude01\ud83d"}]`,
			`[{"retain":2},{"insert":"😁😀"},{"delete":2}]`, "😀😁😀\n"},
		{"another emoji of the same first half", `[{"insert":"a😀\n"}]`, `[{"retain":2},{"insert":"\ude01"},{"delete":1}]`,
			`[{"retain":1},{"insert":"😁"},{"delete":2}]`, "a😁\n"},
		{"half an emoji is deleted", `[{"insert":"a😀b\n"}]`, `[{"retain":2},{"delete":2}]`, `[{"retain":1},{"delete":3}]`, "a\n"},
		{"half an emoji is formatted", `[{"insert":"😀b\n"}]`, `[{"retain":1,"attributes":{"bold":true}}]`,
			`[{"retain":2,"attributes":{"bold":true}}]`, "😀b\n"},
		{"nothing is cut", `[{"insert":"😀b\n"}]`, `[{"retain":2},{"insert":"x"}]`, `[{"retain":2},{"insert":"x"}]`, "😀xb\n"},
	} {
		s, err := node.do(t.Context(), command{Do: "snap", Doc: json.RawMessage(test.doc), Ops: json.RawMessage(test.ops)})
		must(t, err)
		if string(s.Ops) != test.want || s.Text != test.text {
			t.Errorf("%s: %s, which makes %q; want %s and %q", test.name, s.Ops, s.Text, test.want, test.text)
		}
	}
}
