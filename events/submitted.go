package events

import (
	"slices"
	"time"

	"weir/wavelet"
)

// Ending is the end of an edit session: somebody has left a blip that he wrote
// in, was idle, or said that he was done.
type Ending struct {
	Blip wavelet.BlipID      `json:"blip"`
	By   wavelet.Participant `json:"by"`
	At   time.Time           `json:"at"` // of the last edit
}

// Submitted is what there is to tell of edit sessions that have ended: one event
// for each blip that is still there, by whoever wrote in it last.
func Submitted(s *wavelet.State, ended []Ending) []Event {
	var evs []Event
	for _, e := range ended {
		if _, ok := living(s, e.Blip); !ok {
			continue
		}
		i := slices.IndexFunc(evs, func(x Event) bool { return x.Blip == e.Blip })
		if i < 0 {
			i = len(evs)
			evs = append(evs, Event{Type: BlipSubmitted, Blip: e.Blip})
		}
		x := &evs[i]
		if !slices.Contains(x.Contributors, e.By) {
			x.Contributors = append(x.Contributors, e.By)
		}
		if x.ModifiedBy == "" || e.At.After(x.At) {
			x.ModifiedBy, x.At = e.By, e.At
		}
	}
	return evs
}

// EndingID names the bundle that tells a seat in one lane of edit sessions that
// have ended, the last of them with version last.
func EndingID(seat wavelet.Seat, lane Lane, last wavelet.Version) string {
	return bundleID(seat, byte(lane)|endings, last)
}

// ReadingID names what a seat is told in one lane, of what happened after version
// from, when the robot asks for it.
func ReadingID(seat wavelet.Seat, lane Lane, from wavelet.Version) string {
	return bundleID(seat, byte(lane)|readings, from)
}

// What tells the ids of such bundles from those of others.
const (
	endings  = 0x80
	readings = 0x40
)
