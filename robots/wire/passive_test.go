package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
)

// devClient reaches robots on this machine.
func devClient() *http.Client {
	return NewClient(Guard{Allow: Loopback()}, Timeouts{}, nil)
}

// serve runs a robot and returns the transport to it.
func serve(t *testing.T, h http.Handler, o PassiveOptions) *Passive {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	p := NewPassive(spell, server.URL, devClient(), o)
	t.Cleanup(p.Close)
	return p
}

// changed is a bundle that says that a blip has changed.
func changed(s *wavelet.State, id wavelet.BlipID) events.Bundle {
	return events.Bundle{ID: "bundle-1", Token: "token-1", Seat: wavelet.Seat{Wavelet: s.Name(), Robot: spell}, Version: s.Version(), State: s,
		Events: []events.Event{{Type: events.DocumentChanged, Blip: id, ModifiedBy: ann, At: s.Modified()}},
		Limits: policies.Limits{Robot: string(spell), Profile: "default"}}
}

// newStrictRobot is a robot that refuses, as the clients of the time do, what
// they cannot digest, and answers with what answer makes of the bundle.
func newStrictRobot(t *testing.T, capabilities string, answer func(bundle map[string]any) string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_wave/capabilities.xml", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, capabilities) })
	mux.HandleFunc("POST /_wave/robot/jsonrpc", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/json; charset=utf-8" || bytes.ContainsAny(body, "\r\n") {
			t.Errorf("posted %q as %q: %v", body, r.Header.Get("Content-Type"), err)
		}
		checkBundle(t, body)
		var bundle map[string]any
		if err := json.Unmarshal(body, &bundle); err != nil {
			t.Errorf("bundle: %v", err)
		}
		if l, ok := bundle["limits"].(map[string]any); !ok || l["profile"] != "default" {
			t.Errorf("limits in the bundle are %v", bundle["limits"])
		}
		if l, ok := bundle["bundle"].(map[string]any); !ok || l["token"] != "token-1" || l["lane"] != "human" {
			t.Errorf("lineage in the bundle is %v", bundle["bundle"])
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, answer(bundle))
	})
	return mux
}

// textOf is a blip's content in a bundle.
func textOf(bundle map[string]any, id string) string {
	blip, _ := bundle["blips"].(map[string]any)[id].(map[string]any)
	text, _ := blip["content"].(string)
	return text
}

// TestPythonRobot runs a robot that answers in the way of the Python client.
func TestPythonRobot(t *testing.T) {
	caps := `<?xml version="1.0"?>
<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">
<w:version>0xd67016bL</w:version>
<w:protocolversion>0.21</w:protocolversion>
<w:capabilities>
  <w:capability name="DOCUMENT_CHANGED" context="SELF"/>
</w:capabilities>
</w:robot>`
	p := serve(t, newStrictRobot(t, caps, func(bundle map[string]any) string {
		text := textOf(bundle, "b+root")
		start := len([]rune(text[:strings.Index(text, "teh")])) + 1 // 1 more for the emoji, which has two units
		return fmt.Sprintf(`[{"method":"robot.notifyCapabilitiesHash","id":"0","params":{"capabilitiesHash":"0xd67016bL","protocolVersion":"0.21"}},
			{"method":"document.modify","id":"op1","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"b+root",
			"range":{"start":%d,"end":%d},"modifyAction":{"modifyHow":"REPLACE","values":["the"]}}}]`, start, start+3)
	}), PassiveOptions{})
	w := newWavelet(t).blip("b+root", "", plain("😀 teh cat\n"))
	a, err := p.Receive(t.Context(), changed(w.state, "b+root"))
	if err != nil || len(a.Failures) > 0 {
		t.Fatalf("answer %+v, error %v", a, err)
	}
	if s := after(t, w.state, Outcome{Answer: a}); s.Text() != "😀 the cat\n" {
		t.Errorf("text is %q", s.Text())
	}
	if a.Capabilities != "0xd67016bL" {
		t.Errorf("capabilities hash is %q", a.Capabilities)
	}
	if caps, ok := p.Capabilities(); !ok || caps.Dialect() != events.V021 {
		t.Errorf("capabilities are %+v", caps)
	}
}

