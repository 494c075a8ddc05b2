package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"weir/events"
	"weir/gateway"
	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

// reads is a robot that is not called: it asks.
type reads struct{ robotFunc }

func (reads) Wants(events.Bundle) bool { return false }

// askers registers robots that are not called.
func (r *rig) askers(profile string, robots ...wavelet.Participant) {
	for _, id := range robots {
		r.register(id, profile, nil)
		e := r.roster.entries[id]
		e.robot = reads{}
		r.roster.entries[id] = e
	}
}

// says has a robot write a message of its own.
func (r *rig) says(id wavelet.Participant, token, text string) (gateway.Receipt, error) {
	return r.gateway.Submit(context.Background(), gateway.Submission{Robot: id, Via: gateway.ViaMCP, Token: token, Delta: events.AnswerDelta{
		Wavelet: main, Author: id, Base: r.state().Version(),
		Ops: []wavelet.Op{wavelet.CreateBlip{Blip: wavelet.NewBlipID(), Content: richtext.Delta(nil).Insert(text+"\n", none)}},
	}})
}

// talker reads every while, and answers whatever others have written since it
// read before. It ends with the refusal.
func (r *rig) talker(id wavelet.Participant, every time.Duration, named bool, until time.Time) error {
	seat := wavelet.Seat{Wavelet: main, Robot: id}
	seen := wavelet.Version(0)
	for n := 0; time.Now().Before(until); time.Sleep(every) {
		if err := r.gateway.Admit(context.Background(), id, false); err != nil {
			return err
		}
		reading, err := r.gateway.Read(context.Background(), seat)
		if err != nil {
			return err
		}
		news := false
		for b := range reading.State.Blips() {
			news = news || b.Version > seen && b.Creator != id
		}
		if seen = max(seen, reading.State.Version()); !news {
			continue
		}
		token := ""
		if named {
			token = r.gateway.Answering(seat)
		}
		n++
		if _, err := r.says(id, token, fmt.Sprintf("Thank you, %d.", n)); err != nil {
			return err
		}
	}
	return nil
}

// talk lets two robots that read thank each other, and gives how each ended.
func talk(r *rig, named bool, d time.Duration) (ends [2]error) {
	until := time.Now().Add(d)
	var wg sync.WaitGroup
	for i, id := range []wavelet.Participant{echoA, echoB} {
		wg.Go(func() { ends[i] = r.talker(id, time.Duration(900+150*i)*time.Millisecond, named, until) })
	}
	wg.Wait()
	return ends
}

func TestReadersThatThankEachOtherAreALoop(t *testing.T) {
	for _, named := range []bool{true, false} {
		t.Run(map[bool]string{true: "named", false: "unnamed"}[named], func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.askers("default", echoA, echoB)
				r.start()
				defer r.stop()
				r.create(echoA, echoB)
				pause(time.Second)
				r.types(ann, "Thank each other. ")
				ends := talk(r, named, 3*time.Minute)
				pause(time.Second)
				out := r.happened(gateway.Evicted)
				if len(out) != 1 {
					t.Fatalf("%d robots evicted, want one of the pair; they ended with %v", len(out), ends)
				}
				for _, h := range r.happened(gateway.Warned) {
					if h.At.Before(out[0].At.Add(-3 * time.Second)) {
						return
					}
				}
				t.Error("nobody was warned in time")
			})
		})
	}
}

func TestReadingsNameWhatTheyTold(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.askers("default", echoA, echoB)
		r.start()
		defer r.stop()
		r.create(echoA, echoB)
		a, b := wavelet.Seat{Wavelet: main, Robot: echoA}, wavelet.Seat{Wavelet: main, Robot: echoB}
		if got := r.gateway.Answering(a); got != "" {
			t.Errorf("a token before anything was read: %q", got)
		}
		r.types(ann, "hello ")
		if in, err := r.gateway.Read(t.Context(), a); err != nil || !in.News {
			t.Fatal(in, err)
		}
		if in, err := r.gateway.Read(t.Context(), a); err != nil || in.News {
			t.Fatal("news twice:", in, err)
		}
		first, err := r.says(echoA, r.gateway.Answering(a), "Hello, ann.")
		if c := first.Commit.Delta.Cause; err != nil || first.Forged || c.Depth != 1 || c.Exact != 1 || c.Kind != wavelet.Robot || c.Parent != ann {
			t.Errorf("an answer to a person: %+v, forged %v, %v", c, first.Forged, err)
		}
		r.types(bob, "and from me ")
		if _, err := r.gateway.Read(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		second, err := r.says(echoB, r.gateway.Answering(b), "Hello, echo-a.")
		if c := second.Commit.Delta.Cause; err != nil || c.Depth != 2 || c.Exact != 2 || c.Parent != echoA {
			t.Errorf("what robots wrote comes first: %+v, %v", c, err)
		}
		third, err := r.says(echoB, r.gateway.Answering(b, events.HumanLane), "Hello, bob.")
		if c := third.Commit.Delta.Cause; err != nil || c.Depth != 1 || c.Parent != bob {
			t.Errorf("an answer to the other person: %+v, %v", c, err)
		}
		if st := r.stats(echoB); st.HumanBundles != 1 || st.RobotBundles != 1 {
			t.Errorf("%d of people, %d of robots", st.HumanBundles, st.RobotBundles)
		}
		again, err := r.gateway.Read(t.Context(), b)
		if err != nil || again.News {
			t.Errorf("one's own words are news: %+v, %v", again, err)
		}
	})
}

func TestReadingsAreRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.askers("default", echoA, echoB)
		r.start()
		defer r.stop()
		r.create(echoA)
		for what, x := range map[string]struct {
			seat wavelet.Seat
			code wavelet.Code
		}{
			"not there":  {wavelet.Seat{Wavelet: main, Robot: echoB}, wavelet.CodeNotParticipant},
			"no wavelet": {wavelet.Seat{Wavelet: wavelet.Name{Wave: "example.com!w+no", Wavelet: main.Wavelet}, Robot: echoA}, wavelet.CodeNotFound},
		} {
			_, err := r.gateway.Read(t.Context(), x.seat)
			if refused, ok := errors.AsType[*wavelet.Refusal](err); !ok || refused.Code != x.code {
				t.Errorf("%s: %v, want %s", what, err, x.code)
			}
		}
	})
}

func TestWhatRobotsWriteIsHeldBackFromAReader(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.askers("default", echoA, echoB)
		p, _ := policies.Builtin().Profile("default")
		p.Pace.MinInterval = 20 * time.Second
		r.roster.entries[echoA] = entry{robot: reads{}, profile: p}
		r.start()
		defer r.stop()
		r.create(echoA, echoB)
		pause(time.Second)
		a := wavelet.Seat{Wavelet: main, Robot: echoA}
		if _, err := r.gateway.Read(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		before := r.state().Version()
		if _, err := r.says(echoB, "", "Are you there?"); err != nil {
			t.Fatal(err)
		}
		in, err := r.gateway.Read(t.Context(), a)
		if err != nil || in.Held < 15*time.Second || in.News || in.State.Version() != before {
			t.Fatalf("held %s, news %v, version %d, want %d; %v", in.Held, in.News, in.State.Version(), before, err)
		}
		pause(in.Held)
		if in, err = r.gateway.Read(t.Context(), a); err != nil || in.Held != 0 || !in.News || in.State.Version() != r.state().Version() {
			t.Fatalf("afterwards: held %s, news %v, version %d; %v", in.Held, in.News, in.State.Version(), err)
		}
	})
}
