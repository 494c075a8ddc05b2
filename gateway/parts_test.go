package gateway_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/governor"
	"weir/wavelet"
)

// after answers bundles that hold something by one participant.
func after(who wavelet.Participant, takes time.Duration) robotFunc {
	n := 0
	return func(ctx context.Context, b events.Bundle) (events.Answer, error) {
		if !slices.ContainsFunc(b.Events, func(e events.Event) bool { return slices.Contains(e.Contributors, who) }) {
			return events.Answer{}, nil
		}
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return events.Answer{}, context.Cause(ctx)
		}
		n++
		return appends(b, fmt.Sprintf("%s %d", b.Seat.Robot, n)), nil
	}
}

// The middle robot of a pipeline under a steady typist is sent the first one's
// and the last one's lines together. It answers the first.
func TestPipelineUnderATypistIsNoLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.register(echoA, "default", after(ann, 300*time.Millisecond))
		r.register(echoB, "default", after(echoA, 400*time.Millisecond))
		r.register(spell, "default", after(echoB, 500*time.Millisecond))
		r.start()
		defer r.stop()
		r.create(echoA, echoB, spell)
		for range 240 {
			pause(1500 * time.Millisecond)
			r.types(ann, "x")
		}
		for _, id := range []wavelet.Participant{echoA, echoB, spell} {
			if st := r.stats(id); st.Banned != 0 || st.Answered < 100 {
				t.Errorf("%s was put out, or did not serve: %+v", id, st)
			}
		}
		together := slices.ContainsFunc(r.happened(gateway.Sent), func(h gateway.Happening) bool {
			return h.Seat.Robot == echoB && h.Lane == events.RobotLane && h.Deltas > 1
		})
		if !together {
			t.Error("the middle robot was never sent two robots' deltas together: this proves nothing")
		}
	})
}

func TestParts(t *testing.T) {
	part := func(author string, exact, depth int) wavelet.Commit {
		return wavelet.Commit{Delta: wavelet.Delta{Author: wavelet.Participant(author), Cause: wavelet.Cause{Exact: exact, Depth: depth}}}
	}
	shown := func(parts []governor.Part) string {
		var s []string
		for _, p := range parts {
			s = append(s, fmt.Sprintf("%s:%d/%d", p.Author, p.Cause.Exact, p.Cause.Depth))
		}
		return strings.Join(s, " ")
	}
	var many []wavelet.Commit
	for i := range 16 {
		many = append(many, part(fmt.Sprintf("r%d", i), 5+i, 20))
	}
	kept := "r1:6/20 r2:7/20 r3:8/20 r4:9/20 r5:10/20 r6:11/20 r7:12/20 r8:13/20 r9:14/20 r10:15/20 r11:16/20 r12:17/20 r13:18/20 r14:19/20 r15:20/20"
	tests := []struct {
		name string
		in   []wavelet.Commit
		want string
	}{
		{"none", nil, ""},
		{"each robot once", []wavelet.Commit{part("a", 1, 1), part("b", 2, 2), part("a", 3, 3)}, "a:3/3 b:2/2"},
		{"aliases are one robot", []wavelet.Commit{part("a+x@d", 1, 1), part("a+y@d", 2, 2), part("a@d", 1, 1), part("a2@d", 1, 1)}, "a+y@d:2/2 a2@d:1/1"},
		{"most exact before deepest", []wavelet.Commit{part("a", 3, 3), part("a", 2, 9)}, "a:3/3"},
		{"of these the least deep", []wavelet.Commit{part("a", 3, 9), part("a", 3, 4), part("a", 3, 7)}, "a:3/4"},
		{"the fewest exact make room", append(slices.Clone(many), part("new", 6, 6)), "new:6/6 " + kept},
		{"or are left out", append(slices.Clone(many), part("new", 5, 5)), "r0:5/20 " + kept},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var parts []governor.Part
			for _, c := range test.in {
				parts = gateway.AddPart(parts, c)
			}
			if got := shown(parts); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
