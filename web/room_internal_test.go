package web

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"weir/wavelet"
	"weir/wavelet/presence"
)

// TestPresenceFrames pins the form of what is told.
func TestPresenceFrames(t *testing.T) {
	name := wavelet.Name{Wave: "example.com!w+a", Wavelet: "example.com!conv+root"}
	ann := presence.Person{Session: "s1", User: "ann@example.com", Since: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	bob := ann
	bob.Session, bob.User = "s2", "bob@example.com"
	bob.Cursor = &presence.Cursor{Cursor: wavelet.Cursor{Blip: "b+1", Anchor: 3}, Version: 41}
	two := presence.Stats{Connections: 2, Users: 2}
	crowd := presence.Stats{Connections: 1042, Users: 977, Many: true}
	everybody := []presence.Person{ann, bob}
	frames := []string{
		string(encode(presenceOK(everybody, two))),
		string(encode(presenceOK(nil, presence.Stats{}))),
		string(encode(presenceOK(everybody[:1], crowd))),
		string(encode(presenceOK(nil, crowd).PresenceStats)),
		string(wholeFrame(name, presenceOK(everybody, two))),
		string(wholeFrame(name, presenceOK(everybody, crowd))),
		string(wholeFrame(name, presenceOK(nil, presence.Stats{}))),
		string(newsFrame(name, presence.Changes{Joined: everybody, Stats: two})),
		string(newsFrame(name, presence.Changes{Left: []string{"s3"}, Moved: []presence.Person{{Session: "s1"}, bob}, Stats: two})),
		string(newsFrame(name, presence.Changes{Stats: crowd})),
	}
	want, err := os.ReadFile("testdata/presence.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(frames, "\n") + "\n"; got != string(want) {
		t.Errorf("the frames are\n%swant\n%s", got, want)
	}
	for _, frame := range frames {
		if !json.Valid([]byte(frame)) {
			t.Errorf("no JSON: %s", frame)
		}
	}
}
