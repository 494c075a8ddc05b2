package testbots_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/robots/kit"
	"weir/testbots"
)

// start serves a bot on a free port and returns its base URL.
func start(t *testing.T, name string, o testbots.Options) string {
	t.Helper()
	bot, err := testbots.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := bot.Serve(ctx, l); err != nil {
			t.Errorf("serve %s: %v", name, err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return "http://" + l.Addr().String()
}

// blip is one blip of a test bundle.
type blip struct{ id, creator, content string }

// bundle is a bundle to bot@example.com that says who changed which blip.
func bundle(lane, event, by, changed string, blips ...blip) string {
	m, ids := map[string]any{}, []string{}
	for _, b := range blips {
		ids = append(ids, b.id)
		m[b.id] = map[string]any{"blipId": b.id, "creator": b.creator, "content": b.content}
	}
	body, err := json.Marshal(map[string]any{
		"events": []any{map[string]any{"type": event, "modifiedBy": by, "timestamp": 1, "properties": map[string]any{"blipId": changed}}},
		"wavelet": map[string]any{"waveId": "example.com!w+abc", "waveletId": "example.com!conv+root",
			"participants": []string{"ann@example.com"}, "rootThread": map[string]any{"blipIds": ids}},
		"blips": m, "threads": map[string]any{}, "robotAddress": "bot@example.com", "bundle": map[string]any{"lane": lane},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func post(t *testing.T, base, body string) []kit.Operation {
	t.Helper()
	resp, err := http.Post(base+"/_wave/robot/jsonrpc", "application/json; charset=utf-8", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %s", resp.Status)
	}
	var ops []kit.Operation
	if err := json.NewDecoder(resp.Body).Decode(&ops); err != nil {
		t.Fatal(err)
	}
	if len(ops) == 0 || ops[0].Method != "robot.notify" {
		t.Fatalf("the answer does not begin with robot.notify: %v", ops)
	}
	return ops[1:]
}

func TestCapabilities(t *testing.T) {
	for _, kind := range testbots.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			base := start(t, kind.Name, testbots.Options{Key: "k"})
			resp, err := http.Get(base + "/_wave/capabilities.xml")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var doc struct {
				XMLName      xml.Name `xml:"http://wave.google.com/extensions/robots/1.0 robot"`
				Version      string   `xml:"version"`
				Protocol     string   `xml:"protocolversion"`
				Capabilities []struct {
					Name string `xml:"name,attr"`
				} `xml:"capabilities>capability"`
			}
			if err := xml.NewDecoder(resp.Body).Decode(&doc); err != nil {
				t.Fatal(err)
			}
			if doc.Version == "" || doc.Protocol != "0.22" || len(doc.Capabilities) == 0 || doc.Capabilities[0].Name != "WAVELET_SELF_ADDED" {
				t.Errorf("capabilities %+v", doc)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := testbots.New("parrot", testbots.Options{}); !errors.Is(err, testbots.ErrKind) || !strings.Contains(err.Error(), "echo") {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := testbots.New("ticker", testbots.Options{}); !errors.Is(err, testbots.ErrNoKey) {
		t.Errorf("ticker without a key: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	ann := func(text string) blip { return blip{"b+ann", "ann@example.com", "\n" + text} }
	own := blip{"b+own", "bot@example.com", "\n#1 something"}
	tests := []struct {
		name, bot, body string
		want            []string // method blip start-end text
	}{
		{"echo begins a blip", "echo", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("the weir holds")),
			[]string{`wavelet.appendBlip "\n#1 ann: the weir holds"`}},
		{"echo keeps its blip", "echo", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("the weir holds"), own),
			[]string{`document.modify b+own whole "\n#1 ann: the weir holds"`}},
		{"echo answers robots", "echo", bundle("robot", "DOCUMENT_CHANGED", "other@example.com", "b+other", own, blip{"b+other", "other@example.com", "\n#7 ann: hm"}),
			[]string{`document.modify b+own whole "\n#1 other: #7 ann: hm"`}},
		{"echo quotes the end", "echo", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann(strings.Repeat("word ", 40)+"the end of it is quoted"), own),
			[]string{`document.modify b+own whole "\n#1 ann: …word word word word word word word the end of it is quoted"`}},
		{"echo is silent when added", "echo", bundle("human", "WAVELET_SELF_ADDED", "ann@example.com", "b+ann", ann("hello")), nil},
		{"spelly mends in place, last first", "spelly", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("Teh 😀 streem adn tehran, wich.")),
			[]string{`document.modify b+ann 27-31 "which"`, `document.modify b+ann 15-18 "and"`, `document.modify b+ann 8-14 "stream"`, `document.modify b+ann 1-4 "The"`}},
		{"spelly waits for the end of a word", "spelly", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("it is teh")), nil},
		{"spelly has nothing to say", "spelly", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("all is well.")), nil},
		{"translator", "translator", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("The river is low today.")),
			[]string{`wavelet.appendBlip "\nLe rivière est bas aujourd'hui."`}},
		{"translator leaves robots alone", "translator", bundle("robot", "DOCUMENT_CHANGED", "echo@example.com", "b+ann", ann("the river")), nil},
		{"translator says nothing twice", "translator", bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", ann("the river"), blip{"b+own", "bot@example.com", "\nle rivière"}), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, op := range post(t, start(t, test.bot, testbots.Options{}), test.body) {
				got = append(got, show(t, op))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// show is an operation on one line.
func show(t *testing.T, op kit.Operation) string {
	t.Helper()
	if op.Params["waveId"] != "example.com!w+abc" || op.Params["waveletId"] != "example.com!conv+root" {
		t.Errorf("%s names the wavelet %v/%v", op.Method, op.Params["waveId"], op.Params["waveletId"])
	}
	if data, ok := op.Params["blipData"].(map[string]any); ok {
		if id, _ := data["blipId"].(string); !strings.HasPrefix(id, "TBD_") {
			t.Errorf("new blip has the id %q", id)
		}
		return fmt.Sprintf("%s %q", op.Method, data["content"])
	}
	where := "whole"
	if r, ok := op.Params["range"].(map[string]any); ok {
		where = fmt.Sprintf("%v-%v", r["start"], r["end"])
	}
	action := op.Params["modifyAction"].(map[string]any)
	return fmt.Sprintf("%s %v %s %q", op.Method, op.Params["blipId"], where, action["values"].([]any)[0])
}

func TestEchoNeverRepeatsItself(t *testing.T) {
	base := start(t, "echo", testbots.Options{})
	body := bundle("human", "DOCUMENT_CHANGED", "ann@example.com", "b+ann", blip{"b+ann", "ann@example.com", "\nsame"})
	first, second := show(t, post(t, base, body)[0]), show(t, post(t, base, body)[0])
	if first == second {
		t.Errorf("two answers are the same: %s", first)
	}
}

func TestCrasherFailsEachTime(t *testing.T) {
	base := start(t, "crasher", testbots.Options{})
	var seen []string
	for range 3 {
		resp, err := http.Post(base+"/_wave/robot/jsonrpc", "application/json", strings.NewReader("{}"))
		if err != nil {
			seen = append(seen, "closed")
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		seen = append(seen, fmt.Sprintf("%d json=%v", resp.StatusCode, json.Valid(body)))
	}
	if diff := cmp.Diff([]string{"500 json=false", "200 json=false", "closed"}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestSleeperNeverAnswers(t *testing.T) {
	base := start(t, "sleeper", testbots.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/_wave/robot/jsonrpc", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		t.Errorf("sleeper answered %s", resp.Status)
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sleeper did not keep the request: %v", err)
	}
}

// api is a server's active API: it records calls and gives new blips an id.
func api(t *testing.T) (*httptest.Server, <-chan kit.Operation) {
	t.Helper()
	calls := make(chan kit.Operation, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/robot/rpc" || r.Header.Get("Authorization") != "Bearer sesame" {
			t.Errorf("call of %s as %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		var ops []kit.Operation
		if err := json.NewDecoder(r.Body).Decode(&ops); err != nil {
			t.Errorf("call: %v", err)
		}
		var answer bytes.Buffer
		for i, op := range ops {
			fmt.Fprintf(&answer, `%c{"id":%q,"data":{"newBlipId":"b+new"}}`, "[,"[min(i, 1)], op.ID)
			select {
			case calls <- op:
			default:
			}
		}
		answer.WriteByte(']')
		_, _ = answer.WriteTo(w)
	}))
	t.Cleanup(server.Close)
	return server, calls
}

func TestTickerWritesUnasked(t *testing.T) {
	server, calls := api(t)
	base := start(t, "ticker", testbots.Options{Server: server.URL, Key: "sesame", Every: time.Millisecond})
	if ops := post(t, base, bundle("human", "WAVELET_SELF_ADDED", "ann@example.com", "b+ann", blip{"b+ann", "ann@example.com", "\nhi"})); len(ops) != 0 {
		t.Errorf("ticker answered %v", ops)
	}
	if got := (<-calls).Method; got != "wavelet.appendBlip" {
		t.Errorf("first call is %s", got)
	}
	if got := show(t, <-calls); !strings.HasPrefix(got, `document.modify b+new whole "\nreading `) {
		t.Errorf("second call is %s", got)
	}
}

func TestLooperCallsInsteadOfAnswering(t *testing.T) {
	server, calls := api(t)
	base := start(t, "looper", testbots.Options{Server: server.URL, Key: "sesame"})
	ops := post(t, base, bundle("robot", "DOCUMENT_CHANGED", "other@example.com", "b+ann", blip{"b+ann", "ann@example.com", "\nhi"}))
	if len(ops) != 0 {
		t.Errorf("looper answered %v", ops)
	}
	if got := show(t, <-calls); got != `wavelet.appendBlip "\n#1 other: hi"` {
		t.Errorf("call is %s", got)
	}
}
