package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"weir/events"
	"weir/policies"
)

// TestAnOutboundRobot asks a robot that is reached over something else than
// HTTP.
func TestAnOutboundRobot(t *testing.T) {
	caps := Capabilities{Protocol: "0.22", Wants: []Want{{Event: events.DocumentChanged}}}
	var heard error
	var announced Capabilities
	answer, failure := "", error(nil)
	var asked map[string]any
	o := NewOutbound(spell, func(_ context.Context, line []byte) ([]byte, error) {
		checkBundle(t, line)
		if err := json.Unmarshal(line, &asked); err != nil {
			t.Error(err)
		}
		return []byte(answer), failure
	}, OutboundOptions{
		Capabilities: func() Capabilities { return caps },
		Announced:    func(c Capabilities) { announced = c },
		Heard:        func(err error) { heard = err },
	})
	w := newWavelet(t).blip("b+root", "", plain("teh cat\n"))
	b := changed(w.state, "b+root")
	answer = `[{"method":"robot.notify","id":"0","params":{"capabilities":["blip_submitted",{"name":"DOCUMENT_CHANGED","context":"ROOT,SELF","filter":"teh"}]}},
		{"method":"document.modify","id":"1","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","blipId":"b+root",
		"modifyQuery":{"textMatch":"teh"},"modifyAction":{"modifyHow":"REPLACE","values":["the"]}}}]`
	a, err := o.Receive(t.Context(), b)
	if err != nil || heard != nil || len(a.Failures) > 0 || asked["robotAddress"] != string(spell) {
		t.Fatalf("answer %+v, error %v, heard %v", a, err, heard)
	}
	if s := after(t, w.state, Outcome{Answer: a}); s.Text() != "the cat\n" {
		t.Errorf("text is %q", s.Text())
	}
	if len(announced.Wants) != 2 || announced.Dialect() != events.V022 || announced.Wants[0].Event != events.BlipSubmitted || announced.Wants[1].Filters[0] != "teh" {
		t.Errorf("announced %+v", announced)
	}
	caps = announced
	caps.Wants = caps.Wants[:1]
	asked = nil
	if a, err := o.Receive(t.Context(), b); err != nil || asked != nil || len(a.Deltas) > 0 || o.Wants(b) {
		t.Errorf("it is sent what it did not ask for: %v %v %v", asked, a, err)
	}
	caps = Unannounced()
	b.Events[0].Type = events.BlipSubmitted
	answer = "thank you"
	if a, err := o.Receive(t.Context(), b); err != nil || len(a.Failures) != 1 {
		t.Errorf("no list of operations: %+v, %v", a, err)
	}
	o.Limit(policies.Delivery{MaxBody: 10})
	answer = "[              ]"
	if a, err := o.Receive(t.Context(), b); err != nil || len(a.Failures) != 1 || !strings.Contains(a.Failures[0].Message, "more than 10 bytes") {
		t.Errorf("a long answer: %+v, %v", a, err)
	}
	failure = fmt.Errorf("%w: it is asleep", ErrUnreachable)
	if _, err := o.Receive(t.Context(), b); err == nil || heard == nil || !strings.Contains(err.Error(), "asleep") {
		t.Errorf("unreachable: %v, heard %v", err, heard)
	}
}

// TestBadAnnouncements sends capabilities that are none: the operation fails and
// nothing is taken over.
func TestBadAnnouncements(t *testing.T) {
	for _, bad := range []string{
		`{}`, `"BLIP_SUBMITTED"`, `[1]`, `[{"context":"ALL"}]`, `[{"name":["a"]}]`,
		`[{"name":"BLIP_SUBMITTED","filter":"` + strings.Repeat("x", maxFilter+1) + `"}]`,
		`[` + strings.TrimSuffix(strings.Repeat(`"BLIP_SUBMITTED",`, maxWants+1), ",") + `]`,
	} {
		ops, err := Decode([]byte(`[{"method":"robot.notify","id":"0","params":{"capabilities":` + bad + `}}]`))
		if err != nil {
			t.Fatal(err)
		}
		out := Call{Robot: spell}.Apply(t.Context(), ops)
		if NoticeOf(ops).Capabilities != nil || out.Results[0].Failure == nil {
			t.Errorf("%.60s: taken as %+v, result %+v", bad, NoticeOf(ops), out.Results[0])
		}
	}
	ops, _ := Decode([]byte(`[{"method":"robot.notify","id":"0","params":{"capabilities":["NO_SUCH_EVENT"]}}]`))
	if c := NoticeOf(ops).Capabilities; c == nil || len(c.Wants) != 0 {
		t.Errorf("events that nobody knows: %+v", c)
	}
}
