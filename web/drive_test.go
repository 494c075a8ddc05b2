package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// command is what a driver is told to do with one of its clients. The same
// commands drive every client that there is, in process or by JSON lines.
type command struct {
	N      int    `json:"n"`
	Do     string `json:"do"`
	Client string `json:"client,omitzero"`
	Wave   string `json:"wave,omitzero"` // the script's name of a wavelet

	URL     string          `json:"url,omitzero"` // dial
	User    string          `json:"user,omitzero"`
	Tokens  []string        `json:"tokens,omitzero"` // dial: the JavaScript client's login tokens, one after the other
	Backoff map[string]int  `json:"backoff,omitzero"`
	Name    named           `json:"name,omitzero"`   // open
	Link    string          `json:"link,omitzero"`   // open: the token of a share link
	Blip    string          `json:"blip,omitzero"`   // edit: "" is the root blip
	Ops     json.RawMessage `json:"ops,omitzero"`    // edit, publish, transform, snap
	Want    map[string]any  `json:"want,omitzero"`   // wait
	Cursor  *placedCaret    `json:"cursor,omitzero"` // cursor, carets; nil: none
	Method  string          `json:"method,omitzero"`
	Params  map[string]any  `json:"params,omitzero"`
	scribble

	Server json.RawMessage `json:"server,omitzero"` // transform
	Doc    json.RawMessage `json:"doc,omitzero"`    // snap
}

type named struct {
	Wave    string `json:"wave"`
	Wavelet string `json:"wavelet"`
}

// placedCaret is a selection; a Blip of "" is the root blip.
type placedCaret struct {
	Blip   wavelet.BlipID `json:"blip"`
	Anchor int            `json:"anchor"`
	Head   int            `json:"head"`
}

// scribble is an edit somewhere: From and To are shares of the document.
type scribble struct {
	Kind       string          `json:"kind,omitzero"` // insert, delete or format
	From       float64         `json:"from"`
	To         float64         `json:"to"`
	Text       string          `json:"text,omitzero"`
	Attributes json.RawMessage `json:"attributes,omitzero"`
}

// sight is what a client shows, and whatever else a command answers.
type sight struct {
	Text    string          `json:"text"`
	Doc     json.RawMessage `json:"doc"` // of the root blip
	Version wavelet.Version `json:"version"`
	Status  string          `json:"status"`
	Title   string          `json:"title"`
	People  string          `json:"people"` // who has it open, with cursors, in a line

	Code     int             `json:"code"`
	Message  string          `json:"message"`
	Connects int             `json:"connects"`
	Resumes  int             `json:"resumes"`
	Resends  int             `json:"resends"`
	Restarts int             `json:"snapshots"`
	Diverged int             `json:"diverged"`
	Server   json.RawMessage `json:"server"`
	Client   json.RawMessage `json:"client"`
	Ops      json.RawMessage `json:"ops"`
	Carets   []*placedCaret  `json:"carets"`
}

// failure is an error of a client; Code is 0 if no refusal is behind it.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return fmt.Sprintf("%s (%d)", f.Message, f.Code) }

// driver carries commands out.
type driver interface {
	do(ctx context.Context, c command) (sight, error)
}

// goDriver drives Go clients in this process.
type goDriver struct {
	mu      sync.Mutex
	clients map[string]*client.Client
	open    map[string]*client.Wavelet
}

func newGoDriver() *goDriver {
	return &goDriver{clients: map[string]*client.Client{}, open: map[string]*client.Wavelet{}}
}

func (g *goDriver) do(ctx context.Context, c command) (sight, error) {
	s, err := g.carryOut(ctx, c)
	if err != nil {
		return s, failed(err)
	}
	return s, nil
}

// failed finds the code in an error.
func failed(err error) *failure {
	f := &failure{Message: err.Error()}
	var e *client.Error
	var r *wavelet.Refusal
	switch {
	case errors.As(err, &e):
		f.Code = e.Code
	case errors.As(err, &r):
		f.Code = client.CodeBadDelta
	}
	return f
}

func (g *goDriver) carryOut(ctx context.Context, c command) (sight, error) {
	key := c.Client + " " + c.Wave
	g.mu.Lock()
	person, w := g.clients[c.Client], g.open[key]
	g.mu.Unlock()
	switch c.Do {
	case "dial":
		ms := time.Millisecond
		person, err := client.Dial(ctx, c.URL, client.Options{User: wavelet.Participant(c.User), Backoff: client.Backoff{
			Min: time.Duration(c.Backoff["min"]) * ms, Max: time.Duration(c.Backoff["max"]) * ms,
		}})
		if err == nil {
			g.mu.Lock()
			g.clients[c.Client] = person
			g.mu.Unlock()
		}
		return sight{}, err
	case "open":
		w, err := person.Open(ctx, wavelet.Name{Wave: c.Name.Wave, Wavelet: c.Name.Wavelet})
		if err != nil {
			return sight{}, err
		}
		g.mu.Lock()
		g.open[key] = w
		g.mu.Unlock()
		return look(w), nil
	case "call":
		return sight{}, person.Call(ctx, c.Method, c.Params, nil)
	case "stats":
		st := person.Stats()
		return sight{Connects: st.Connects, Resumes: st.Resumes, Resends: st.Resends, Restarts: st.Snapshots, Diverged: st.Diverged}, nil
	case "ended":
		select {
		case <-person.Done():
			f := failed(person.Err())
			return sight{Code: f.Code, Message: f.Message}, nil
		case <-ctx.Done():
			return sight{}, context.Cause(ctx)
		}
	case "close":
		if person == nil {
			return sight{}, nil
		}
		return sight{}, person.Close()
	}
	return g.onWavelet(ctx, c, w)
}

