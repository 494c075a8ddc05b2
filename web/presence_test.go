package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// These run in a bubble, where who is slow to answer is not hidden from the
// others because the machine is busy.

// guest is a bare socket that keeps what it is told of a wavelet's people, as
// docs/protocol.md says it.
type guest struct {
	*wire
	at      string // the wavelet in a frame
	session string
	last    int
	people  map[string]client.Person
	many    bool
	n       client.PresenceStats
	pushes  int // of presence
}

// guest connects a person who opens a wavelet and watches who else does.
func (h *house) guest(user wavelet.Participant, name wavelet.Name) *guest {
	h.t.Helper()
	g := h.visitor(user, name)
	g.watch()
	return g
}

// visitor connects a person who opens a wavelet.
func (h *house) visitor(user wavelet.Participant, name wavelet.Name) *guest {
	h.t.Helper()
	g := &guest{wire: h.bare(user), at: fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)}
	g.people = map[string]client.Person{}
	var hello client.ConnectOK
	g.ask(`"op":"connect","protocol":1`, &hello)
	g.session = hello.Session
	g.ask(`"op":"subscribe",`+g.at, nil)
	return g
}

func (g *guest) watch() {
	g.t.Helper()
	var ok client.PresenceOK
	g.ask(`"op":"presence",`+g.at+`,"watch":true`, &ok)
	g.many, g.n = ok.Many, ok.PresenceStats
	g.replace(ok.People)
}

func (g *guest) replace(people []client.Person) {
	clear(g.people)
	for _, p := range people {
		g.people[p.Session] = p
	}
}

// ask sends a request and takes the answer; ok gets what it holds.
func (g *guest) ask(frame string, ok any) {
	g.t.Helper()
	if refusal := g.try(frame, ok); refusal != nil {
		g.t.Fatalf("%s: %v", frame, refusal)
	}
}

// try is ask for what may be refused.
func (g *guest) try(frame string, ok any) *client.Error {
	g.t.Helper()
	g.last++
	g.say(fmt.Sprintf(`{"id":%d,%s}`, g.last, frame))
	for {
		f := g.hear()
		if f.ID == uint64(g.last) {
			if f.Err == nil && ok != nil {
				if err := json.Unmarshal(f.OK, ok); err != nil {
					g.t.Fatal(err)
				}
			}
			return f.Err
		}
		g.take(f)
	}
}

// take keeps what a push tells.
func (g *guest) take(f client.Frame) {
	if f.Push != client.PushPresence {
		return
	}
	g.pushes++
	g.n, g.many = client.PresenceStats{Connections: f.Connections, Users: f.Users}, f.Many
	if f.People != nil || f.Many {
		g.replace(f.People)
	}
	for _, p := range f.Joined {
		g.people[p.Session] = p
	}
	for _, session := range f.Left {
		delete(g.people, session)
	}
	for _, p := range f.Moved {
		known := g.people[p.Session]
		known.Cursor = p.Cursor
		g.people[p.Session] = known
	}
}

// until takes what comes until something is so.
func (g *guest) until(what string, so func() bool) {
	g.t.Helper()
	for !so() {
		f, err := g.next()
		if err != nil {
			g.t.Fatalf("waiting until %s: %v", what, err)
		}
		g.take(f)
	}
}

// cursor sets the cursor.
func (g *guest) cursor(blip wavelet.BlipID, anchor, head int, v wavelet.Version) *client.Error {
	g.t.Helper()
	params := fmt.Sprintf(`{%s,"blip":%q,"anchor":%d,"head":%d,"version":%d}`, g.at, blip, anchor, head, v)
	return g.try(`"op":"rpc","method":"cursor","params":`+params, nil)
}

// sees reports whether another one's cursor is known as this.
func (g *guest) sees(other *guest, want *client.Cursor) func() bool {
	return func() bool {
		p, ok := g.people[other.session]
		return ok && (p.Cursor == nil) == (want == nil) && (want == nil || *p.Cursor == *want)
	}
}

// edit commits an edit of ann's by another door.
func (h *house) edit(name wavelet.Name, blip wavelet.BlipID, d richtext.Delta) wavelet.Version {
	h.t.Helper()
	return h.commit(name, wavelet.EditBlip{Blip: blip, Delta: d})
}

func (h *house) commit(name wavelet.Name, ops ...wavelet.Op) wavelet.Version {
	h.t.Helper()
	c, err := h.host.SubmitHuman(h.t.Context(), name, wavelet.Delta{Author: ann, Base: h.state(name).Version(), Ops: ops})
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Version
}

func TestPeopleComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		a := h.guest(ann, name)
		a.listen()
		if p, ok := a.people[a.session]; !ok || len(a.people) != 1 || p.User != string(ann) || p.Since.IsZero() || p.Cursor != nil {
			t.Errorf("ann alone sees %v", a.people)
		}
		b, again := h.guest(bob, name), h.visitor(bob, name)
		b.listen()
		again.listen()
		a.until("bob is there twice", func() bool { return len(a.people) == 3 })
		if a.n != (client.PresenceStats{Connections: 3, Users: 2}) || a.people[b.session].User != string(bob) || b.session == again.session {
			t.Errorf("%+v: %+v", a.n, a.people)
		}
		again.ask(`"op":"unsubscribe",`+again.at, nil)
		a.until("one window is closed", func() bool { return len(a.people) == 2 })
		b.conn.CloseNow()
		a.until("bob is gone", func() bool { return len(a.people) == 1 })
		again.ask(`"op":"subscribe",`+again.at, nil)
		a.until("bob is back", func() bool { return len(a.people) == 2 })
		h.commit(name, wavelet.RemoveParticipant{Who: bob})
		a.until("bob was put out", func() bool { return len(a.people) == 1 })
		if refusal := again.try(`"op":"presence",`+again.at, nil); refusal == nil || refusal.Code != client.CodeNotParticipant {
			t.Errorf("bob asks still: %v", refusal)
		}
		a.ask(`"op":"presence",`+a.at+`,"watch":false`, nil)
		pushes := a.pushes
		h.commit(name, wavelet.AddParticipant{Who: bob})
		again.ask(`"op":"subscribe",`+again.at, nil)
		again.ask(`"op":"ping"`, nil) // it is done: what comes behind the answer too
		var ok client.PresenceOK
		a.ask(`"op":"presence",`+a.at, &ok)
		if a.pushes != pushes || len(ok.People) != 2 || ok.Connections != 2 {
			t.Errorf("%d pushes to one who does not watch, who asked for %+v", a.pushes-pushes, ok)
		}
	})
}

func TestPresenceNeedsAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name, other := h.wave(), h.wave(bob)
		b := h.visitor(bob, other)
		at := fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)
		root := string(h.state(other).Root())
		cursor := func(params string) string { return `"op":"rpc","method":"cursor","params":{` + params + `}` }
		for _, test := range []struct {
			frame string
			code  int
			field string
		}{
			{`"op":"presence",` + at, client.CodeNotParticipant, "wavelet"},
			{`"op":"presence_stats",` + at, client.CodeNotParticipant, "wavelet"},
			{`"op":"presence",` + at + `,"watch":true`, client.CodeNotSubscribed, "wavelet"},
			{`"op":"presence",` + b.at + `,"watch":1`, client.CodeBadField, "watch"},
			{`"op":"presence",` + b.at + `,"watch":null`, client.CodeBadField, "watch"},
			{`"op":"presence_stats",` + b.at + `,"watch":true`, client.CodeUnknownField, "watch"},
			{`"op":"presence"`, client.CodeMissingField, ""},
			{cursor(at), client.CodeNotSubscribed, "wavelet"},
			{cursor(b.at + `,"blip":"` + root + `"`), client.CodeMissingField, "params.anchor"},
			{cursor(b.at + `,"blip":"` + root + `","anchor":-1,"head":0,"version":1`), client.CodeBadField, "params.anchor"},
			{cursor(b.at + `,"blip":"` + root + `","anchor":0,"head":0,"version":9`), client.CodePastHead, "params.version"},
			{cursor(b.at + `,"blip":"b+none","anchor":0,"head":0,"version":1`), client.CodeUnknownBlip, "params.blip"},
		} {
			refusal := b.try(test.frame, nil)
			if refusal == nil || refusal.Code != test.code || test.field != "" && refusal.Field != test.field {
				t.Errorf("%s: %+v, want code %d about %q", test.frame, refusal, test.code, test.field)
			}
		}
		var n client.PresenceStats
		b.ask(`"op":"presence_stats",`+b.at, &n)
		if n != (client.PresenceStats{Connections: 1, Users: 1}) {
			t.Errorf("numbers of bob's wavelet: %+v", n)
		}
		b.ask(`"op":"unsubscribe",`+b.at, nil)
		b.ask(`"op":"presence_stats",`+b.at, &n)
		if n != (client.PresenceStats{}) {
			t.Errorf("numbers of a wavelet that nobody has open: %+v", n)
		}
	})
}

