package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/events/bus"
	"weir/governor"
	"weir/policies"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var update = flag.Bool("update", false, "write the golden files")

// decided is a log of decisions in memory.
type decided struct {
	mu      sync.Mutex
	list    []governor.Decision
	told    uint64
	changed chan struct{}
}

func newDecided() *decided { return &decided{changed: make(chan struct{})} }

func (d *decided) add(n int, decision governor.Decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for range n {
		d.list = append(d.list, decision)
	}
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *decided) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *decided) After(number uint64) iter.Seq2[bus.Decision, error] {
	d.mu.Lock()
	list := slices.Clone(d.list)
	d.mu.Unlock()
	return func(yield func(bus.Decision, error) bool) {
		for i := int(number); i < len(list); i++ {
			if !yield(bus.Decision{Number: uint64(i + 1), Decision: list[i]}, nil) {
				return
			}
		}
	}
}

func (d *decided) Published() (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, nil
}

func (d *decided) Told(_ context.Context, number uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = number
	return nil
}

// eviction is a decision with something in every part of it.
func eviction() governor.Decision {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return governor.Decision{
		Time: at, Robot: echo, Wavelet: "example.com!w+abc/example.com!conv+root", Rule: "depth", Measured: 15, Limit: 15, Action: "evict",
		Evidence: governor.Evidence{
			Cause: "c1", Started: governor.Start{By: "ann@example.com", Wavelet: "example.com!w+abc/example.com!conv+root", At: at.Add(-8 * time.Second), Kind: "human"},
			Chain:     []governor.Link{{Robot: echo, Wavelet: "example.com!w+abc/example.com!conv+root", Answers: 8, Depth: 15}},
			Exchanges: []governor.Exchange{{From: other, To: echo, Count: 8}}, Depth: 15, Exact: 15, Answers: 15, Since: at.Add(-7 * time.Second),
			Duration: policies.Duration(7 * time.Second), Times: 1, Cooldown: at.Add(time.Hour),
		},
	}
}

// golden compares a message with a file of the package's testdata.
func golden(t *testing.T, name string, data []byte) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["at"] != nil {
		fields["at"] = "2026-03-01T12:00:00Z"
	}
	got, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestTheFeed has an operator follow what is decided and what happens to robots.
func TestTheFeed(t *testing.T) {
	log := newDecided()
	r := newRig(t, bus.Options{Decisions: log})
	c, err := nats.Connect("nats://"+r.bus.Addr(), nats.UserInfo("operator", adminToken), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wrong := denied(c)
	heard := make(chan *nats.Msg, 100)
	for _, subject := range []string{"weir.decisions.>", "weir.robots.>"} {
		if _, err := c.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	next := func(subject string) []byte {
		t.Helper()
		select {
		case msg := <-heard:
			if msg.Subject != subject {
				t.Errorf("heard %s at %s, want %s", msg.Data, msg.Subject, subject)
			}
			return msg.Data
		case <-time.After(patience):
			t.Fatalf("nothing comes at %s", subject)
			return nil
		}
	}
	log.add(1, eviction())
	golden(t, "decision-v1.json", next("weir.decisions.echo@example%2Ecom.evict"))
	robot := r.connect(echo, echoing)
	golden(t, "connected-v1.json", next("weir.robots.echo@example%2Ecom.connected"))
	r.ask(echo, "nobody else's business", "nobody else's business")
	rpc(t, robot, echo, "nor this")
	robot.Close()
	golden(t, "disconnected-v1.json", next("weir.robots.echo@example%2Ecom.disconnected"))
	r.note(func() { delete(r.keys, other) })
	r.bus.RobotChanged(other)
	golden(t, "removed-v1.json", next("weir.robots.other@example%2Ecom.removed"))
	if err := c.Publish("weir.robots.echo@example%2Ecom.rpc", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wrong:
	case <-time.After(patience):
		t.Error("an operator may call as a robot")
	}
}

// moving dials a server where it is now, whatever its URL says. It is nowhere while
// there is none.
type moving struct{ at atomic.Value }

func (m *moving) move(addr string) { m.at.Store(addr) }

func (m *moving) Dial(network, _ string) (net.Conn, error) {
	addr, _ := m.at.Load().(string)
	if addr == "" {
		return nil, errors.New("there is no server")
	}
	return net.DialTimeout(network, addr, patience)
}

// TestAnOutageLosesNothing stops another NATS server, decides on, and starts it
// again: a stream that keeps the feed has every decision, once and in order, and
// robots can be asked again.
func TestAnOutageLosesNothing(t *testing.T) {
	dir := t.TempDir()
	var to moving // its port may be another's by the time that it is started again
	start := func() *server.Server {
		t.Helper()
		s := another(t, &server.Options{Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir})
		to.move(s.Addr().String())
		return s
	}
	nc := start()
	url := nc.ClientURL()
	client, err := nats.Connect(url, nats.SetCustomDialer(&to), nats.Timeout(patience), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.CustomInboxPrefix(bus.InboxPrefix(echo)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	js, err := jetstream.New(client, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "decisions", Subjects: []string{"weir.decisions.>"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(bus.BundlesSubject(echo), echoing); err != nil {
		t.Fatal(err)
	}
	log := newDecided()
	r := newRig(t, bus.Options{URL: url, Access: []nats.Option{nats.SetCustomDialer(&to)}, Decisions: log, Reconnect: 20 * time.Millisecond})
	log.add(300, eviction())
	r.until("the first decisions are confirmed", func() bool { n, _ := log.Published(); return n == 300 })
	r.until("and kept", func() bool { info, err := stream.Info(t.Context()); return err == nil && info.State.Msgs == 300 })
	r.ask(echo, "before", "before")

	to.move("")
	nc.Shutdown()
	nc.WaitForShutdown()
	log.add(300, eviction())
	during, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := r.bus.Ask(during, echo, []byte("during")); !errors.Is(err, bus.ErrAway) {
		t.Error("a robot answers that cannot be reached, or is waited for:", err)
	}
	log.add(100, eviction())
	nc = start()
	defer nc.Shutdown()
	r.until("the rest is confirmed", func() bool { n, _ := log.Published(); return n == 700 })
	r.until("the robot can be asked", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answer, err := r.bus.Ask(ctx, echo, []byte("after"))
		return err == nil && string(answer) == "after"
	})
	if a := rpc(t, client, echo, "hello"); a.Status != 200 {
		t.Errorf("answered %+v", a)
	}
	consumer, err := js.OrderedConsumer(t.Context(), "decisions", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(700, jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []uint64
	for msg := range batch.Messages() {
		var d bus.DecisionMessage
		if err := json.Unmarshal(msg.Data(), &d); err != nil {
			t.Fatal(err)
		}
		if numbers = append(numbers, d.Number); int(d.Number) != len(numbers) {
			t.Fatalf("number %d comes as the %dth", d.Number, len(numbers))
		}
		if len(numbers) == 700 {
			break
		}
	}
	if len(numbers) != 700 {
		t.Errorf("%d decisions are kept", len(numbers))
	}
}
