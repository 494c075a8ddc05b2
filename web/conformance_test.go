package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// The conformance script of clients is a text, ../wavelet/client/testdata/
// conformance.txt, which says at its top how it is written. It is run against a
// real server, through a between that meddles with the frames of each client,
// once with ann at the Go client and bob at the JavaScript client and once the
// other way round. At the end of a case what every client has must be what the
// server has.

// patience is how long anything in a case may take.
const patience = 60 * time.Second

// scriptCase is one case of the script.
type scriptCase struct {
	name  string
	lines []string
	first int // the number of its first line
}

func script(t *testing.T, file string) []scriptCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []scriptCase
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "== "); ok {
			cases = append(cases, scriptCase{name: name, first: i + 2})
		} else if len(cases) > 0 {
			c := &cases[len(cases)-1]
			c.lines = append(c.lines, line)
		}
	}
	return cases
}

func TestClientConformance(t *testing.T) {
	h := build(t, nil)
	gophers := newGoDriver()
	scripts := startNode(t)
	for _, c := range script(t, filepath.Join("..", "wavelet", "client", "testdata", "conformance.txt")) {
		t.Run(c.name, func(t *testing.T) {
			t.Run("Go", func(t *testing.T) { runCase(t, h, c, gophers, scripts) })
			t.Run("JavaScript", func(t *testing.T) { runCase(t, h, c, scripts, gophers) })
		})
	}
}

// play is a run of a case.
type play struct {
	t     *testing.T
	ctx   context.Context
	h     *house
	waves map[string]wavelet.Name
	cast  map[string]*actor
}

// actor is a person at a client.
type actor struct {
	id     string // of the client, at its driver
	user   wavelet.Participant
	driver driver
	net    *between
	open   []string // wavelets
}

func runCase(t *testing.T, h *house, c scriptCase, anns, bobs driver) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it does not come to that"))
	defer cancel()
	p := &play{t: t, ctx: ctx, h: &house{t: t, host: h.host, web: h.web, url: h.url, http: h.http}, waves: map[string]wavelet.Name{}, cast: map[string]*actor{}}
	p.add("ann", ann, anns)
	p.add("bob", bob, bobs)
	for i, line := range c.lines {
		words, err := wordsOf(line)
		if err == nil && len(words) > 0 {
			err = p.line(words)
		}
		if err != nil {
			t.Fatalf("conformance.txt:%d: %s: %v", c.first+i, line, err)
		}
	}
	if err := p.rest(); err != nil {
		t.Fatalf("at rest: %v", err)
	}
}

// add puts a person at a client, which is closed at the end.
func (p *play) add(name string, user wavelet.Participant, d driver) *actor {
	a := &actor{id: p.t.Name() + name, user: user, driver: d, net: newBetween(p.t, p.h.url)}
	p.cast[name] = a
	p.t.Cleanup(func() { _, _ = d.do(context.Background(), command{Do: "close", Client: a.id}) })
	return a
}

// wordsOf splits a line into words, JSON strings and JSON objects or lists.
func wordsOf(line string) ([]string, error) {
	var words []string
	for line = strings.TrimSpace(line); line != "" && line[0] != '#'; line = strings.TrimSpace(line) {
		end := strings.IndexByte(line+" ", ' ')
		if strings.ContainsRune(`"{[`, rune(line[0])) {
			dec := json.NewDecoder(strings.NewReader(line))
			var value json.RawMessage
			if err := dec.Decode(&value); err != nil {
				return nil, err
			}
			end = int(dec.InputOffset())
		}
		word := line[:end]
		if word[0] == '"' {
			if err := json.Unmarshal([]byte(word), &word); err != nil {
				return nil, err
			}
		}
		words, line = append(words, word), line[end:]
	}
	return words, nil
}

// line carries out one line.
func (p *play) line(words []string) error {
	words = append(words, "", "", "", "", "")
	if words[0] == "server" {
		return p.server(words[1:])
	}
	if words[0] == "wave" {
		p.wave(words[1])
		return nil
	}
	a, ok := p.cast[words[0]]
	if !ok {
		return fmt.Errorf("nobody is called %q", words[0])
	}
	if words[1] == "net" {
		return p.net(a, words[2:])
	}
	return p.act(a, words[1:])
}

