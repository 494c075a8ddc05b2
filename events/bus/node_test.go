package bus_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"weir/events/bus"
	"weir/web/client/nodetest"
)

// TestARobotInNodeMisbehaves runs the robot of testdata/node/thief.cjs beside one that
// behaves.
func TestARobotInNodeMisbehaves(t *testing.T) {
	nodetest.Needs(t, "testdata/node")
	r := newRig(t, bus.Options{Messages: 50})
	r.connect(other, echoing)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	thief := exec.CommandContext(ctx, "node", "testdata/node/thief.cjs", "nats://"+r.bus.Addr(), string(echo), "key echo", bus.Token(echo), bus.BundlesSubject(other))
	done := make(chan string, 1)
	go func() {
		out, err := thief.CombinedOutput()
		if err != nil {
			out = append(out, err.Error()...)
		}
		done <- string(out)
	}()
	for {
		select {
		case out := <-done:
			for _, want := range []string{"refused >", "refused weir.robots.*.bundles", "refused " + bus.BundlesSubject(other), "told flood", "closed"} {
				if !strings.Contains(out, want) {
					t.Errorf("Node did not print %q but\n%s", want, out)
				}
			}
			if strings.Contains(out, "heard") {
				t.Errorf("it heard others:\n%s", out)
			}
			return
		default:
			r.ask(other, "hello", "hello")
		}
	}
}
