package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/gateway"
	"weir/governor"
	"weir/policies"
	"weir/robots"
	"weir/robots/grants"
	"weir/robots/rpc"
	"weir/robots/vault"
	"weir/robots/wire"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

const (
	ann   = wavelet.Participant("ann@example.com")
	echo  = wavelet.Participant("echo@example.com")
	other = wavelet.Participant("other@example.com")
)

// house is everything behind the robots' door, with a clock ten times as fast as
// the real one.
type house struct {
	t         *testing.T
	host      *host.Host
	gateway   *gateway.Gateway
	governor  *governor.Governor
	directory *robots.Directory
	grants    *grants.Book
	news      news
	url       string
}

// news holds a token if something was committed.
type news chan bool

func (n news) Committed(wavelet.Commit) {
	select {
	case n <- true:
	default:
	}
}

type roster struct{ *robots.Directory }

func (r roster) Robot(id wavelet.Participant) (gateway.Robot, policies.Profile, bool) {
	return r.InService(id)
}

// profiles are the built-in ones and a tiny one: three requests an hour.
func profiles(t *testing.T) func() policies.Set {
	set, err := policies.Parse([]byte(`version: 1
profiles:
  tiny:
    about: For tests.
    extends: default
    burst: {interval: 0s, waiting: 0}
    sustained:
      - {window: 1h, max: 3}
    limits_query: {window: 1h, max: 60}
  few:
    extends: unlimited
    max_connections: 50
robots:
  ann@example.com/data: {burst: {interval: 0s}, sustained: [{window: 1h, max: 20}]}
`), "tiny.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return func() policies.Set { return set }
}

func build(t *testing.T) *house {
	t.Helper()
	return buildWith(t, rpc.Options{})
}

func buildWith(t *testing.T, o rpc.Options) *house {
	t.Helper()
	memory := store.NewMemory()
	kv, err := robots.NewBucket(memory)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := vault.New([]byte(strings.Repeat("k", vault.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	directory, err := robots.Open(t.Context(), kv, robots.Options{
		Domain: "example.com", Profiles: profiles(t), Guard: wire.Guard{Allow: wire.Loopback()}, RPCServerURL: "http://127.0.0.1:1/robot/rpc", Vault: secrets})
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.NewMemoryLog(), host.Options{})
	gov := governor.New(governor.Options{})
	g := gateway.New(h, roster{directory}, gov, memory, gateway.Options{TimeScale: 10})
	h.SetGuard(g)
	h.Observe(g)
	committed := make(news, 1)
	h.Observe(committed)
	directory.OnChange(g.RobotChanged)
	door := rpc.New(directory, g, o)
	mux := http.NewServeMux()
	book, err := grants.Open(memory, secrets, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := door.Data(book, login)
	mux.Handle("POST /robot/rpc", door)
	mux.Handle(rpc.DataPath, data)
	mux.Handle(rpc.DataPath+"/", data)
	mux.Handle("GET /api/v1/robots/{id}/limits", door.ServeLimits(func(r *http.Request) bool { return r.Header.Get("Admin") == "yes" }))
	server := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.Run(ctx); err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	t.Cleanup(func() {
		server.Close()
		stop()
		running.Wait()
		directory.Close()
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	return &house{t, h, g, gov, directory, book, committed, server.URL}
}

// register adds a robot and returns its key.
func (h *house) register(id wavelet.Participant, callback, profile string) string {
	h.t.Helper()
	_, key, err := h.directory.Register(h.t.Context(), robots.Registration{Address: id, Callback: callback, Profile: profile})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// wave makes a wavelet of ann's with others in it.
func (h *house) wave(others ...wavelet.Participant) wavelet.Name {
	h.t.Helper()
	name := wavelet.NewName("example.com")
	if _, err := h.host.Create(h.t.Context(), name, ann, others...); err != nil {
		h.t.Fatal(err)
	}
	return name
}

func (h *house) state(name wavelet.Name) *wavelet.State {
	h.t.Helper()
	s, err := h.host.Snapshot(h.t.Context(), name, gateway.Head)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// entry is one entry of a response.
type entry struct {
	ID    string
	Data  map[string]any
	Error *struct {
		Code    int
		Message string
		Data    struct {
			Code, Limit  string
			RetryAfterMS int64
		}
	}
}

// post calls the active API.
func (h *house) post(key, body string, header ...string) (*http.Response, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/robot/rpc", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp, raw
}

// call is a post that is expected to be answered operation by operation.
func (h *house) call(key, body string) []entry {
	h.t.Helper()
	resp, raw := h.post(key, body)
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("status %s: %s", resp.Status, raw)
	}
	return h.entries(raw)
}

func (h *house) entries(raw []byte) []entry {
	h.t.Helper()
	var list []entry
	if err := json.Unmarshal(raw, &list); err != nil {
		h.t.Fatalf("%v: %s", err, raw)
	}
	for _, e := range list {
		if (e.Data == nil) == (e.Error == nil) || e.Error != nil && (e.Error.Code == 0 || e.Error.Message == "") {
			h.t.Errorf("an entry is neither data nor an error with code and message: %s", raw)
		}
	}
	return list
}

// ids are the parameters that name a wavelet.
func ids(n wavelet.Name) string {
	return fmt.Sprintf(`"waveId":%q,"waveletId":%q`, n.Wave, n.Wavelet)
}

func TestACallIsAnsweredInOrder(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "")
	inside, outside, both := h.wave(echo), h.wave(), h.wave(echo)
	list := h.call(key, `[{"method":"wave.robot.notify","id":"n","params":{}},
		{"method":"wave.wavelet.appendBlip","id":"op1","params":{`+ids(inside)+`,"blipData":{"blipId":"TBD_1","content":"\nHello"}}},
		{"method":"wave.document.modify","id":"op2","params":{`+ids(inside)+`,"blipId":"TBD_1","modifyAction":{"modifyHow":"INSERT_AFTER","values":[" 😀"]}}},
		{"method":"wavelet.appendBlip","id":"op3","params":{`+ids(outside)+`,"blipData":{"content":"x"}}},
		{"method":"robot.unheardOf","id":"op4","params":{}},
		{"method":"wavelet.appendBlip","id":"op5","params":{`+strings.ReplaceAll(ids(both), "!", "/")+`,"blipData":{"content":"other"}}},
		{"method":"wavelet.setTitle","id":"op6","params":{`+ids(wavelet.Name{Wave: "example.com!w+none", Wavelet: "example.com!conv+root"})+`,"waveletTitle":"x"}}]`)
	var got []string
	for _, e := range list {
		code := 0
		if e.Error != nil {
			code = e.Error.Code
		}
		got = append(got, fmt.Sprintf("%s %d", e.ID, code))
	}
	want := []string{"n 0", "op1 0", "op2 0", "op3 403", "op4 404", "op5 0", "op6 404"}
	if !slices.Equal(got, want) {
		t.Fatalf("entries %v, want %v", got, want)
	}
	id, _ := list[1].Data["newBlipId"].(string)
	if b, ok := h.state(inside).Blip(wavelet.BlipID(id)); !ok || b.Doc.Text() != "Hello 😀\n" || b.Creator != echo {
		t.Errorf("the new blip %q is %+v", id, b)
	}
	if text := h.state(both).Text(); !strings.HasSuffix(text, "other\n") {
		t.Errorf("the second wavelet reads %q", text)
	}
}

func TestWholeRequestsAreRefused(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "")
	suspended := h.register(other, "", "")
	if _, err := h.directory.Suspend(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, key, body string
		status          int
	}{
		{"no key", "", "[]", 401},
		{"another key", "wr_" + strings.Repeat("A", 43), "[]", 401},
		{"suspended", suspended, "[]", 403},
		{"suspended, asking why", suspended, `[{"method":"robot.getLimits","id":"1","params":{}}]`, 200},
		{"suspended, asking and more", suspended, `[{"method":"robot.getLimits","id":"1","params":{}},{"method":"robot.fetchWave","id":"2","params":{}}]`, 403},
		{"no JSON", key, "hello", 400},
		{"half of it", key, `[{"method":`, 400},
		{"too long", key, strings.Repeat(" ", wire.MaxBody+1), 413},
		{"nothing", key, "", 200},
		{"empty list", key, "[]", 200},
		{"one object", key, `{"method":"robot.getLimits","id":"1"}`, 200},
	} {
		resp, raw := h.post(tt.key, tt.body)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %s: %s", tt.name, resp.Status, raw)
		}
		var problem struct {
			Error struct{ Reason, Message string }
		}
		if tt.status != 200 && (json.Unmarshal(raw, &problem) != nil || problem.Error.Reason == "" || problem.Error.Message == "") {
			t.Errorf("%s: the body tells nothing: %s", tt.name, raw)
		}
		if tt.status != 401 && resp.Header.Get("RateLimit") == "" {
			t.Errorf("%s: no RateLimit field", tt.name)
		}
		if tt.status == 200 && !bytes.HasPrefix(raw, []byte("[")) {
			t.Errorf("%s: the body is no list: %s", tt.name, raw)
		}
	}
}

// TestSustainedLimit calls until it is cut off: announced before, refused for
// each operation, and not for those who only ask for their limits.
func TestSustainedLimit(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "tiny")
	name := h.wave(echo)
	body := `[{"method":"robot.notify","id":"n","params":{}},{"method":"wavelet.appendBlip","id":"a","params":{` + ids(name) + `,"blipData":{"content":"x"}}}]`
	for i := range 3 {
		resp, raw := h.post(key, body)
		if resp.StatusCode != 200 {
			t.Fatalf("request %d: %s: %s", i, resp.Status, raw)
		}
		if got := resp.Header.Get("RateLimit-Policy"); !strings.Contains(got, `"sustained1h";q=3;w=3600`) {
			t.Errorf("RateLimit-Policy is %q", got)
		}
		if got := resp.Header.Get("RateLimit"); !strings.Contains(got, fmt.Sprintf(`"sustained1h";r=%d;t=`, 2-i)) {
			t.Errorf("RateLimit after request %d is %q", i, got)
		}
	}
	resp, raw := h.post(key, body)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("the fourth request: %s, Retry-After %q: %s", resp.Status, resp.Header.Get("Retry-After"), raw)
	}
	list := h.entries(raw)
	if len(list) != 2 || list[0].ID != "n" || list[0].Error != nil {
		t.Fatalf("the notice is not answered: %s", raw)
	}
	if e := list[1].Error; e.Code != 429 || e.Data.Limit != "sustained1h" || e.Data.RetryAfterMS <= 0 {
		t.Errorf("the refusal is %s", raw)
	}
	limits := h.call(key, `[{"method":"wave.robot.getLimits","id":"l","params":{}}]`)
	if p := limits[0].Data["profile"]; p != "tiny" {
		t.Errorf("limits are %v", limits[0].Data)
	}
	if n := strings.Count(h.state(name).Text(), "x\n"); n != 3 {
		t.Errorf("%d blips were written, want 3", n)
	}
}

func TestLimitsAreShownToTheRobotAndToOperators(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "strict")
	stranger := h.register(other, "", "")
	get := func(id wavelet.Participant, header ...string) (int, policies.Limits) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/api/v1/robots/"+string(id)+"/limits", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var l policies.Limits
		if err := json.NewDecoder(resp.Body).Decode(&l); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, l
	}
	for _, tt := range []struct {
		id     wavelet.Participant
		header []string
		status int
	}{
		{echo, []string{"Authorization", "Bearer " + key}, 200},
		{echo, []string{"Admin", "yes"}, 200},
		{echo, []string{"Authorization", "Bearer " + stranger}, 403},
		{echo, nil, 401},
		{"nobody@example.com", []string{"Admin", "yes"}, 404},
	} {
		status, l := get(tt.id, tt.header...)
		if status != tt.status || status == 200 && (l.Profile != "strict" || l.Robot != string(echo)) {
			t.Errorf("%s with %v: %d %+v", tt.id, tt.header, status, l)
		}
	}
}

