package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"testing"
	"time"
)

// TestStormLive lets a storm of a few loose on a server, each in a process of
// its own, and wants all figures of it. How fast things are is not its business.
func TestStormLive(t *testing.T) {
	program, err := exec.LookPath("weir") // this test, under the command's name
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := benchStormCmd{benchFlags: benchFlags{JSON: true}, Clients: 40, Capacity: 1000, Rude: true}
	err = c.live(t.Context(), streams{&out, t.Output()}, program, time.Second)
	if o, ok := errors.AsType[*outcome](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		t.Log(o)
	}
	var r benchmark
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	for _, f := range r.Figures {
		switch {
		case f.Value <= 0:
			t.Errorf("%s: %v", f.Name, f.Value)
		case f.Name == "attempts per client" && f.Value < 1, f.Name == "last first knock" && f.Value < 0.5:
			t.Errorf("%s: %v, so not everybody came", f.Name, f.Value)
		}
	}
	if len(r.Figures) != 7 {
		t.Errorf("%d figures", len(r.Figures))
	}
}
