package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/client"
)

func registration(id string) robots.Registration {
	return robots.Registration{Address: wavelet.Participant(id + "@example.com")}
}

// dialStatus tries to open a socket and gives the HTTP status.
func dialStatus(t *testing.T, h *house, ticket, origin string) (int, error) {
	t.Helper()
	o := &websocket.DialOptions{HTTPHeader: http.Header{}}
	if origin != "" {
		o.HTTPHeader.Set("Origin", origin)
	}
	conn, resp, err := websocket.Dial(t.Context(), h.url+"/ws?ticket="+ticket, o)
	if conn != nil {
		conn.CloseNow()
	}
	if resp == nil {
		return 0, err
	}
	return resp.StatusCode, err
}

func TestOriginIsChecked(t *testing.T) {
	h := build(t, nil)
	for origin, want := range map[string]int{"": 101, h.url: 101, "http://elsewhere.example.com": 403} {
		if got, _ := dialStatus(t, h, h.ticket(ann), origin); got != want {
			t.Errorf("origin %q: status %d, want %d", origin, got, want)
		}
	}
}

// TestMalformedFrames sends what a decent client would not. Each frame is
// answered, under its id where it has one, and the socket goes on working.
func TestMalformedFrames(t *testing.T) {
	h := build(t, nil)
	name := h.wave()
	theirs := h.wave()
	if _, err := h.host.SubmitHuman(t.Context(), theirs, wavelet.Delta{
		Author: ann, Base: 1, Ops: []wavelet.Op{wavelet.AddParticipant{Who: bob}, wavelet.RemoveParticipant{Who: ann}},
	}); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)
	notMine := fmt.Sprintf(`"wave":%q,"wavelet":%q`, theirs.Wave, theirs.Wavelet)
	nowhere := `"wave":"example.com!w+none","wavelet":"example.com!conv+root"`
	root := h.state(name).Root()
	insert := fmt.Sprintf(`[{"edit":{"blip":%q,"ops":[{"insert":"x"}]}}]`, root)
	tests := []struct {
		name, frame string
		id          uint64
		code        int
		field       string
	}{
		{"not JSON", `hello`, 0, client.CodeMalformed, "frame"},
		{"half a frame", `{"id":7,"op":"pi`, 0, client.CodeMalformed, "frame"},
		{"an array", `[1,2]`, 0, client.CodeMalformed, "frame"},
		{"two objects", `{"id":7,"op":"ping"}{}`, 0, client.CodeMalformed, "frame"},
		{"not UTF-8", "{\"id\":7,\"op\":\"\xff\"}", 0, client.CodeMalformed, "frame"},
		{"a field twice", `{"id":7,"id":8,"op":"ping"}`, 0, client.CodeMalformed, "frame"},
		{"no id", `{"op":"ping"}`, 0, client.CodeMissingField, "id"},
		{"id of 0", `{"id":0,"op":"ping"}`, 0, client.CodeBadField, "id"},
		{"negative id", `{"id":-1,"op":"ping"}`, 0, client.CodeBadField, "id"},
		{"id in words", `{"id":"7","op":"ping"}`, 0, client.CodeBadField, "id"},
		{"id too large", `{"id":9007199254740992,"op":"ping"}`, 0, client.CodeBadField, "id"},
		{"no op", `{"id":7}`, 7, client.CodeMissingField, "op"},
		{"unknown op", `{"id":7,"op":"dance"}`, 7, client.CodeUnknownOp, "op"},
		{"upper case", `{"id":7,"OP":"ping"}`, 7, client.CodeMissingField, "op"},
		{"a field too much", `{"id":7,"op":"ping","color":1}`, 7, client.CodeUnknownField, "color"},
		{"connect again", `{"id":7,"op":"connect","protocol":1}`, 7, client.CodeNotConnected, "op"},
		{"no wavelet", `{"id":7,"op":"subscribe","wave":"example.com!w+a"}`, 7, client.CodeMissingField, "wavelet"},
		{"bad name", `{"id":7,"op":"subscribe","wave":"x","wavelet":"y"}`, 7, client.CodeBadField, "wavelet"},
		{"no such wavelet", `{"id":7,"op":"subscribe",` + nowhere + `}`, 7, client.CodeUnknownWavelet, "wavelet"},
		{"not a participant", `{"id":7,"op":"subscribe",` + notMine + `}`, 7, client.CodeNotParticipant, "wavelet"},
		{"past the head", `{"id":7,"op":"subscribe",` + at + `,"version":99}`, 7, client.CodePastHead, "version"},
		{"not subscribed", `{"id":7,"op":"unsubscribe",` + at + `}`, 7, client.CodeNotSubscribed, "wavelet"},
		{"null version", `{"id":7,"op":"subscribe",` + at + `,"version":null}`, 7, client.CodeBadField, "version"},
		{"fraction of a version", `{"id":7,"op":"subscribe",` + at + `,"version":1.5}`, 7, client.CodeBadField, "version"},
		{"publish without base", `{"id":7,"op":"publish",` + at + `,"seq":1,"ops":` + insert + `}`, 7, client.CodeMissingField, "base"},
		{"seq of 0", `{"id":7,"op":"publish",` + at + `,"base":1,"seq":0,"ops":` + insert + `}`, 7, client.CodeBadField, "seq"},
		{"base past the head", `{"id":7,"op":"publish",` + at + `,"base":99,"seq":1,"ops":` + insert + `}`, 7, client.CodePastHead, "base"},
		{"publish where I am not", `{"id":7,"op":"publish",` + notMine + `,"base":1,"seq":1,"ops":` + insert + `}`, 7, client.CodeNotParticipant, ""},
		{"ops that are none", `{"id":7,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"dance":{}}]}`, 7, client.CodeBadField, ""},
		{"ops past the end", `{"id":7,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"edit":{"blip":"` + string(root) + `","ops":[{"retain":9},{"insert":"x"}]}}]}`, 7, client.CodeBadDelta, ""},
		{"lone surrogate", `{"id":7,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"edit":{"blip":"` + string(root) + `","ops":[{"insert":"\ud83d"}]}}]}`, 7, client.CodeBadField, ""},
		{"unknown blip", `{"id":7,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"edit":{"blip":"b+none","ops":[{"insert":"x"}]}}]}`, 7, client.CodeUnknownBlip, ""},
		{"history of two kinds", `{"id":7,"op":"history",` + at + `,"from":0,"version":1}`, 7, client.CodeBadField, "from"},
		{"history past the head", `{"id":7,"op":"history",` + at + `,"version":9}`, 7, client.CodePastHead, "version"},
		{"history where I am not", `{"id":7,"op":"history",` + notMine + `,"from":0}`, 7, client.CodeNotParticipant, "wavelet"},
		{"unknown method", `{"id":7,"op":"rpc","method":"format.disk"}`, 7, client.CodeUnknownMethod, "method"},
		{"unknown parameter", `{"id":7,"op":"rpc","method":"wavelet.list","params":{"Query":"x"}}`, 7, client.CodeUnknownField, "params.Query"},
		{"params of another kind", `{"id":7,"op":"rpc","method":"wavelet.list","params":[]}`, 7, client.CodeBadField, "params"},
		{"deep nesting", `{"id":7,"op":"rpc","method":"wavelet.list","params":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 7, client.CodeBadField, "params"},
	}
	var w *wire
	for i, test := range tests {
		if i%16 == 0 {
			w = h.raw(ann) // a socket takes only so much
		}
		w.say(test.frame)
		f := w.hear()
		if f.Err == nil {
			t.Errorf("%s: answered with %s", test.name, f.OK)
			continue
		}
		if f.ID != test.id || f.Err.Code != test.code || test.field != "" && f.Err.Field != test.field {
			t.Errorf("%s: id %d, %+v; want id %d, code %d, field %q", test.name, f.ID, f.Err, test.id, test.code, test.field)
		}
		if f.Err.Message == "" || f.Err.Reason == "" {
			t.Errorf("%s: %+v does not say what was wrong", test.name, f.Err)
		}
		w.say(`{"id":8,"op":"ping"}`)
		if f := w.hear(); f.ID != 8 || f.Err != nil {
			t.Fatalf("%s: the socket answers a ping with %+v afterwards", test.name, f)
		}
	}
	if v := h.state(name).Version(); v != 1 {
		t.Errorf("the wavelet is at version %d: one of these frames changed it", v)
	}
}

func TestFirstFrameMustBeConnect(t *testing.T) {
	h := build(t, nil)
	for frame, code := range map[string]int{
		`{"id":1,"op":"ping"}`:                                                            client.CodeNotConnected,
		`{"id":1,"op":"connect","protocol":9}`:                                            client.CodeBadProtocol,
		`{"id":1,"op":"connect","protocol":1,"client":"a/b"}`:                             client.CodeBadField,
		`{"id":1,"op":"connect","protocol":1,"client":"` + strings.Repeat("x", 65) + `"}`: client.CodeBadField,
		`nonsense`: client.CodeMalformed,
	} {
		w := h.bare(ann)
		w.say(frame)
		if f := w.hear(); f.Err == nil || f.Err.Code != code {
			t.Errorf("%.60s: %+v, want code %d", frame, f, code)
		}
		if got := w.closed(); got != client.CloseProtocol {
			t.Errorf("%.60s: closed with %d, want %d", frame, got, client.CloseProtocol)
		}
	}
}

func TestTooManyMalformedFramesCloseTheSocket(t *testing.T) {
	h := plan{admission: settings(t, "client_error_limits: {enabled: true, total: {buckets: [{interval: 1h, rate: 32}]}}")}.build(t)
	w := h.raw(ann)
	for range 40 {
		if err := w.conn.Write(t.Context(), websocket.MessageText, []byte("{}\n{}")); err != nil {
			break
		}
	}
	if got := w.closed(); got != client.CloseErrors {
		t.Errorf("closed with %d, want %d", got, client.CloseErrors)
	}
	_, _, text := h.rest("", "GET", "/metrics", "")
	for _, line := range []string{"weir_frames_malformed_total 33", `weir_edge_refused_total{layer="frame",reason="missing_field"} 33`, `weir_edge_refused_total{layer="client_error",reason="missing_field"} 1`} {
		if !strings.Contains(text, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

func TestHugeFrameClosesTheSocket(t *testing.T) {
	h := build(t, nil)
	w := h.raw(ann)
	_ = w.conn.Write(t.Context(), websocket.MessageText, []byte(`{"id":2,"op":"ping","x":"`+strings.Repeat("x", client.MaxMessage)+`"}`))
	if got := w.closed(); got != int(websocket.StatusMessageTooBig) {
		t.Errorf("closed with %d, want %d", got, websocket.StatusMessageTooBig)
	}
	w = h.raw(ann)
	if err := w.conn.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := w.closed(); got != int(websocket.StatusUnsupportedData) {
		t.Errorf("binary message: closed with %d, want %d", got, websocket.StatusUnsupportedData)
	}
}

func TestFramesMayBeJoined(t *testing.T) {
	h := build(t, nil)
	w := h.raw(ann)
	w.say("{\"id\":2,\"op\":\"ping\"}\n\n  {\"id\":3,\"op\":\"ping\"}\r\n{\"id\":4,\"op\":\"ping\"}\n")
	for want := uint64(2); want <= 4; want++ {
		if f := w.hear(); f.ID != want || f.Err != nil {
			t.Fatalf("frame %+v, want the answer to %d", f, want)
		}
	}
}

// TestByHand walks through the protocol as a person with a WebSocket tool would.
func TestByHand(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	root := h.state(name).Root()
	at := fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)
	w := h.raw(ann)
	w.say(`{"id":2,"op":"subscribe",` + at + `}`)
	f := w.hear()
	if !strings.Contains(string(f.OK), `"head":1`) || !strings.Contains(string(f.OK), `"address":"bob@example.com"`) {
		t.Fatalf("subscribe: %s", f.OK)
	}
	publish := `{"id":3,"op":"publish",` + at + `,"base":1,"seq":1,"ops":[{"edit":{"blip":"` + string(root) + `","ops":[{"insert":"hello"}]}}]}`
	w.say(publish)
	var replied, pushed bool
	for range 2 {
		switch f := w.hear(); {
		case f.Push == client.PushCommit:
			pushed = f.Version == 2 && f.Seq == 1 && f.Author == string(ann) && f.Kind == "human"
		case f.ID == 3:
			replied = string(f.OK) == `{"version":2,"seq":1}`
		}
	}
	if !replied || !pushed {
		t.Fatalf("publish: replied %v, pushed %v", replied, pushed)
	}
	// The same number again is the same delta, whatever the connection.
	other := h.raw(ann)
	other.say(publish)
	if f := other.hear(); string(f.OK) != `{"version":2,"seq":1}` {
		t.Fatalf("published again: %s %+v", f.OK, f.Err)
	}
	// Another person cannot take the number over, and sees no seq.
	b := h.raw(bob)
	b.say(publish)
	if f := b.hear(); f.Err == nil || f.Err.Code != client.CodeDuplicate {
		t.Fatalf("bob publishes under ann's number: %s %+v", f.OK, f.Err)
	}
	b.say(`{"id":4,"op":"history",` + at + `,"from":1}`)
	if f := b.hear(); !strings.Contains(string(f.OK), `"insert":"hello"`) {
		t.Fatalf("history: %s %+v", f.OK, f.Err)
	}
	w.say(`{"id":5,"op":"history",` + at + `,"version":1}`)
	if f := w.hear(); !strings.Contains(string(f.OK), `"version":1`) || strings.Contains(string(f.OK), "hello") {
		t.Fatalf("snapshot at 1: %s %+v", f.OK, f.Err)
	}
	for when, want := range map[string]string{"2001-02-03T04:05:06Z": `"version":0`, "2999-01-01T00:00:00Z": `"version":2`} {
		w.say(`{"id":9,"op":"history",` + at + `,"time":"` + when + `"}`)
		if f := w.hear(); !strings.Contains(string(f.OK), `"snapshot":{`+want) {
			t.Errorf("snapshot at %s: %s %+v", when, f.OK, f.Err)
		}
	}
	w.say(`{"id":6,"op":"unsubscribe",` + at + `}`)
	if f := w.hear(); string(f.OK) != `{}` {
		t.Fatalf("unsubscribe: %s %+v", f.OK, f.Err)
	}
}

func TestRemovedPersonLosesTheSubscription(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	b := h.open(h.dial(bob, ""), name)
	if err := h.dial(ann, "").RemoveParticipant(t.Context(), name, bob); err != nil {
		t.Fatal(err)
	}
	for range b.Changes() {
	}
	e, ok := b.Err().(*client.Error)
	if !ok || e.Code != client.CodeNotParticipant {
		t.Fatalf("bob's wavelet ended with %v, want code %d", b.Err(), client.CodeNotParticipant)
	}
	if _, err := h.dial(bob, "").Open(t.Context(), name); err == nil {
		t.Fatal("bob opened the wavelet again")
	}
}

func TestReadersMayNotWrite(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	a := h.dial(ann, "")
	if err := a.SetRole(t.Context(), name, bob, wavelet.Read); err != nil {
		t.Fatal(err)
	}
	w := h.raw(bob)
	root := h.state(name).Root()
	w.say(fmt.Sprintf(`{"id":2,"op":"publish","wave":%q,"wavelet":%q,"base":2,"seq":1,"ops":[{"edit":{"blip":%q,"ops":[{"insert":"x"}]}}]}`, name.Wave, name.Wavelet, root))
	if f := w.hear(); f.Err == nil || f.Err.Code != client.CodeForbidden {
		t.Fatalf("a reader publishes: %s %+v", f.OK, f.Err)
	}
}

func TestSilentSocketIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		begun := time.Now()
		if got := h.bare(ann).closed(); got != client.CloseHandshake || time.Since(begun) != 5*time.Second {
			t.Errorf("closed with %d after %s, want %d", got, time.Since(begun), client.CloseHandshake)
		}
		if got := h.metric(`weir_edge_refused_total{layer="close",reason="4408"}`); got != "1" {
			t.Errorf("%q closed sockets are counted under 4408", got)
		}
	})
}

func TestSocketEndsWithTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		begun := time.Now()
		w := h.loggedIn(sign(t, jwt.SigningMethodHS256, []byte(loginSecret), "k1", jwt.MapClaims{"sub": string(ann), "exp": begun.Add(2 * time.Second).Unix()}))
		if got := w.closed(); got != client.CloseLoginExpired || time.Since(begun) != 2*time.Second {
			t.Errorf("closed with %d after %s, want %d", got, time.Since(begun), client.CloseLoginExpired)
		}
	})
}

func TestCloseSendsSocketsAway(t *testing.T) {
	h := build(t, nil)
	w := h.raw(ann)
	var wg sync.WaitGroup
	wg.Go(func() { h.web.Close() })
	if got := w.closed(); got != int(websocket.StatusGoingAway) {
		t.Errorf("closed with %d, want %d", got, websocket.StatusGoingAway)
	}
	wg.Wait()
}