// types has ann write a message.
func (h *house) types(name wavelet.Name, text string) {
	h.t.Helper()
	s := h.state(name)
	_, err := h.host.SubmitHuman(h.t.Context(), name, wavelet.Delta{ID: wavelet.DeltaID(wavelet.NewBlipID()), Author: ann, Base: s.Version(), Ops: []wavelet.Op{
		wavelet.CreateBlip{Blip: wavelet.NewBlipID(), Content: richtext.Delta{}.Insert(text+"\n", richtext.Attributes{})}}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// until waits for a state that holds.
func (h *house) until(name wavelet.Name, what string, holds func(*wavelet.State) bool) {
	h.t.Helper()
	late := time.After(time.Minute)
	for !holds(h.state(name)) {
		select {
		case <-h.news:
		case <-late:
			h.t.Fatalf("%s: the wavelet reads %q", what, h.state(name).Text())
		}
	}
}

// TestARobotAnswersAndCalls goes the whole way: a person types, the robot is
// sent the bundle over HTTP, answers it, and calls the active API with the
// bundle's token.
func TestARobotAnswersAndCalls(t *testing.T) {
	h := build(t)
	tokens := make(chan string, 100)
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, `<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0"><w:version>1</w:version><w:protocolversion>0.21</w:protocolversion>
				<w:capability name="WAVELET_BLIP_CREATED" context="SELF"/></w:robot>`)
			return
		}
		var b struct {
			Events []struct {
				Type       string
				Properties struct{ NewBlipID string }
			}
			Blips  map[string]struct{ Content string }
			Bundle struct{ Token, Lane string }
		}
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Errorf("bundle: %v", err)
		}
		tokens <- b.Bundle.Token
		fmt.Fprint(w, `[{"method":"robot.notifyCapabilitiesHash","id":"0","params":{"capabilitiesHash":"1","protocolVersion":"0.21"}}`)
		for i, e := range b.Events {
			if id := e.Properties.NewBlipID; id != "" {
				fmt.Fprintf(w, `,{"method":"blip.createChild","id":"op%d","params":{"blipId":%q,"blipData":{"blipId":"TBD_x","content":%q}}}`, i, id, "\nyou said"+b.Blips[id].Content)
			}
		}
		fmt.Fprint(w, "]")
	}))
	defer robot.Close()
	key := h.register(echo, robot.URL, "")
	name := h.wave(echo)
	h.types(name, "hello 😀")
	h.until(name, "no answer", func(s *wavelet.State) bool { return strings.Contains(s.Text(), "you said\nhello 😀\n") })
	token := <-tokens
	h.call(key, `[{"method":"robot.notify","id":"n","params":{"bundle":"`+token+`"}},{"method":"wavelet.appendBlip","id":"a","params":{`+ids(name)+`,"blipData":{"content":"called"}}}]`)
	var last wavelet.Commit
	for c, err := range h.host.Read(t.Context(), name, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Delta.Author == echo {
			last = c
		}
	}
	if last.Delta.Cause.Kind != wavelet.Robot || last.Delta.Cause.Depth != 1 {
		t.Errorf("the call's cause is %+v, want that of the bundle it names", last.Delta.Cause)
	}
}