// wave is the wavelet that the script calls so; it is made when it is first named.
func (p *play) wave(name string) wavelet.Name {
	if _, ok := p.waves[name]; !ok {
		p.waves[name] = p.h.wave(bob)
	}
	return p.waves[name]
}

// act is something that a person does or sees.
func (p *play) act(a *actor, words []string) error {
	c := command{Client: a.id, Wave: words[1]}
	var err error
	switch do, arg := words[0], words[2:]; do {
	case "joins": // connects, and opens wavelets
		_, err = a.driver.do(p.ctx, command{Do: "dial", Client: a.id, URL: a.net.server.URL, User: string(a.user), Backoff: map[string]int{"min": 5, "max": 20}})
		for _, w := range words[1:] {
			if w != "" && err == nil {
				err = p.act(a, []string{"opens", w, ""})
			}
		}
		return err
	case "opens":
		name := p.wave(words[1])
		c.Do, c.Name = "open", named{name.Wave, name.Wavelet}
		if _, err = a.driver.do(p.ctx, c); err == nil {
			a.open = append(a.open, words[1])
		}
		return err
	case "shuts":
		c.Do = "shut"
		a.open = slices.DeleteFunc(a.open, func(w string) bool { return w == words[1] })
	case "inserts":
		c.Do, c.Ops = "edit", json.RawMessage(fmt.Sprintf(`[%s{"insert":%s%s}]`, retain(arg[0]), quote(arg[1]), attributes(arg[2])))
	case "deletes":
		c.Do, c.Ops = "edit", json.RawMessage(fmt.Sprintf(`[%s{"delete":%s}]`, retain(arg[0]), arg[1]))
	case "formats":
		c.Do, c.Ops = "edit", json.RawMessage(fmt.Sprintf(`[%s{"retain":%s%s}]`, retain(arg[0]), arg[1], attributes(arg[2])))
	case "pastes":
		n, err := strconv.Atoi(arg[0])
		if err != nil {
			return err
		}
		c.Do, c.Ops = "edit", json.RawMessage(`[{"insert":`+quote(strings.Repeat(arg[1], n))+`}]`)
	case "publishes":
		c.Do, c.Ops = "publish", json.RawMessage(arg[0])
	case "watches":
		c.Do = "watch"
	case "points":
		anchor, err := strconv.Atoi(arg[0])
		head, err2 := strconv.Atoi(arg[1])
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		c.Do, c.Cursor = "cursor", &placedCaret{wavelet.BlipID(arg[2]), anchor, head}
	case "hides":
		c.Do = "cursor"
	case "meets":
		c.Do, c.Want = "wait", map[string]any{"people": arg[0]}
	case "cannot":
		if err := p.act(a, words[1:]); err == nil {
			return errors.New("it could")
		}
		return nil
	case "sees":
		c.Do, c.Want = "wait", map[string]any{"text": arg[0]}
	case "is":
		c.Do, c.Want = "wait", map[string]any{"status": arg[0]}
	case "loses":
		c.Do = "lost"
		s, err := a.driver.do(p.ctx, c)
		return check(err, s.Text == arg[0] && (arg[1] == "" || arg[1] == strconv.Itoa(s.Code)), "it lost %q with code %d", s.Text, s.Code)
	case "ends": // the wavelet, with a code
		c.Do = "end"
		s, err := a.driver.do(p.ctx, c)
		a.open = slices.DeleteFunc(a.open, func(w string) bool { return w == words[1] })
		return check(err, arg[0] == strconv.Itoa(s.Code), "it ended with code %d: %s", s.Code, s.Message)
	case "leaves": // the client, because it was told to stay away
		c.Do = "ended"
		a.open = nil
	case "counts":
		c.Do = "stats"
		var want map[string]any
		if err := json.Unmarshal([]byte(words[1]), &want); err != nil {
			return err
		}
		s, err := a.driver.do(p.ctx, c)
		for err == nil && !s.is(want) && p.ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
			s, err = a.driver.do(p.ctx, c)
		}
		return check(err, s.is(want), "it counts %d connects, %d resumes, %d resends, %d snapshots, %d diverged", s.Connects, s.Resumes, s.Resends, s.Restarts, s.Diverged)
	default:
		return fmt.Errorf("nobody can %q", do)
	}
	_, err = a.driver.do(p.ctx, c)
	if err != nil && c.Do == "wait" {
		seen, _ := a.driver.do(context.Background(), command{Do: "look", Client: a.id, Wave: c.Wave})
		return fmt.Errorf("%w; it sees %q at %d, %s, with %s", err, seen.Text, seen.Version, seen.Status, seen.People)
	}
	return err
}

