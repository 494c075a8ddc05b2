package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/web"
)

// TestFrames puts the server through testdata/frames.txt, which says at its top
// how it is written, and holds what was seen there against docs/protocol.md: each
// operation and method is answered well somewhere, each code of an error and of a
// close is provoked, or stands here with the reason why it is not.
func TestFrames(t *testing.T) {
	elsewhere := map[string]string{
		"close 4408": "it takes five seconds: TestSilentSocketIsClosed",
		"close 4413": "it takes ten seconds, and who does not read does not hear of it",
		"close 4414": "it takes ten seconds: the tests of messages that are not finished",
		"close 4429": "the server has to be full: TestUpgradesNeedRoom",
	}
	h := plan{
		host: func(h web.Host) web.Host { return &faulty{h} },
		admission: settings(t, `
client_command_rate_limit:
  enabled: true
  rpc: {buckets: [{interval: 1h, rate: 1000}], method_override: [{method: robot.list, buckets: [{interval: 1h, rate: 1}]}]}
`),
	}.build(t)
	seen := map[string]bool{}
	for _, c := range script(t, filepath.Join("testdata", "frames.txt")) {
		t.Run(c.name, func(t *testing.T) {
			x := &exchange{t: t, h: &house{t: t, host: h.host, web: h.web, url: h.url, http: h.http, close: h.close}, seen: seen, ends: map[string]*end{}}
			x.begin()
			for i, line := range c.lines {
				if line == "" || line[0] == '#' {
					continue
				}
				if err := x.line(line); err != nil {
					t.Fatalf("frames.txt:%d: %s: %v", c.first+i, line, err)
				}
			}
		})
	}
	for _, what := range documented(t) {
		why := elsewhere[what]
		delete(elsewhere, what)
		if seen[what] == (why != "") {
			t.Errorf("%s: seen %v, but said to be missing because %q", what, seen[what], why)
		}
		delete(seen, what)
	}
	for what := range seen {
		t.Errorf("docs/protocol.md does not tell of %s", what)
	}
	for what := range elsewhere {
		t.Errorf("docs/protocol.md does not tell of %s, which is excused", what)
	}
}

// documented is everything that the tables of docs/protocol.md name: "op
// publish", "method wave.create", "error 100", "close 1001".
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "protocol.md"))
	must(t, err)
	var all []string
	chapter := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			chapter = name
		}
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		switch {
		case chapter == "Operations" && strings.HasPrefix(line, "### "):
			all = append(all, "op "+line[4:])
		case chapter == "Operations" && regexp.MustCompile("^\\| `[a-z]+\\.[a-z]+`|^\\| `cursor`").MatchString(line):
			all = append(all, "method "+strings.Trim(cell, "`"))
		case (chapter == "Errors" || chapter == "Closing") && regexp.MustCompile(`^\| [0-9]`).MatchString(line):
			for code := range strings.SplitSeq(cell, ", ") {
				all = append(all, map[string]string{"Errors": "error ", "Closing": "close "}[chapter]+code)
			}
		}
	}
	if len(all) < 60 {
		t.Fatalf("docs/protocol.md has only %q", all)
	}
	return all
}

// faulty fails as data named "fault" says.
type faulty struct{ web.Host }

func (f *faulty) SubmitHuman(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	for _, op := range d.Ops {
		if data, ok := op.(wavelet.SetData); ok && data.Name == "fault" {
			if data.Value == "broken" {
				return wavelet.Commit{}, errors.New("something broke")
			}
			return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.Code(data.Value), Op: -1, Reason: "as the test has it"}
		}
	}
	return f.Host.SubmitHuman(ctx, name, d)
}

// exchange is a run of a case.
type exchange struct {
	t    *testing.T
	h    *house
	seen map[string]bool
	vars map[string]string
	ends map[string]*end
}

// end is a person's end of a socket.
type end struct {
	conn  *websocket.Conn
	last  int
	asked []question // not answered yet
	inbox []map[string]any
}

type question struct {
	id   int
	what []string // the operation, and the method
}

