package kit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/robots/kit"
)

// door is a server's API that answers as it is told.
func door(t *testing.T, serve func(w http.ResponseWriter, r *http.Request, ops []kit.Operation)) kit.Options {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ops []kit.Operation
		if err := json.NewDecoder(r.Body).Decode(&ops); err != nil || r.URL.Path != "/robot/rpc" || r.Header.Get("Authorization") != "Bearer "+key {
			t.Errorf("call of %s as %q: %v", r.URL.Path, r.Header.Get("Authorization"), err)
		}
		serve(w, r, ops)
	}))
	t.Cleanup(s.Close)
	return kit.Options{Key: key, Unsigned: true, Server: s.URL}
}

func line(wavelet string) *kit.Reply {
	out := kit.NewReply("example.com!w+abc", wavelet)
	out.Append("a line")
	return out
}

// TestCallsSayWhatTheyAnswer looks at the token of calls in a handler, behind it,
// and of nobody's asking.
func TestCallsSayWhatTheyAnswer(t *testing.T) {
	tokens := make(chan string, 3)
	o := door(t, func(w http.ResponseWriter, r *http.Request, _ []kit.Operation) {
		tokens <- r.Header.Get("Weir-Bundle")
		fmt.Fprint(w, `[{"id":"op1","data":{"newBlipId":"b+new"}}]`)
	})
	var r *kit.Robot
	call := func(ctx context.Context) {
		if results, err := r.Call(ctx, line("x")); err != nil || len(results) != 1 || results[0].NewBlip() != "b+new" {
			t.Errorf("call: %v, %v", results, err)
		}
	}
	var later context.Context
	r = kit.NewWith(o, "kit", func(ctx context.Context, in *kit.Bundle, _ *kit.Reply) error {
		call(ctx)
		later = kit.Answering(t.Context(), in)
		return nil
	})
	if _, err := r.Answer(t.Context(), bundle(t, kit.Human, "ann@example.com")); err != nil {
		t.Fatal(err)
	}
	call(later)
	call(t.Context())
	for _, want := range []string{"token1", "token1", ""} {
		if got := <-tokens; got != want {
			t.Errorf("token %q, want %q", got, want)
		}
	}
}