// TestJavaRobot runs a robot that answers in the way of the Java client, and
// reads threads as that does.
func TestJavaRobot(t *testing.T) {
	caps := capabilitiesXML(`<w:version>2dc2bdf697e881</w:version><w:protocolversion>0.22</w:protocolversion><w:capabilities>
		<w:capability name="WAVELET_BLIP_CREATED" context="SELF,SIBLINGS"/><w:capability name="DOCUMENT_CHANGED" context="SELF,SIBLINGS"/></w:capabilities>`)
	p := serve(t, newStrictRobot(t, caps, func(bundle map[string]any) string {
		if textOf(bundle, "b+child") != "\nchild" {
			t.Error("the new blip in a reply thread is not in the bundle")
		}
		return `[{"method":"robot.notify","id":"op1","params":{"protocolVersion":"0.22","capabilitiesHash":"2dc2bdf697e881"}},
			{"method":"blip.continueThread","id":"op2","params":{"waveId":"example.com/w+abc123","waveletId":"example.com/conv+root","blipId":"b+child",
				"blipData":{"blipId":"TBD_example.com/conv+root_-5","content":"","annotations":[],"elements":{}}}},
			{"method":"document.modify","id":"op3","params":{"waveId":"example.com/w+abc123","waveletId":"example.com/conv+root","blipId":"TBD_example.com/conv+root_-5",
				"range":null,"index":null,"modifyQuery":null,"modifyAction":{"modifyHow":"REPLACE","values":["\nchild 😀"],"elements":[null],"annotationKey":null,"bundledAnnotations":null,"useMarkup":false}}}]`
	}), PassiveOptions{})
	w := newWavelet(t).blip("b+root", "", plain("root\n"))
	w.commit(ann, wavelet.CreateThread{Thread: "b+child", Parent: "b+root"}, wavelet.CreateBlip{Blip: "b+child", Thread: "b+child", Content: plain("child\n")})
	b := changed(w.state, "b+root")
	b.Events = append(b.Events, events.Event{Type: events.WaveletBlipCreated, Blip: "b+root", NewBlip: "b+child", ModifiedBy: ann})
	a, err := p.Receive(t.Context(), b)
	if err != nil || len(a.Failures) > 0 {
		t.Fatalf("answer %+v, error %v", a, err)
	}
	if s := after(t, w.state, Outcome{Answer: a}); s.Text() != "root\nchild\nchild 😀\n" {
		t.Errorf("text is %q", s.Text())
	}
}

// answering is a robot that wants changes and answers with a fixed status and
// body.
func answering(status int, body string, posts *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, capabilitiesXML(`<w:version>1</w:version><w:capability name="DOCUMENT_CHANGED" context="SELF"/>`))
			return
		}
		posts.Add(1)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	tests := []struct {
		name     string
		status   int
		body     string
		err      error
		failures int
	}{
		{"empty", 200, "", nil, 0},
		{"blank", 200, " \n", nil, 0},
		{"empty list", 200, "[]", nil, 0},
		{"null", 200, "null", nil, 0},
		{"one operation", 200, `{"method":"robot.notify","id":"1","params":{}}`, nil, 0},
		{"a web page", 200, "<html>", nil, 1},
		{"half a list", 200, `[{"method":"robot.notify"`, nil, 1},
		{"too long", 200, "[" + strings.Repeat(" ", MaxBody) + "]", nil, 1},
		{"too many", 200, "[" + strings.Repeat("0,", MaxOperations) + "0]", nil, 1},
		{"created is no success", 201, "[]", ErrStatus, 0},
		{"redirect", 302, "", ErrStatus, 0},
		{"error", 500, "Traceback", ErrStatus, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var posts atomic.Int64
			var heard error
			p := serve(t, answering(tt.status, tt.body, &posts), PassiveOptions{Heard: func(err error) { heard = err }})
			w := newWavelet(t).blip("b+root", "", plain("a\n"))
			a, err := p.Receive(t.Context(), changed(w.state, "b+root"))
			if !errors.Is(err, tt.err) || len(a.Failures) != tt.failures || len(a.Deltas) != 0 {
				t.Errorf("answer %+v, error %v", a, err)
			}
			if posts.Load() != 1 || !errors.Is(heard, tt.err) {
				t.Errorf("%d posts, heard %v", posts.Load(), heard)
			}
		})
	}
}