func (x *exchange) begin() {
	name, alone := x.h.wave(bob), x.h.wave()
	where := func(wave, wavelet string) string { return fmt.Sprintf(`"wave":%q,"wavelet":%q`, wave, wavelet) }
	var points []string
	for i := range 257 {
		points = append(points, fmt.Sprintf(`{"wave":"example.com!w+%d","wavelet":"example.com!conv+root","version":1}`, i))
	}
	x.vars = map[string]string{
		"W": where(name.Wave, name.Wavelet), "ALONE": where(alone.Wave, alone.Wavelet), "NOWHERE": where("example.com!w+none", "example.com!conv+root"),
		"ROOT": string(x.h.state(name).Root()), "TOKEN": loginToken(x.t, "zoe@example.com", time.Hour), "STALE": loginToken(x.t, "zoe@example.com", -time.Hour),
		"BOBS": loginToken(x.t, bob, time.Hour), "POINTS": "[" + strings.Join(points, ",") + "]",
	}
}

var variable = regexp.MustCompile(`\$[A-Z]+`)

// line carries out one line.
func (x *exchange) line(line string) error {
	line = variable.ReplaceAllStringFunc(line, func(name string) string {
		if value, ok := x.vars[name[1:]]; ok {
			return value
		}
		return name
	})
	who, line, _ := strings.Cut(line, " ")
	do, arg, _ := strings.Cut(line, " ")
	switch who {
	case "door":
		return x.door(arg, do)
	case "admin":
		path, body, _ := strings.Cut(arg, " ")
		status, _, answer := x.h.rest("admin", do, path, body)
		return check(nil, status < 300, "%d %s", status, answer)
	case "server":
		return x.server(do, arg)
	}
	return x.person(who, do, arg)
}

// door is POST /connect, refused with a status and a code.
func (x *exchange) door(body, want string) error {
	status, _, answer := x.h.rest("", http.MethodPost, "/connect", body)
	var refused struct{ Err client.Error }
	err := json.Unmarshal([]byte(answer), &refused)
	x.seen["error "+strconv.Itoa(refused.Err.Code)] = true
	return check(err, want == fmt.Sprintf("%d/%d", status, refused.Err.Code), "%d %s", status, answer)
}

func (x *exchange) server(do, arg string) error {
	if do == "stops" {
		go x.h.close()
		return nil
	}
	n, err := strconv.Atoi(arg) // ages
	var where named
	if err == nil {
		err = json.Unmarshal([]byte("{"+x.vars["W"]+"}"), &where)
	}
	name := wavelet.Name{Wave: where.Wave, Wavelet: where.Wavelet}
	for i := 0; i < n && err == nil; i++ {
		_, err = x.h.host.SubmitHuman(x.t.Context(), name, wavelet.Delta{
			Author: ann, Base: x.h.state(name).Version(), Ops: []wavelet.Op{wavelet.SetData{Name: "age", Value: strconv.Itoa(i)}},
		})
	}
	return err
}

func (x *exchange) person(who, do, arg string) error {
	if do == "comes" || do == "shows" {
		var w *wire
		if do == "shows" {
			_, ticket, _ := x.h.show(arg)
			w = x.h.spend(ticket)
		} else {
			w = x.h.bare(wavelet.Participant(who + "@example.com"))
		}
		x.ends[who] = &end{conn: w.conn}
		return nil
	}
	if x.ends[who] == nil {
		for _, line := range []string{" comes", ` > {"op":"connect","protocol":1,"client":"` + who + `"}`, ` < {"ok":{}}`} {
			if err := x.line(who + line); err != nil {
				return err
			}
		}
	}
	e := x.ends[who]
	ctx, cancel := context.WithTimeoutCause(x.t.Context(), patience, errors.New("nothing comes"))
	defer cancel()
	send := func(kind websocket.MessageType, message string) error {
		return e.conn.Write(ctx, kind, []byte(message))
	}
	switch do {
	case ">":
		return send(websocket.MessageText, e.ask(arg))
	case ">>":
		words, err := wordsOf(arg)
		if err != nil {
			return err
		}
		return send(websocket.MessageText, words[0])
	case "floods":
		n, err := strconv.Atoi(arg)
		if err == nil {
			_ = send(websocket.MessageText, strings.Repeat(" ", n)) // it may be closed before all is written
		}
		return err
	case "blobs":
		return send(websocket.MessageBinary, arg)
	case "errs": // so many times
		n, err := strconv.Atoi(arg)
		for range n {
			if send(websocket.MessageText, `nonsense`) != nil {
				break // it may be closed before all are written
			}
		}
		return err
	case "<":
		return x.hears(ctx, e, arg)
	case "quiet": // nothing else has come
		return check(nil, len(e.inbox) == 0, "there is %v", e.inbox)
	case "closed":
		for {
			if err := e.read(ctx); err != nil {
				code := strconv.Itoa(int(websocket.CloseStatus(err)))
				x.seen["close "+code] = true
				return check(nil, code == arg, "%v", err)
			}
		}
	}
	return fmt.Errorf("nobody can %q", do)
}

