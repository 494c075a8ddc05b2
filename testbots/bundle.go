package testbots

import (
	"maps"
	"slices"
)

// Bundle is what the server posts: what happened in one wavelet since the last
// bundle, and the wavelet as it is now. Fields a bot has no use for are left
// out.
type Bundle struct {
	Events       []Event         `json:"events"`
	Wavelet      Wavelet         `json:"wavelet"`
	Blips        map[string]Blip `json:"blips"`
	RobotAddress string          `json:"robotAddress"`
	RPCServerURL string          `json:"rpcServerUrl"`
	Bundle       struct {
		Lane string `json:"lane"` // "robot" if robots' writing set it off, "human" otherwise
	} `json:"bundle"`
}

// Event is one thing that happened.
type Event struct {
	Type       string `json:"type"`
	ModifiedBy string `json:"modifiedBy"`
	Properties struct {
		BlipID    string `json:"blipId"`
		NewBlipID string `json:"newBlipId"`
	} `json:"properties"`
}

// Blip is the id of the blip that was written: the new one, or the changed one.
func (e Event) Blip() string {
	if e.Properties.NewBlipID != "" {
		return e.Properties.NewBlipID
	}
	return e.Properties.BlipID
}

// Wavelet names the wavelet and the blips of its root thread, in order.
type Wavelet struct {
	WaveID       string   `json:"waveId"`
	WaveletID    string   `json:"waveletId"`
	Participants []string `json:"participants"`
	RootThread   struct {
		BlipIDs []string `json:"blipIds"`
	} `json:"rootThread"`
}

// Blip is one message. Content begins with a newline; offsets into it count
// UTF-16 units.
type Blip struct {
	ID      string `json:"blipId"`
	Content string `json:"content"`
	Creator string `json:"creator"`
}

// Own is the bot's blip in the wavelet: the first one that it created.
func (b *Bundle) Own() (Blip, bool) {
	ids := slices.Concat(b.Wavelet.RootThread.BlipIDs, slices.Sorted(maps.Keys(b.Blips)))
	for _, id := range ids {
		if blip, ok := b.Blips[id]; ok && blip.Creator == b.RobotAddress {
			return blip, true
		}
	}
	return Blip{}, false
}

// Heard is the last event about a blip that is in the bundle, with that blip.
func (b *Bundle) Heard() (Event, Blip, bool) {
	for _, e := range slices.Backward(b.Events) {
		if blip, ok := b.Blips[e.Blip()]; ok && wrote(e) {
			return e, blip, true
		}
	}
	return Event{}, Blip{}, false
}

// Written is every blip that an event says was written, once, in order.
func (b *Bundle) Written() []Blip {
	var blips []Blip
	seen := map[string]bool{}
	for _, e := range b.Events {
		blip, ok := b.Blips[e.Blip()]
		if ok && wrote(e) && !seen[blip.ID] {
			seen[blip.ID] = true
			blips = append(blips, blip)
		}
	}
	return blips
}

// wrote reports whether e is about text.
func wrote(e Event) bool {
	return e.Type == "DOCUMENT_CHANGED" || e.Type == "WAVELET_BLIP_CREATED"
}