// TestTheProfileBoundsAnswers holds an answer to the bounds of a profile.
func TestTheProfileBoundsAnswers(t *testing.T) {
	var posts atomic.Int64
	p := serve(t, answering(200, `[{"method":"robot.getLimits","id":"1"},{"method":"robot.getLimits","id":"2"}]`, &posts), PassiveOptions{})
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	for _, tt := range []struct {
		bounds   policies.Delivery
		failures int
	}{{policies.Delivery{}, 0}, {policies.Delivery{MaxOps: 1}, 1}, {policies.Delivery{MaxBody: 20}, 1}, {policies.Delivery{MaxBody: 200, MaxOps: 2}, 0}} {
		p.Limit(tt.bounds)
		if a, err := p.Receive(t.Context(), b); err != nil || len(a.Failures) != tt.failures {
			t.Errorf("with %+v: answer %+v, error %v", tt.bounds, a, err)
		}
	}
}

// TestWhatIsNotWantedIsNotSent delivers a bundle of which no event is named.
func TestWhatIsNotWantedIsNotSent(t *testing.T) {
	var posts atomic.Int64
	p := serve(t, answering(200, "[]", &posts), PassiveOptions{})
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	b.Events[0].Type = events.BlipSubmitted
	if !p.Wants(b) {
		t.Error("a robot that was not asked yet wants nothing")
	}
	if a, err := p.Receive(t.Context(), b); err != nil || len(a.Deltas)+len(a.Failures) != 0 || posts.Load() != 0 || p.Wants(b) {
		t.Errorf("answer %+v, error %v, %d posts", a, err, posts.Load())
	}
}

func TestNoCapabilitiesIsAnError(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"not found": http.NotFound,
		"a page":    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>hello</body></html>") },
		"endless":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<20)) },
	} {
		p := serve(t, h, PassiveOptions{})
		if _, err := p.Receive(t.Context(), changed(newWavelet(t).state, "")); !errors.Is(err, ErrStatus) && !errors.Is(err, ErrCapabilities) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestNewHashRefreshesCapabilities answers with another hash each time and
// counts how often the capabilities are fetched: at once, and then once in half
// a minute.
func TestNewHashRefreshesCapabilities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetches, posts, profiles int
		transport := roundTrip(func(r *http.Request) string {
			if r.URL.Path == "/_wave/robot/profile" {
				profiles++
				return fmt.Sprintf(`{"address":"","name":"Spell %d","imageUrl":"http://example.com/s.png","profileUrl":"javascript:alert(1)"}`, profiles)
			}
			if r.Method == http.MethodGet {
				fetches++
				return capabilitiesXML(fmt.Sprintf(`<w:version>%d</w:version><w:capability name="DOCUMENT_CHANGED"/>`, fetches))
			}
			posts++
			return fmt.Sprintf(`[{"method":"robot.notify","id":"1","params":{"capabilitiesHash":"new-%d"}}]`, posts)
		})
		var learned []string
		var shown Profile
		p := NewPassive(spell, "http://robot.example.com", &http.Client{Transport: transport}, PassiveOptions{
			Learned:    func(c Capabilities) { learned = append(learned, c.Hash) },
			Introduced: func(p Profile) { shown = p },
		})
		defer p.Close()
		b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
		for second := range 70 {
			if _, err := p.Receive(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			want := 2 + second/30
			if fetches != want || len(learned) != want {
				t.Fatalf("%d fetches and %v learned after %d s, want %d", fetches, learned, second, want)
			}
			asked := 1 + (second+29)/30 // with the first bundle after a fetch
			if profiles != asked || shown != (Profile{spell, fmt.Sprint("Spell ", asked), "http://example.com/s.png", ""}) {
				t.Fatalf("%d profiles asked for after %d s, want %d; the last is %+v", profiles, second, asked, shown)
			}
			time.Sleep(time.Second)
		}
	})
}

// roundTrip answers requests without a network, for a test in virtual time.
type roundTrip func(*http.Request) string

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(f(r)))}, nil
}