func TestCursorsMoveWithTheText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		root := h.state(name).Root()
		v := h.edit(name, root, insert(0, "one two"))
		a, b := h.guest(ann, name), h.guest(bob, name)
		a.listen()
		b.listen()
		if refusal := b.cursor(root, 4, 7, v); refusal != nil {
			t.Fatal(refusal)
		}
		want := &client.Cursor{Blip: root, Anchor: 4, Head: 7, Version: v}
		a.until("bob's selection is there", a.sees(b, want))
		// What ann writes moves it, for whoever asks later.
		v = h.edit(name, root, insert(0, "zero "))
		late := h.guest(ann, name)
		late.listen()
		late.until("it has moved on", late.sees(b, &client.Cursor{Blip: root, Anchor: 9, Head: 12, Version: v}))
		// A cursor of a version that is gone by is taken for where it was.
		if refusal := b.cursor(root, 3, 99, v-1); refusal != nil {
			t.Fatal(refusal)
		}
		a.until("it is where the text went", a.sees(b, &client.Cursor{Blip: root, Anchor: 8, Head: 12, Version: v}))
		b.ask(`"op":"rpc","method":"cursor","params":{`+b.at+`}`, nil)
		a.until("there is none", a.sees(b, nil))
		// It goes with its blip.
		reply := wavelet.BlipID("b+reply")
		v = h.commit(name, wavelet.CreateBlip{Blip: reply})
		if refusal := b.cursor(reply, 0, 0, v); refusal != nil {
			t.Fatal(refusal)
		}
		a.until("it is in the reply", a.sees(b, &client.Cursor{Blip: reply, Version: v}))
		v = h.commit(name, wavelet.DeleteBlip{Blip: reply})
		a.until("it went with the reply", a.sees(b, nil))
		for _, at := range []wavelet.Version{v - 1, v} {
			if refusal := b.cursor(reply, 0, 0, at); refusal == nil || refusal.Code != client.CodeBlipDeleted {
				t.Errorf("a cursor in a deleted blip at version %d of %d: %v", at, v, refusal)
			}
		}
	})
}

// TestSlowWatcherGetsTheWholeList does not read while somebody's cursor goes
// about. It is sent nothing of that, and then knows all there is; the others are
// told at most once in 100 milliseconds.
func TestSlowWatcherGetsTheWholeList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob, eve)
		root := h.state(name).Root()
		a, b, e := h.guest(ann, name), h.guest(bob, name), h.visitor(eve, name)
		a.until("three are there", func() bool { return len(a.people) == 3 })
		b.until("three are there", func() bool { return len(b.people) == 3 })
		h.edit(name, root, insert(0, page)) // is written to bob, who does not read it
		synctest.Wait()
		v := h.edit(name, root, insert(0, page)) // waits behind it
		synctest.Wait()
		slow, quick := b.pushes, a.pushes
		begun := time.Now()
		for i := range 300 {
			if refusal := e.cursor(root, i, i, v); refusal != nil {
				t.Fatal(refusal)
			}
			time.Sleep(10 * time.Millisecond)
			if i%10 == 9 {
				a.until("the cursor was seen", a.sees(e, &client.Cursor{Blip: root, Anchor: i, Head: i, Version: v}))
			}
		}
		if got, most := a.pushes-quick, 2+int(time.Since(begun)/(100*time.Millisecond)); got > most {
			t.Errorf("%d pushes in %s, want at most %d", got, time.Since(begun), most)
		}
		b.until("the last one is known", b.sees(e, &client.Cursor{Blip: root, Anchor: 299, Head: 299, Version: v}))
		if got := b.pushes - slow; got > 2 || len(b.people) != 3 {
			t.Errorf("%d pushes to one who did not read, who knows of %d people", got, len(b.people))
		}
		if _, _, text := h.rest("", "GET", "/metrics", ""); strings.Contains(text, "weir_presence_skipped_total 0\n") {
			t.Error("the metrics show nothing of it")
		}
	})
}

