package wire

import (
	"net/http"
	"strings"

	"weir/events"
	"weir/wavelet"
)

// maxCreated is how many waves one answer or request may create.
const maxCreated = 16

// newWaveletData is the wavelet that a robot wants. Its ids are temporary.
type newWaveletData struct {
	WaveID       scalar   `json:"waveId"`
	RootBlipID   scalar   `json:"rootBlipId"`
	Participants []scalar `json:"participants"`
}

// createdWavelet is the data of an operation that made a wavelet.
type createdWavelet struct {
	WaveID    string         `json:"waveId"`
	WaveletID string         `json:"waveletId"`
	BlipID    wavelet.BlipID `json:"blipId"` // the root blip
	Message   string         `json:"message"`
}

// createWavelet drafts a new wavelet with its author, the participants asked for
// and an empty root blip. What the author does to it later goes into the same
// delta.
func (a *application) createWavelet(p params) (any, *events.OperationFailure) {
	author, failure := a.author(p)
	if failure != nil {
		return nil, failure
	}
	if p.WaveletData == nil {
		return nil, missing("waveletData")
	}
	others, failure := participants(p.WaveletData.Participants)
	if failure != nil {
		return nil, failure
	}
	if len(a.fresh) == maxCreated {
		return nil, fail(http.StatusBadRequest, "more than %d new waves at once; create the others later", maxCreated)
	}
	name := a.NewName(len(a.fresh))
	d := newDraft(wavelet.NewState(name), author)
	if failure := a.change(d, wavelet.Opening(author, others...)...); failure != nil {
		return nil, failure
	}
	a.drafts = append(a.drafts, d)
	a.states[name], a.fresh[name] = d.base, true
	root := d.state.Root()
	if id := wavelet.NormalID(p.WaveletData.WaveID.String()); temporaryWave(id) {
		a.waves[id] = name
	}
	if id := p.WaveletData.RootBlipID.String(); strings.HasPrefix(id, "TBD_") {
		a.temporary[id] = root
	}
	return createdWavelet{name.Wave, name.Wavelet, root, p.Message.String()}, nil
}

// temporaryWave reports whether a wave's id stands for a wave to be created.
func temporaryWave(id string) bool { return strings.Contains(id, "!TBD_") }

// participants reads a list of addresses, each of them once.
func participants(list []scalar) ([]wavelet.Participant, *events.OperationFailure) {
	var all []wavelet.Participant
	seen := map[wavelet.Participant]bool{}
	for _, address := range list {
		who := wavelet.Participant(address.String())
		if err := who.Check(); err != nil {
			return nil, fail(http.StatusBadRequest, "participants: %v", err)
		}
		if !seen[who] {
			seen[who] = true
			all = append(all, who)
		}
	}
	return all, nil
}