func check(err error, ok bool, format string, args ...any) error {
	if err == nil && !ok {
		err = fmt.Errorf(format, args...)
	}
	return err
}

func retain(n string) string {
	if n == "0" {
		return ""
	}
	return `{"retain":` + n + `},`
}

func attributes(object string) string {
	if object == "" {
		return ""
	}
	return `,"attributes":` + object
}

func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// net is something that happens to a person's connection, or is seen of it.
func (p *play) net(a *actor, words []string) error {
	b, arg := a.net, words[1:]
	b.mu.Lock()
	defer b.mu.Unlock()
	unlocked := func(f func() error) error {
		b.mu.Unlock()
		defer b.mu.Lock()
		return f()
	}
	switch words[0] {
	case "offline":
		b.offline = true
		return unlocked(func() error { b.cut(); return nil })
	case "online":
		b.offline = false
	case "cuts":
		return unlocked(func() error { b.cut(); return nil })
	case "holds":
		b.holding = true
	case "releases": // as one message; what comes meanwhile follows it
		var err error
		for first := true; err == nil && (first || len(b.held) > 0); first = false {
			message := []byte(strings.Join(texts(b.held), "\n"))
			b.held = nil
			err = unlocked(func() error { return b.say(message) })
		}
		b.holding, b.held = false, nil
		return err
	case "says":
		return unlocked(func() error { return b.say([]byte(arg[0])) })
	case "pushes": // an object, with the wavelet's name put in, and that of the connection
		name := p.wave(arg[0])
		message := fmt.Sprintf(`{"wave":%q,"wavelet":%q,%s`, name.Wave, name.Wavelet, strings.ReplaceAll(arg[1][1:], "SESSION", b.session))
		return unlocked(func() error { return b.say([]byte(message)) })
	case "resyncs":
		name, x := p.wave(arg[0]), b.crossing
		end := fmt.Sprintf(`{"id":9000000000000000,"op":"unsubscribe","wave":%q,"wavelet":%q}`, name.Wave, name.Wavelet)
		cut := fmt.Sprintf(`{"push":"resync","wave":%q,"wavelet":%q,"version":%s}`, name.Wave, name.Wavelet, arg[1])
		return unlocked(func() error {
			if err := x.server.Write(p.ctx, websocket.MessageText, []byte(end)); err != nil {
				return err
			}
			return b.say([]byte(cut))
		})
	case "floods": // a message of so many bytes
		n, err := strconv.Atoi(arg[0])
		if err != nil {
			return err
		}
		return unlocked(func() error { return b.say([]byte(`{"push":"noise","data":"` + strings.Repeat("x", n) + `"}`)) })
	case "closes":
		code, err := strconv.Atoi(arg[0])
		if err != nil || b.crossing == nil {
			return fmt.Errorf("no connection, or no code: %w", err)
		}
		b.meddled = time.Now()
		x := b.crossing
		b.wg.Go(func() { _ = x.client.Close(websocket.StatusCode(code), arg[1]) })
	case "answers":
		b.answers = append(b.answers, meddling{"answer", arg[0], json.RawMessage(arg[1])})
	case "refuses": // at the door: status, Retry-After, body
		status, err := strconv.Atoi(arg[0])
		b.doors = append(b.doors, door{status, arg[1], json.RawMessage(arg[2])})
		return err
	case "swallows", "doubles", "alters":
		b.down = append(b.down, meddling{strings.TrimSuffix(words[0], "s"), arg[0], json.RawMessage(arg[1])})
	case "meddled":
		return unlocked(func() error { return b.until(p.ctx, func() bool { return len(b.down) == 0 }) })
	case "saw": // a frame with everything that this one has
		return unlocked(func() error { return b.until(p.ctx, func() bool { return anyHas(b.seen, arg[0]) }) })
	case "forgets":
		b.seen = nil
	case "sent": // so many frames that have everything that this one has
		n := 0
		for _, frame := range b.seen {
			if anyHas([][]byte{frame}, arg[1]) {
				n++
			}
		}
		return check(nil, arg[0] == strconv.Itoa(n), "it sent %d", n)
	case "knocked":
		return unlocked(func() error { return b.until(p.ctx, func() bool { return anyHas(b.knocks, arg[0]) }) })
	case "waited": // at least so many milliseconds, after what was made up last
		ms, err := strconv.Atoi(arg[0])
		if err != nil {
			return err
		}
		err = unlocked(func() error { return b.until(p.ctx, func() bool { return b.meddled.IsZero() && b.waited > 0 }) })
		// Clocks are read on both sides: a millisecond is not a difference.
		return check(err, b.waited >= time.Duration(ms-2)*time.Millisecond, "it waited %v", b.waited)
	case "connections":
		return unlocked(func() error {
			return b.until(p.ctx, func() bool { return arg[0] == strconv.Itoa(b.opened) })
		})
	case "resent":
		return unlocked(func() error {
			n, err := b.resent()
			return check(err, n > 0, "nothing was sent twice")
		})
	default:
		return fmt.Errorf("a connection cannot %q", words[0])
	}
	return nil
}