// TestCallsAreHeldBack calls where that comes too near to a limit: none of them
// reaches the server.
func TestCallsAreHeldBack(t *testing.T) {
	var calls atomic.Int32
	o := door(t, func(w http.ResponseWriter, _ *http.Request, ops []kit.Operation) {
		calls.Add(1)
		switch ops[0].Params["waveletId"] {
		case "full":
			w.Header().Set("RateLimit-Policy", `"sustained2m";q=216;w=120, "limitsQuery";q=60;w=60`)
			w.Header().Set("RateLimit", `"sustained2m";r=43;t=90, "limitsQuery";r=0;t=60`)
		case "out":
			fmt.Fprint(w, `[{"id":"op1","error":{"code":403,"message":"evicted","data":{"code":"evicted","retryAfterMs":600000}}}]`)
			return
		case "flood":
			w.Header().Set("Retry-After", "77")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		fmt.Fprint(w, `[{"id":"op1","data":{}}]`)
	})
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	held := func(err error, limit string) {
		t.Helper()
		if h, ok := errors.AsType[*kit.Held](err); !ok || h.Limit != limit || len(h.Operations) != 1 || h.Error() == "" {
			t.Errorf("held back by %s: %v", limit, err)
		}
	}
	r := kit.NewWith(o, "kit", nil)
	if _, err := r.Call(soon(), line("out")); err == nil || err.Error() != "refused with 403: evicted" {
		t.Errorf("refused: %v", err)
	}
	_, err := r.Call(t.Context(), line("out"))
	held(err, "retryAfter")
	if _, err := r.Call(soon(), line("full")); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
	_, err = r.Call(soon(), line("other"))
	held(err, "sustained2m")
	ask := kit.NewReply("", "")
	ask.Add("robot.getLimits", nil)
	_, err = r.Call(soon(), ask)
	held(err, "limitsQuery")

	r = kit.NewWith(o, "kit", nil)
	if _, err := r.Call(soon(), line("flood")); !errors.As(err, new(*kit.Refusal)) {
		t.Errorf("too many: %v", err)
	}
	_, err = r.Call(soon(), line("other"))
	held(err, "retryAfter")
	if _, err := r.Limits(soon()); err != nil {
		t.Errorf("asking for limits while all else is refused: %v", err)
	}

	r = kit.NewWith(o, "kit", func(ctx context.Context, in *kit.Bundle, out *kit.Reply) error {
		_, err := r.Call(ctx, line("other"))
		held(err, "depth")
		return nil
	})
	if _, err := r.Answer(t.Context(), bundle(t, kit.Robots, "a@example.com", kit.Limit{Name: "depth", Max: 16, Used: 16})); err != nil {
		t.Fatal(err)
	}
	if n := calls.Load(); n != 4 {
		t.Errorf("%d calls reached the server, want 4", n)
	}

	o.Unlimited = true
	r = kit.NewWith(o, "kit", nil)
	for range 3 {
		_, _ = r.Call(soon(), line("flood"))
	}
	if n := calls.Load(); n != 7 {
		t.Errorf("without limits %d calls reached the server, want 7", n)
	}
}

// TestCallsComeOneByOne makes many at once.
func TestCallsComeOneByOne(t *testing.T) {
	var under, most atomic.Int32
	o := door(t, func(w http.ResponseWriter, _ *http.Request, _ []kit.Operation) {
		most.Store(max(most.Load(), under.Add(1)))
		defer under.Add(-1)
		fmt.Fprint(w, `[{"id":"op1","data":{}}]`)
	})
	r := kit.NewWith(o, "kit", nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := r.Call(t.Context(), line("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d calls at once", most.Load())
	}
}

// TestTheKeyGoesNowhereElse has a bundle name a server that nobody vouches for.
func TestTheKeyGoesNowhereElse(t *testing.T) {
	for _, o := range []kit.Options{{}, {Key: key}, {Key: key, Unsigned: true}} {
		r := kit.NewWith(o, "kit", nil)
		body := []byte(`{"rpcServerUrl":"http://127.0.0.1:1/robot/rpc"}`)
		if o.Key != "" && !o.Unsigned {
			body = []byte(`{}`)
		}
		if _, err := r.Answer(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Call(t.Context(), line("x")); !errors.Is(err, kit.ErrNoKey) && !errors.Is(err, kit.ErrNoServer) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestAsks reads a wave and the limits.
func TestAsks(t *testing.T) {
	o := door(t, func(w http.ResponseWriter, _ *http.Request, ops []kit.Operation) {
		if ops[0].Method == "robot.getLimits" {
			fmt.Fprint(w, `[{"id":"op1","data":{"robot":"kit@example.com","status":"warned","limits":[{"name":"pace","window":"500ms","max":1}]}}]`)
			return
		}
		fmt.Fprint(w, `[{"id":"op1","data":{"waveletData":{"title":"T","rootBlipId":"b+1"},"blips":{"b+1":{"blipId":"b+1","content":"\nT","parentBlipId":null}}}}]`)
	})
	r := kit.NewWith(o, "kit", nil)
	if w, err := r.Fetch(t.Context(), "example.com!w+abc", "example.com!conv+root"); err != nil || w.Blips[w.Wavelet.RootBlipID].Text() != "T" {
		t.Errorf("fetched %+v, %v", w, err)
	}
	if l, err := r.Limits(t.Context()); err != nil || l.Status != "warned" || time.Duration(l.Limits[0].Window) != 500*time.Millisecond {
		t.Errorf("limits %+v, %v", l, err)
	}
}

// TestARobotThatIsNotCalledFetches reads a wavelet, and writes in answer to what it
// was told by that: to people always, to robots until it has been long in a row.
func TestARobotThatIsNotCalledFetches(t *testing.T) {
	var tokens []string
	o := door(t, func(w http.ResponseWriter, r *http.Request, ops []kit.Operation) {
		if ops[0].Method == "robot.fetchWave" {
			fmt.Fprint(w, `[{"id":"op1","data":{"waveletData":{"version":7},"news":[{"lane":"human","token":"of people"},{"lane":"robot","token":"of robots"}],
				"heldMs":1500,"limits":{"robot":"kit@example.com","limits":[{"name":"depth","max":16,"used":14}]}}}]`)
			return
		}
		tokens = append(tokens, r.Header.Get("Weir-Bundle"))
		fmt.Fprint(w, `[{"id":"op1","data":{}}]`)
	})
	for _, unlimited := range []bool{false, true} {
		o.Unlimited = unlimited
		r := kit.NewWith(o, "kit", nil)
		w, err := r.Fetch(t.Context(), "example.com!w+abc", "x")
		if err != nil || w.HeldMS != 1500 {
			t.Fatalf("%+v, %v", w, err)
		}
		if _, err := r.Call(kit.Answering(t.Context(), w.Heard(kit.Human)), line("x")); err != nil {
			t.Error(err)
		}
		_, err = r.Call(kit.Answering(t.Context(), w.Heard(kit.Robots)), line("x"))
		if held, ok := errors.AsType[*kit.Held](err); ok == unlimited || ok && held.Limit != "depth" {
			t.Errorf("unlimited %t: answering robots ended with %v", unlimited, err)
		}
	}
	if !slices.Equal(tokens, []string{"of people", "of people", "of robots"}) {
		t.Errorf("tokens %q", tokens)
	}
	if in := (kit.Wave{}).Heard(kit.Human); in != nil {
		t.Errorf("heard %+v of nobody", in)
	}
}
