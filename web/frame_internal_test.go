package web

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/client"
)

// FuzzFrame holds the decoder to what it promises for any bytes: an answer or
// an error with a code of the malformed ones and a field, and no answer for
// what encoding/json itself does not take.
func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"op":"connect","protocol":1,"client":"c","resume":[{"wave":"w","wavelet":"x","version":3,"seq":1}]}`,
		`{"id":2,"op":"publish","wave":"example.com!w+a","wavelet":"example.com!conv+root","base":1,"seq":1,"ops":[{"tag":{"tag":"x"}}]}`,
		`{"id":3,"op":"history","wave":"w","wavelet":"x","from":0,"to":2,"time":"2026-01-02T03:04:05Z"}`,
		`{"id":4,"op":"rpc","method":"wavelet.list","params":{"query":"x"}}`,
		`{"id":5,"op":"ping"}`, `{"id":5,"op":"ping","op":"ping"}`, `{"id":1e3,"op":"ping"}`, `[]`, `{`, "\xff", `{"id":null,"op":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := decodeFrame(line)
		if err != nil {
			if err.Code < 400 || err.Code > 499 || err.Field == "" || err.Message == "" {
				t.Fatalf("%q: %+v", line, err)
			}
			return
		}
		if r.ID == 0 || r.Op == "" || !json.Valid(line) {
			t.Fatalf("%q was taken as %+v", line, r)
		}
		if len(r.Params) > 0 {
			_ = decodeParams(r.Params, &struct{ where }{})
		}
	})
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue()
	page := bytes.Repeat([]byte("x"), 10<<10)
	n := 0
	for q.put(page) {
		n++
	}
	if n != 26 { // the frame that passes 256 KiB is the last one taken
		t.Errorf("%d frames of 10 KiB were taken, want 26", n)
	}
	room := q.roomy()
	select {
	case <-room:
		t.Error("a full queue reports room")
	default:
	}
	for _, want := range []int{client.MaxJoinedFrames, 26 - client.MaxJoinedFrames, 0} {
		message := q.take()
		if got := len(bytes.FieldsFunc(message, func(r rune) bool { return r == '\n' })); got != want {
			t.Errorf("a message of %d frames, want %d", got, want)
		}
	}
	<-room
	if !q.put(page) {
		t.Error("an empty queue takes nothing")
	}
}

func TestFeedRemembersWithinItsBound(t *testing.T) {
	h := newHub(nil)
	name := wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"}
	commit := func(v wavelet.Version, data int) wavelet.Commit {
		return wavelet.Commit{Wavelet: name, Version: v, Delta: wavelet.Delta{
			ID: deltaID("c-1", uint64(v)), Author: "ann@example.com",
			Ops: []wavelet.Op{wavelet.SetData{Name: "d", Value: strings.Repeat("x", data)}},
		}}
	}
	h.Committed(commit(1, 1)) // nobody listens
	f := h.join(name)
	for v := wavelet.Version(2); v <= 5; v++ {
		h.Committed(commit(v, 1))
	}
	for from, want := range map[wavelet.Version]int{1: 4, 3: 2, 5: 0, 9: 0} {
		es, _, ok := f.after(from)
		if !ok || len(es) != want || want > 0 && es[0].version != from+1 {
			t.Errorf("after %d: %d entries, %v; want %d", from, len(es), ok, want)
		}
	}
	if _, _, ok := f.after(0); ok {
		t.Error("the feed claims to know version 1")
	}
	es, _, _ := f.after(4)
	if mine := string(es[0].frame("c-1")); !strings.HasSuffix(mine, `,"seq":5}`) || !json.Valid([]byte(mine)) {
		t.Errorf("the author's frame: %s", mine)
	}
	if theirs := string(es[0].frame("c-2")); strings.Contains(theirs, "seq") || !json.Valid([]byte(theirs)) {
		t.Errorf("another one's frame: %s", theirs)
	}
	for v := wavelet.Version(6); v <= 20; v++ {
		h.Committed(commit(v, 60<<10))
	}
	if es, _, ok := f.after(16); !ok || len(es) != 4 {
		t.Errorf("after 16: %d entries, %v; want the last 4", len(es), ok)
	}
	if _, _, ok := f.after(10); ok || f.bytes > feedBytes {
		t.Errorf("the feed holds %d bytes, its bound is %d", f.bytes, feedBytes)
	}
	h.leave(name, f)
	if len(h.feeds) != 0 {
		t.Error("a feed that nobody uses is kept")
	}
}