func texts[T ~[]byte](list []T) []string {
	var out []string
	for _, b := range list {
		out = append(out, string(b))
	}
	return out
}

func anyHas[T ~[]byte](frames []T, pattern string) bool {
	var want any
	if json.Unmarshal([]byte(pattern), &want) != nil {
		return false
	}
	return slices.ContainsFunc(frames, func(frame T) bool {
		var value any
		return json.Unmarshal(frame, &value) == nil && has(value, want)
	})
}

// server is something that bob does without a client.
func (p *play) server(words []string) error {
	name, arg := p.wave(words[1]), words[2:]
	var ops []wavelet.Op
	switch words[0] {
	case "inserts":
		at, err := strconv.Atoi(arg[0])
		if err != nil {
			return err
		}
		d := richtext.Delta{}.Retain(at, richtext.Attributes{}).Insert(arg[1], richtext.Attributes{})
		ops = append(ops, wavelet.EditBlip{Blip: p.h.state(name).Root(), Delta: d})
	case "publishes":
		var err error
		if ops, err = wavelet.DecodeOps([]byte(arg[0])); err != nil {
			return err
		}
	case "ages": // by so many commits
		n, err := strconv.Atoi(arg[0])
		for i := 0; i < n && err == nil; i++ {
			err = p.commit(name, wavelet.SetData{Name: "age", Value: strconv.Itoa(i)})
		}
		return err
	case "has":
		got := p.h.state(name).Text()
		return check(nil, got == arg[0], "it has %q", got)
	default:
		return fmt.Errorf("the server cannot %q", words[0])
	}
	return p.commit(name, ops...)
}

func (p *play) commit(name wavelet.Name, ops ...wavelet.Op) error {
	_, err := p.h.host.SubmitHuman(p.ctx, name, wavelet.Delta{Author: bob, Base: p.h.state(name).Version(), Ops: ops})
	return err
}

// rest waits until everybody has what the server has.
func (p *play) rest() error {
	for who, a := range p.cast {
		for _, w := range a.open {
			if _, err := a.driver.do(p.ctx, command{Do: "wait", Client: a.id, Wave: w, Want: map[string]any{"status": client.Synchronized.String()}}); err != nil {
				return fmt.Errorf("%s: %s: %w", who, w, err)
			}
		}
	}
	for who, a := range p.cast {
		for _, w := range a.open {
			if err := p.agrees(a, w); err != nil {
				return fmt.Errorf("%s: %s: %w", who, w, err)
			}
		}
	}
	return nil
}

func (p *play) agrees(a *actor, w string) error {
	state := p.h.state(p.waves[w])
	s, err := a.driver.do(p.ctx, command{Do: "wait", Client: a.id, Wave: w, Want: map[string]any{"version": float64(state.Version())}})
	if err != nil {
		return fmt.Errorf("version %d: %w", state.Version(), err)
	}
	doc, err := richtext.Limits{}.DecodeOps(s.Doc)
	if err != nil {
		return fmt.Errorf("document %s: %w", s.Doc, err)
	}
	if got, want := string(doc.AppendOps(nil)), string(docOf(state)); got != want || s.Text != state.Text() || s.Title != state.Title() {
		return fmt.Errorf("it has %s, the server %s", got, want)
	}
	return nil
}