// ask numbers a frame.
func (e *end) ask(frame string) string {
	e.last++
	var head struct{ Op, Method string }
	_ = json.Unmarshal([]byte(frame), &head)
	q := question{id: e.last, what: []string{"op " + head.Op}}
	if head.Method != "" {
		q.what = append(q.what, "method "+head.Method)
	}
	e.asked = append(e.asked, q)
	return fmt.Sprintf(`{"id":%d,%s`, e.last, frame[1:])
}

// read takes the frames of a message in.
func (e *end) read(ctx context.Context) error {
	_, message, err := e.conn.Read(ctx)
	if err != nil {
		return err
	}
	frames := bytes.Split(message, []byte("\n"))
	if len(frames) > client.MaxJoinedFrames {
		return fmt.Errorf("%d frames in a message", len(frames))
	}
	for _, frame := range frames {
		var f map[string]any
		if err := json.Unmarshal(frame, &f); err != nil {
			return fmt.Errorf("%s: %w", frame, err)
		}
		if f["push"] != client.PushPing {
			e.inbox = append(e.inbox, f)
		}
	}
	return nil
}

// hears holds the next push of a kind, or the next reply, against a pattern.
func (x *exchange) hears(ctx context.Context, e *end, text string) error {
	var pattern map[string]any
	if err := json.Unmarshal([]byte(text), &pattern); err != nil {
		return err
	}
	for {
		i := slices.IndexFunc(e.inbox, func(f map[string]any) bool { return f["push"] == pattern["push"] })
		if i < 0 {
			if err := e.read(ctx); err != nil {
				return err
			}
			continue
		}
		f := e.inbox[i]
		e.inbox = slices.Delete(e.inbox, i, i+1)
		if _, numbered := pattern["id"]; pattern["push"] == nil && !numbered {
			q := e.asked[0]
			e.asked = e.asked[1:]
			pattern["id"] = float64(q.id)
			if f["ok"] != nil {
				for _, what := range q.what {
					x.seen[what] = true
				}
			}
		}
		if refusal, ok := f["err"].(map[string]any); ok {
			x.seen[fmt.Sprintf("error %v", refusal["code"])] = true
			for _, field := range []string{"reason", "message"} {
				if refusal[field] == nil {
					return fmt.Errorf("%v has no %s", refusal, field)
				}
			}
		}
		return check(nil, has(f, x.catch(f, pattern)), "it heard %v", f)
	}
}

// catch fills the variables of a pattern that have no value yet with what stands
// in their places.
func (x *exchange) catch(value, pattern any) any {
	switch pattern := pattern.(type) {
	case map[string]any:
		object, _ := value.(map[string]any)
		out := maps.Clone(pattern)
		for key := range pattern {
			out[key] = x.catch(object[key], pattern[key])
		}
		return out
	case []any:
		list, _ := value.([]any)
		out := slices.Clone(pattern)
		for i := range min(len(list), len(pattern)) {
			out[i] = x.catch(list[i], pattern[i])
		}
		return out
	case string:
		if text, ok := value.(string); ok && strings.HasPrefix(pattern, "$") {
			x.vars[pattern[1:]] = text
			return text
		}
	}
	return pattern
}