// TestWhoIsGoneWithoutAWordIsSeenToBe loses a connection that nobody closes: what
// the server sends is taken, and nothing comes back.
func TestWhoIsGoneWithoutAWordIsSeenToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		h := plan{pipes: p}.build(t)
		name := h.wave(bob)
		root := h.state(name).Root()
		a := h.guest(ann, name)
		var under net.Conn
		h.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := p.dial(ctx, network, address)
			under = c
			return c, err
		}}}
		b := h.visitor(bob, name)
		if refusal := b.cursor(root, 0, 0, 1); refusal != nil {
			t.Fatal(refusal)
		}
		a.until("bob is there", a.sees(b, &client.Cursor{Blip: root, Version: 1}))
		begun := time.Now()
		var drained sync.WaitGroup
		drained.Go(func() { _, _ = io.Copy(io.Discard, under) })
		a.until("bob is not shown", func() bool { return len(a.people) == 1 })
		if hidden := time.Since(begun); hidden < 2*time.Second || hidden > 10*time.Second {
			t.Errorf("bob was shown for %s", hidden)
		}
		var reading sync.WaitGroup
		reading.Go(func() {
			for {
				if _, err := a.next(); err != nil {
					return
				}
			}
		})
		drained.Wait()
		synctest.Wait()
		if closed := time.Since(begun); closed < 30*time.Second || closed > 2*time.Minute {
			t.Errorf("the socket was closed after %s", closed)
		}
		for _, line := range []string{"weir_presence_sockets_lost_total 1\n", "weir_presence_sockets_hidden 0\n", "weir_presence_connections 1\n"} {
			if _, _, text := h.rest("", "GET", "/metrics", ""); !strings.Contains(text, line) {
				t.Errorf("the metrics lack %s", line)
			}
		}
		a.conn.CloseNow()
		reading.Wait()
	})
}

// TestWhoIsHeardOfAgainIsShownAgain reads nothing for a while, and no ping.
func TestWhoIsHeardOfAgainIsShownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		root := h.state(name).Root()
		a, b := h.guest(ann, name), h.visitor(bob, name)
		if refusal := b.cursor(root, 0, 0, 1); refusal != nil {
			t.Fatal(refusal)
		}
		a.until("bob is there", a.sees(b, &client.Cursor{Blip: root, Version: 1}))
		h.edit(name, root, insert(0, page)) // which the server writes for as long as it takes
		synctest.Wait()
		a.until("bob is not shown", func() bool { return len(a.people) == 1 })
		b.ask(`"op":"presence_stats",`+b.at, nil)
		v := h.edit(name, root, insert(0, "x"))
		a.until("bob is back, and the cursor where it would be", a.sees(b, &client.Cursor{Blip: root, Version: v}))
	})
}

// TestTwoHundredInOneWavelet: what is sent grows with the people and not with
// its square, and everybody ends up knowing the numbers.
func TestTwoHundredInOneWavelet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		root := h.state(name).Root()
		const many, few = 200, 90
		guests := make([]*guest, many)
		for i := range guests {
			guests[i] = h.guest([]wavelet.Participant{ann, bob}[i%2], name)
			guests[i].listen()
		}
		all := func(what string, gs []*guest, so func(g *guest) bool) {
			t.Helper()
			var wg sync.WaitGroup
			for _, g := range gs {
				wg.Go(func() { g.until(what, func() bool { return so(g) }) })
			}
			wg.Wait()
		}
		all("it is a crowd", guests, func(g *guest) bool { return g.many && g.n == client.PresenceStats{Connections: many, Users: 2} })
		var ok client.PresenceOK
		guests[0].ask(`"op":"presence",`+guests[0].at, &ok)
		if len(ok.People) != 100 || !ok.Many || ok.Connections != many || ok.People[0].Session != guests[0].session {
			t.Errorf("%d people of %d, many %v", len(ok.People), ok.Connections, ok.Many)
		}
		// Everybody types and moves about: nobody is told of that.
		before := 0
		for _, g := range guests {
			before += g.pushes
		}
		for range 3 {
			for _, g := range guests {
				if refusal := g.cursor(root, 0, 0, 1); refusal != nil {
					t.Fatal(refusal)
				}
			}
			h.edit(name, root, insert(0, "x"))
		}
		for _, g := range guests[few:] {
			g.conn.CloseNow()
		}
		guests = guests[:few]
		all("they are few", guests, func(g *guest) bool { return !g.many && len(g.people) == few })
		after := 0
		for _, g := range guests {
			after += g.pushes
		}
		if after-before > 20*many {
			t.Errorf("%d pushes to %d sockets of %d moves", after-before, many, 3*many)
		}
		head := h.state(name).Version()
		for _, g := range guests {
			if refusal := g.cursor(root, 1, 2, head); refusal != nil {
				t.Fatal(refusal)
			}
		}
		want := &client.Cursor{Blip: root, Anchor: 1, Head: 2, Version: head}
		all("every cursor is there", guests, func(g *guest) bool {
			for _, other := range guests {
				if !g.sees(other, want)() {
					return false
				}
			}
			return true
		})
	})
}
