package wire

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"weir/events"
	"weir/policies"
	"weir/wavelet"
	"weir/wavelet/client"
)

// Shown is a wavelet as a robot may see it that is told of nothing: to fetch it
// is to be told.
type Shown struct {
	State *wavelet.State
	Held  time.Duration // how long what robots wrote since is held back; 0: nothing is
	News  []News        // what it was told last, at most one of each lane
	// Limits is how the robot stands, as a bundle would tell it; nil: it is not told.
	Limits *policies.Limits
}

// News names what a robot has been told by fetching, as the bundle of a robot
// that is called names what that was told.
type News struct {
	Lane  string `json:"lane"`  // human or robot
	Token string `json:"token"` // for a call to show whom it answers
}

// fetchedWave is the data of robot.fetchWave. The last three are ours.
type fetchedWave struct {
	Message string                          `json:"message"`
	Wavelet waveletData                     `json:"waveletData"`
	Blips   map[wavelet.BlipID]blipView     `json:"blips"`
	Threads map[wavelet.ThreadID]threadView `json:"threads"`
	BlipID  wavelet.BlipID                  `json:"blipId"` // the root blip
	News    []News                          `json:"news,omitempty"`
	HeldMS  int64                           `json:"heldMs,omitzero"`
	Limits  *policies.Limits                `json:"limits,omitempty"`
}

// fetchWave describes a whole wavelet, as the operations before it leave it. If
// something is held back from the robot, it is the wavelet of before that.
func (a *application) fetchWave(d *draft, p params) (any, *events.OperationFailure) {
	shown, failure := a.shown(d)
	if failure != nil {
		return nil, failure
	}
	state := shown.State
	if shown.Held == 0 && len(d.ops) > 0 {
		state = d.state
	}
	var ids []wavelet.BlipID
	size := 0
	for b := range state.Blips() {
		ids = append(ids, b.ID)
		size += b.Doc.Len()
	}
	if failure := a.fetch(size); failure != nil {
		return nil, failure
	}
	v := newView(state, ids, a.Dialect)
	v.linkFiles(a.URL)
	return fetchedWave{p.Message.String(), v.wavelet(), v.blips, v.threads, state.Root(), shown.News, shown.Held.Milliseconds(), shown.Limits}, nil
}

// exportSnapshot gives a whole wavelet, as it is committed, in the form in which
// the live protocol sends it.
func (a *application) exportSnapshot(d *draft, _ params) (any, *events.OperationFailure) {
	shown, failure := a.shown(d)
	if failure != nil {
		return nil, failure
	}
	size := 0
	for _, b := range shown.State.Parts().Blips {
		size += b.Doc.Len()
	}
	if failure := a.fetch(size); failure != nil {
		return nil, failure
	}
	raw, err := json.Marshal(client.NewSnapshot(shown.State))
	if err != nil {
		return nil, trouble(ExportSnapshot)
	}
	return map[string]string{"rawSnapshot": string(raw)}, nil
}

// shown is the wavelet of a draft as it is committed, or what of it the robot may
// see.
func (a *application) shown(d *draft) (Shown, *events.OperationFailure) {
	name := d.base.Name()
	if a.Read == nil || a.fresh[name] {
		return Shown{State: d.base}, nil
	}
	s, err := a.Read(a.ctx, name)
	if r, ok := errors.AsType[*wavelet.Refusal](err); ok {
		return s, refused(r)
	}
	if err != nil {
		return s, fail(http.StatusServiceUnavailable, "the wavelet %s could not be read: %v", name, err)
	}
	return s, nil
}