func (g *goDriver) onWavelet(ctx context.Context, c command, w *client.Wavelet) (sight, error) {
	switch c.Do {
	case "edit":
		d, err := richtext.Limits{}.DecodeOps(c.Ops)
		if err != nil {
			return sight{}, err
		}
		return sight{}, w.Edit(ctx, w.State().Root(), d)
	case "watch":
		w.Watch()
		return sight{}, nil
	case "cursor":
		if c.Cursor == nil {
			w.SetCursor(nil)
			return sight{}, nil
		}
		at := wavelet.Cursor(*c.Cursor)
		if at.Blip == "" {
			at.Blip = w.State().Root()
		}
		w.SetCursor(&at)
		return sight{}, nil
	case "publish":
		ops, err := wavelet.DecodeOps(c.Ops)
		if err != nil {
			return sight{}, err
		}
		return sight{}, w.Publish(ctx, ops...)
	case "scribble":
		return sight{}, w.Update(ctx, func(s *wavelet.State) ([]wavelet.Op, error) { return c.scribble.ops(s) })
	case "look":
		return look(w), nil
	case "wait":
		return g.wait(ctx, w, func(s sight) bool { return s.is(c.Want) })
	case "lost":
		var lost []client.Lost
		_, err := g.wait(ctx, w, func(sight) bool {
			lost = append(lost, w.TakeLost()...)
			return len(lost) > 0
		})
		if err != nil {
			return sight{}, err
		}
		var texts []string
		for _, l := range lost {
			texts = append(texts, l.Text)
		}
		return sight{Text: strings.Join(texts, "\n"), Code: failed(lost[0].Reason).Code}, nil
	case "end":
		for w.Err() == nil {
			select {
			case <-w.Changes():
			case <-ctx.Done():
				return sight{}, context.Cause(ctx)
			}
		}
		f := failed(w.Err())
		return sight{Code: f.Code, Message: f.Message}, nil
	case "shut":
		return sight{}, w.Close()
	}
	return sight{}, fmt.Errorf("no command is called %q", c.Do)
}

// wait looks at a wavelet after each change until it is as wanted.
func (g *goDriver) wait(ctx context.Context, w *client.Wavelet, ok func(sight) bool) (sight, error) {
	for {
		if err := w.Err(); err != nil {
			return sight{}, err
		}
		if s := look(w); ok(s) {
			return s, nil
		}
		select {
		case <-w.Changes():
		case <-w.PeopleChanges():
		case <-ctx.Done():
			return look(w), context.Cause(ctx)
		}
	}
}

func look(w *client.Wavelet) sight {
	s := sight{Status: w.Status().String(), Version: w.Version()}
	state := w.State()
	s.Text, s.Doc, s.Title = state.Text(), docOf(state), state.Title()
	s.People = peopleLine(w.People(), state.Root())
	return s
}

// peopleLine is who has a wavelet open, and where their cursors are.
func peopleLine(people client.PresenceOK, root wavelet.BlipID) string {
	if people.Many {
		return fmt.Sprintf("%d connections", people.Connections)
	}
	var words []string
	for _, p := range people.People {
		word, _, _ := strings.Cut(p.User, "@")
		if c := p.Cursor; c != nil {
			word += fmt.Sprintf(" %d-%d", c.Anchor, c.Head)
			if c.Blip != root {
				word += " " + string(c.Blip)
			}
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// docOf is the document of the root blip.
func docOf(state *wavelet.State) json.RawMessage {
	b, ok := state.Blip(state.Root())
	if !ok {
		return json.RawMessage("[]")
	}
	return b.Doc.Delta().AppendOps(nil)
}

// is reports whether a sight shows what is wanted.
func (s sight) is(want map[string]any) bool {
	encoded, err := json.Marshal(s)
	if err != nil {
		return false
	}
	var have any
	return json.Unmarshal(encoded, &have) == nil && has(have, want)
}

// ops is the edit that a scribble makes of a state.
func (c scribble) ops(state *wavelet.State) ([]wavelet.Op, error) {
	b, _ := state.Blip(state.Root())
	text := utf16.Encode([]rune(strings.TrimSuffix(b.Doc.Text(), "\n")))
	from := place(text, c.From)
	to := max(from, place(text, c.To))
	var attrs richtext.Attributes
	d := richtext.Delta{}.Retain(from, attrs)
	if len(c.Attributes) > 0 {
		one, err := richtext.Limits{}.DecodeOps(fmt.Appendf(nil, `[{"retain":1,"attributes":%s}]`, c.Attributes))
		if err != nil {
			return nil, err
		}
		attrs = one[0].Attributes()
	}
	switch {
	case c.Kind == "insert":
		d = d.Insert(c.Text, attrs)
	case from == to:
		return nil, nil
	case c.Kind == "delete":
		d = d.Delete(to - from)
	default:
		d = d.Retain(to-from, attrs)
	}
	return []wavelet.Op{wavelet.EditBlip{Blip: b.ID, Delta: d}}, nil
}

// place is a border between characters at a share of a text.
func place(text []uint16, share float64) int {
	p := int(share * float64(len(text)+1))
	if p > 0 && p < len(text) && text[p]&0xfc00 == 0xdc00 {
		p--
	}
	return p
}
