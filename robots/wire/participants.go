package wire

import (
	"net/http"

	"weir/events"
	"weir/wavelet"
)

// moved is the data of an operation on participants.
type moved struct {
	BlipID  wavelet.BlipID        `json:"blipId"` // the root blip
	Added   []wavelet.Participant `json:"participantsAdded"`
	Removed []wavelet.Participant `json:"participantsRemoved"`
}

// participant is the address that an operation names.
func participant(p params) (wavelet.Participant, *events.OperationFailure) {
	if p.ParticipantID.String() == "" {
		return "", missing("participantId")
	}
	who := wavelet.Participant(p.ParticipantID.String())
	if err := who.Check(); err != nil {
		return "", fail(http.StatusBadRequest, "participantId: %v", err)
	}
	return who, nil
}

// member is the participant that an operation names, who must be one already.
func (d *draft) member(p params) (wavelet.Participant, *events.OperationFailure) {
	who, failure := participant(p)
	if failure != nil {
		return "", failure
	}
	if _, ok := d.state.Role(who); !ok {
		return "", fail(http.StatusBadRequest, "%s is not a participant", who)
	}
	return who, nil
}

func (a *application) addParticipant(d *draft, p params) (any, *events.OperationFailure) {
	who, failure := participant(p)
	if failure != nil {
		return nil, failure
	}
	if _, ok := d.state.Role(who); ok {
		return nil, fail(http.StatusBadRequest, "%s is a participant already", who)
	}
	if failure := a.change(d, wavelet.AddParticipant{Who: who}); failure != nil {
		return nil, failure
	}
	return moved{d.state.Root(), []wavelet.Participant{who}, []wavelet.Participant{}}, nil
}

func (a *application) removeParticipant(d *draft, p params) (any, *events.OperationFailure) {
	who, failure := d.member(p)
	if failure != nil {
		return nil, failure
	}
	if failure := a.change(d, wavelet.RemoveParticipant{Who: who}); failure != nil {
		return nil, failure
	}
	return moved{d.state.Root(), []wavelet.Participant{}, []wavelet.Participant{who}}, nil
}

// modifyRole changes what a participant may do.
func (a *application) modifyRole(d *draft, p params) (any, *events.OperationFailure) {
	who, failure := d.member(p)
	if failure != nil {
		return nil, failure
	}
	role, ok := wavelet.Full, true
	switch p.Role.String() {
	case "FULL":
	case roleComment:
		role = wavelet.Comment
	case roleRead:
		role = wavelet.Read
	default:
		ok = false
	}
	if !ok {
		return nil, fail(http.StatusBadRequest, "participantRole %q is none of FULL, %s and %s", p.Role, roleComment, roleRead)
	}
	return nothing{}, a.change(d, wavelet.SetRole{Who: who, Role: role})
}

// modifyTag adds a tag, or removes it.
func (a *application) modifyTag(d *draft, p params) (any, *events.OperationFailure) {
	tag := p.Name.String()
	if tag == "" {
		return nil, missing("name")
	}
	how := p.ModifyHow.String()
	if how != "" && how != "add" && how != "remove" {
		return nil, fail(http.StatusBadRequest, "modifyHow %q is neither add nor remove", how)
	}
	return nothing{}, a.change(d, wavelet.SetTag{Tag: tag, Remove: how == "remove"})
}

// setDatadoc sets a data document, or removes it, or writes on behind what it
// holds.
func (a *application) setDatadoc(d *draft, p params, on bool) (any, *events.OperationFailure) {
	name := p.DatadocName.String()
	if name == "" {
		return nil, missing("datadocName")
	}
	value := p.DatadocValue.String()
	if on {
		if !p.DatadocValue.set {
			return nil, missing("datadocValue")
		}
		before, _ := d.state.Data(name)
		value = before + value
	}
	return nothing{}, a.change(d, wavelet.SetData{Name: name, Value: value, Remove: !p.DatadocValue.set})
}