// TestCloseEndsDeliveries closes a robot that hangs.
func TestCloseEndsDeliveries(t *testing.T) {
	asked := make(chan bool, 1)
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- true
		<-r.Context().Done()
	}), PassiveOptions{})
	done := make(chan error)
	go func() {
		_, err := p.Receive(context.Background(), changed(newWavelet(t).state, ""))
		done <- err
	}()
	<-asked
	p.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

func TestGuard(t *testing.T) {
	tests := []struct {
		addr  string
		allow []netip.Prefix
		ok    bool
	}{
		{"8.8.8.8", nil, true},
		{"2606:4700::1111", nil, true},
		{"127.0.0.1", nil, false},
		{"127.8.8.8", nil, false},
		{"::1", nil, false},
		{"::ffff:127.0.0.1", nil, false},
		{"::127.0.0.1", nil, false},
		{"64:ff9b::7f00:1", nil, false},
		{"2002:7f00:1::", nil, false},
		{"10.1.2.3", nil, false},
		{"172.16.0.1", nil, false},
		{"192.168.1.1", nil, false},
		{"100.64.0.1", nil, false},
		{"169.254.169.254", nil, false},
		{"fe80::1", nil, false},
		{"fd00::1", nil, false},
		{"0.0.0.0", nil, false},
		{"255.255.255.255", nil, false},
		{"224.0.0.1", nil, false},
		{"::", nil, false},
		{"127.0.0.1", Loopback(), true},
		{"::ffff:127.0.0.1", Loopback(), true},
		{"::1", Loopback(), true},
		{"10.1.2.3", Loopback(), false},
		{"10.1.2.3", []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, true},
	}
	for _, tt := range tests {
		err := Guard{Allow: tt.allow}.Check(netip.MustParseAddr(tt.addr))
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s allowing %v: %v", tt.addr, tt.allow, err)
		}
	}
}

// TestTheGuardIsAskedWhenDialling finds a robot at a name and at an address of
// this machine, which no client may reach that does not allow it.
func TestTheGuardIsAskedWhenDialling(t *testing.T) {
	var posts atomic.Int64
	server := httptest.NewServer(answering(200, "[]", &posts))
	defer server.Close()
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	for _, host := range []string{"http://127.0.0.1", "http://localhost", "http://0.0.0.0", "http://[::ffff:127.0.0.1]"} {
		p := NewPassive(spell, host+port, NewClient(Guard{}, Timeouts{}, nil), PassiveOptions{})
		_, err := p.Receive(t.Context(), b)
		if !errors.Is(err, ErrForbiddenAddress) || posts.Load() != 0 {
			t.Errorf("%s: error is %v, %d posts", host, err, posts.Load())
		}
		p.Close()
	}
}

// TestTimeoutsEndADelivery gives up on a robot that takes the bundle and is
// silent, and on one that never ends its answer.
func TestTimeoutsEndADelivery(t *testing.T) {
	b := changed(newWavelet(t).blip("b+root", "", plain("a\n")).state, "b+root")
	for name, limits := range map[string]Timeouts{"header": {Header: 20 * time.Millisecond}, "total": {Total: 50 * time.Millisecond}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name == "total" {
				w.WriteHeader(http.StatusOK)
				http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}))
		p := NewPassive(spell, server.URL, NewClient(Guard{Allow: Loopback()}, limits, nil), PassiveOptions{})
		if _, err := p.Receive(t.Context(), b); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%s: error is %v, want ErrUnreachable", name, err)
		}
		p.Close()
		server.CloseClientConnections()
		server.Close()
	}
}

// TestWhatCannotBeReadIsSaid wants the words of who wrote it, not of this program.
func TestWhatCannotBeReadIsSaid(t *testing.T) {
	ops, err := Decode([]byte(`["x", {"method":"blip.delete","id":"op1","params":[]}, {"method":1,"id":"op2"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode([]byte(`"x"`)); err == nil || err.Error() != ErrAnswer.Error()+": unexpected string" {
		t.Errorf("no list: %v", err)
	}
	out := Call{Robot: spell}.Apply(t.Context(), ops)
	for i, want := range []string{"want {method, id, params}: unexpected string", "params: unexpected array", "want {method, id, params}: unexpected number as method"} {
		if f := out.Results[i].Failure; f == nil || f.Message != want || f.Code != http.StatusBadRequest {
			t.Errorf("operation %d: %+v, want %q", i, f, want)
		}
	}
}
