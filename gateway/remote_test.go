package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/robots/wire"
	"weir/testbots"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/richtext"
)

const afar = wavelet.Participant("far@elsewhere.org")

// stranger is a robot on another server: it answers everything that somebody
// here writes, and its lines come in of unknown origin.
type stranger struct {
	r     *rig
	hears wavelet.Participant
	after time.Duration
	gone  chan struct{} // closed when the robot it hears is put out

	mu   sync.Mutex
	host *host.Host
	at   []time.Time // the commits of the robot it hears
	busy sync.WaitGroup
}

// joins has it hear what happens on a host.
func (s *stranger) joins(h *host.Host) {
	s.mu.Lock()
	s.host = h
	s.mu.Unlock()
	h.Observe(s)
}

// Committed answers a commit.
func (s *stranger) Committed(c wavelet.Commit) {
	if slices.Contains(c.Delta.Ops, wavelet.Op(wavelet.RemoveParticipant{Who: s.hears})) {
		close(s.gone)
	}
	if c.Delta.Author != s.hears {
		return
	}
	s.mu.Lock()
	s.at = append(s.at, c.At)
	home := s.host
	s.mu.Unlock()
	s.busy.Go(func() {
		select {
		case <-time.After(s.after):
		case <-s.r.t.Context().Done():
			return
		}
		head, err := home.Snapshot(context.Background(), main, gateway.Head)
		if err != nil {
			return // the server is down
		}
		_, _ = home.Submit(context.Background(), main, wavelet.Delta{Author: afar, Base: head.Version(), Cause: wavelet.Cause{ID: "far/" + string(c.Delta.ID), Kind: wavelet.Unknown},
			Ops: []wavelet.Op{wavelet.EditBlip{Blip: head.Root(), Delta: richtext.Delta(nil).Insert("from afar ", none)}}})
	})
}

func (s *stranger) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

// line is a listener whose connections stay in the process, and so in a bubble.
type line struct {
	calls chan net.Conn
	over  chan struct{}
}

func (l *line) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.calls <- far:
		return near, nil
	case <-l.over:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *line) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *line) Close() error {
	close(l.over)
	return nil
}

func (l *line) Addr() net.Addr { return &net.UnixAddr{Name: "line"} }

// TestRemotePartnerOverHTTP lets a robot that is reached by HTTP and one on
// another server answer each other.
func TestRemotePartnerOverHTTP(t *testing.T) { inBubble(t, remotePartnerOverHTTP) }

func remotePartnerOverHTTP(t *testing.T, r *rig) {
	bot, err := testbots.New("echo", testbots.Options{})
	if err != nil {
		t.Fatal(err)
	}
	to := &line{calls: make(chan net.Conn), over: make(chan struct{})}
	server := &http.Server{Handler: bot}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(to) })
	robot := wire.NewPassive(echoA, "http://robots.example.com", &http.Client{Transport: &http.Transport{DialContext: to.dial}}, wire.PassiveOptions{})
	defer func() { robot.Close(); _ = server.Close(); serving.Wait() }()
	r.register(echoA, "default", robot.Receive)
	far := &stranger{r: r, hears: echoA, after: 700 * time.Millisecond, gone: make(chan struct{})}
	r.joins = far.joins
	r.start()
	defer func() { far.busy.Wait(); r.stop() }()
	if _, err := r.host.Create(t.Context(), main, ann, afar, echoA); err != nil {
		t.Fatal(err)
	}
	select {
	case <-far.gone:
	case <-time.After(10 * time.Minute):
		t.Fatal("they go on")
	}
	pause(time.Second)
	var holds int
	for _, h := range r.happened(gateway.Decided) {
		if h.Decision.Action == "hold" && h.Decision.Rule == "remote" {
			holds++
		}
		if h.Decision.Action == "evict" && (h.Decision.Rule != "remote" || !slices.Equal(h.Decision.Evidence.Partners, []wavelet.Participant{afar})) {
			t.Errorf("evicted by %s for %v", h.Decision.Rule, h.Decision.Evidence.Partners)
		}
	}
	if notices := r.notices(); holds < 2 || len(notices) != 1 || !strings.Contains(notices[0].Doc.Text(), string(afar)) {
		t.Errorf("%d holds, %d notices", holds, len(notices))
	}
}

// An answer that is held is committed when the hold ends, once, though the
// server is killed in between; meanwhile others are served, and the robot is
// then convicted all the same.
func TestHeldAnswerSurvivesAKill(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		near := recorder{reply: echo(500 * time.Millisecond)}
		r.register(echoA, "default", near.receive)
		speller := recorder{}
		r.register(spell, "interactive", speller.receive)
		far := &stranger{r: r, hears: echoA, after: 700 * time.Millisecond, gone: make(chan struct{})}
		r.joins = far.joins
		r.start()
		if _, err := r.host.Create(t.Context(), main, ann, afar, spell, echoA); err != nil {
			t.Fatal(err)
		}
		var hold gateway.Happening
		for range 120 {
			pause(500 * time.Millisecond)
			for _, h := range r.happened(gateway.Decided) {
				if h.Decision.Action == "hold" {
					hold = h
				}
			}
			if hold.Decision != nil {
				break
			}
		}
		if hold.Decision == nil || hold.Seat.Robot != echoA {
			t.Fatal("nothing was held")
		}
		wrote, told, asked := len(far.times()), len(speller.all()), len(near.all())
		pause(3 * time.Second)
		r.types(ann, "meanwhile ")
		pause(2 * time.Second)
		if len(speller.all()) == told {
			t.Error("the speller waits for another's answer")
		}
		r.kv.dead.Store(true)
		r.stop()
		r.start()
		defer func() { r.stop() }()
		pause(18 * time.Second) // to 23 s of the hold
		if n := len(far.times()); n != wrote {
			t.Errorf("%d answers during the hold", n-wrote)
		}
		if n := len(near.all()); n != asked {
			t.Errorf("the robot was asked again %d times", n-asked)
		}
		pause(3 * time.Second)
		if at := far.times(); len(at) == wrote || at[wrote].Sub(hold.At) < 25*time.Second {
			t.Errorf("%d answers after the hold, want the first after 25 s", len(at)-wrote)
		}
		if n := strings.Count(r.state().Text(), fmt.Sprintf("echo %d\n", asked)); n != 1 {
			t.Errorf("what was held is there %d times", n)
		}
		pause(2 * time.Minute)
		evicted := r.happened(gateway.Evicted)
		if len(evicted) != 1 || evicted[0].Seat.Robot != echoA || evicted[0].Decision.Rule != "remote" || !strings.Contains(evicted[0].Notice, string(afar)) {
			t.Fatalf("evicted %+v", evicted)
		}
		last := near.all()[len(near.all())-1]
		if e := last.Events[len(last.Events)-1]; e.Type != events.WaveletSelfRemoved || e.Limit.Name != "remote" {
			t.Errorf("its last event is %+v", e)
		}
	})
}
