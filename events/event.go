package events

import (
	"time"

	"weir/wavelet"
)

// Type is the name of an event in the Wave robot protocol.
type Type string

// The event types of the protocol, and the one of weir's own, which is sent
// only to robots whose capabilities name it.
const (
	WaveletSelfAdded           Type = "WAVELET_SELF_ADDED"
	WaveletSelfRemoved         Type = "WAVELET_SELF_REMOVED"
	WaveletParticipantsChanged Type = "WAVELET_PARTICIPANTS_CHANGED"
	WaveletBlipCreated         Type = "WAVELET_BLIP_CREATED"
	WaveletBlipRemoved         Type = "WAVELET_BLIP_REMOVED"
	WaveletTitleChanged        Type = "WAVELET_TITLE_CHANGED"
	WaveletTagsChanged         Type = "WAVELET_TAGS_CHANGED"
	WaveletCreated             Type = "WAVELET_CREATED"
	WaveletFetched             Type = "WAVELET_FETCHED"
	BlipSubmitted              Type = "BLIP_SUBMITTED"
	BlipContributorsChanged    Type = "BLIP_CONTRIBUTORS_CHANGED"
	DocumentChanged            Type = "DOCUMENT_CHANGED"
	AnnotatedTextChanged       Type = "ANNOTATED_TEXT_CHANGED"
	FormButtonClicked          Type = "FORM_BUTTON_CLICKED"
	GadgetStateChanged         Type = "GADGET_STATE_CHANGED"
	OperationError             Type = "OPERATION_ERROR"
	RobotLimitWarning          Type = "ROBOT_LIMIT_WARNING"
)

// Event is one thing a robot is told. Which fields below Blip are set depends
// on Type; a collection that a type has is never nil for it.
type Event struct {
	Type         Type
	ModifiedBy   wavelet.Participant   // author of the last delta of this lane that changed something
	Contributors []wavelet.Participant // all authors of this lane in the window, in order of first change
	At           time.Time
	Blip         wavelet.BlipID // the blip it is about; the root blip for wavelet events

	Added, Removed       []wavelet.Participant // WaveletParticipantsChanged, BlipContributorsChanged
	NewBlip, RemovedBlip wavelet.BlipID        // WaveletBlipCreated, WaveletBlipRemoved
	Title                string                // WaveletTitleChanged
	Annotation           Annotation            // AnnotatedTextChanged
	Button               string                // FormButtonClicked: the element's name
	Element              string                // FormButtonClicked: the element's id
	Index                int                   // GadgetStateChanged: offset in the blip
	OldState             map[string]string     // GadgetStateChanged
	Failure              OperationFailure      // OperationError
	Reason               string                // WaveletSelfRemoved by an eviction: "limit"
	Limit                LimitNote             // RobotLimitWarning, WaveletSelfRemoved by an eviction
}

// Annotation is a key that changed on some text. Null means that it was
// removed; Value is then empty.
type Annotation struct {
	Name, Value string
	Null        bool
}

// OperationFailure tells a robot which of its operations was refused, and why.
type OperationFailure struct {
	ID      string // the operation's id, as the robot gave it
	Code    int    // 400, 403, 404, 429, 500
	Message string
	// Limit is the limit that it is about, and RetryAfter how long to wait, 0: that
	// does not help. Without a name it is about none.
	Limit      LimitNote
	RetryAfter time.Duration
}

// LimitNote is the limit that a warning or a removal is about.
type LimitNote struct {
	Name      string
	Used, Max float64
	Window    time.Duration
	ResetsAt  time.Time
}