// TestAnEvictedRobotIsToldSo has the governor convict a robot, which then calls:
// every operation there gets the error "evicted".
func TestAnEvictedRobotIsToldSo(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "")
	name := h.wave(echo)
	h.call(key, "[]")
	now := time.Now()
	deep := governor.Delivery{Seat: wavelet.Seat{Wavelet: name, Robot: echo}, Bundle: "b", RobotLane: true, Author: other, Sent: now,
		Cause: wavelet.Cause{ID: "c", Depth: 15, Exact: 15, Kind: wavelet.Robot}}
	if v := h.governor.Answer(now, governor.Answer{Robot: echo, Wavelet: name, Delta: "x", Named: deep}); len(v.Acts) != 1 {
		t.Fatalf("%+v", v)
	}
	for _, method := range []string{"wavelet.appendBlip", "robot.fetchWave"} {
		list := h.call(key, `[{"method":"`+method+`","id":"a","params":{`+ids(name)+`,"blipData":{"content":"late"}}}]`)
		if len(list) != 1 || list[0].Error == nil || list[0].Error.Code != 403 || !strings.HasPrefix(list[0].Error.Message, "evicted: ") {
			t.Errorf("%s: %+v", method, list)
		}
	}
}

// TestCallsAtOnceKeepTheirAnswers calls from many goroutines and checks that
// each gets its own ids back.
func TestCallsAtOnceKeepTheirAnswers(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "unlimited")
	name := h.wave(echo)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			id := fmt.Sprintf("op-%d", i)
			_, raw := h.post(key, `[{"method":"wavelet.appendBlip","id":"`+id+`","params":{`+ids(name)+`,"blipData":{"content":"text-`+id+`."}}}]`)
			var list []entry
			if err := json.Unmarshal(raw, &list); err != nil || len(list) != 1 || list[0].ID != id || list[0].Error != nil {
				t.Errorf("%s: %s", id, raw)
				return
			}
			blip, _ := list[0].Data["newBlipId"].(string)
			if b, ok := h.state(name).Blip(wavelet.BlipID(blip)); !ok || b.Doc.Text() != "text-"+id+".\n" {
				t.Errorf("%s got the blip of another call", id)
			}
		})
	}
	all.Wait()
}
