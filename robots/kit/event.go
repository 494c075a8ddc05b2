package kit

import "encoding/json"

// EventType is what an event is about.
type EventType string

// The types of events that a robot may ask for. That it was added it is always
// told.
const (
	WaveletSelfAdded           EventType = "WAVELET_SELF_ADDED"
	WaveletSelfRemoved         EventType = "WAVELET_SELF_REMOVED"
	WaveletParticipantsChanged EventType = "WAVELET_PARTICIPANTS_CHANGED"
	WaveletBlipCreated         EventType = "WAVELET_BLIP_CREATED"
	WaveletBlipRemoved         EventType = "WAVELET_BLIP_REMOVED"
	WaveletTitleChanged        EventType = "WAVELET_TITLE_CHANGED"
	WaveletTagsChanged         EventType = "WAVELET_TAGS_CHANGED"
	WaveletCreated             EventType = "WAVELET_CREATED"
	BlipSubmitted              EventType = "BLIP_SUBMITTED"
	BlipContributorsChanged    EventType = "BLIP_CONTRIBUTORS_CHANGED"
	DocumentChanged            EventType = "DOCUMENT_CHANGED"
	AnnotatedTextChanged       EventType = "ANNOTATED_TEXT_CHANGED"
	FormButtonClicked          EventType = "FORM_BUTTON_CLICKED"
	GadgetStateChanged         EventType = "GADGET_STATE_CHANGED"
	OperationError             EventType = "OPERATION_ERROR"
	RobotLimitWarning          EventType = "ROBOT_LIMIT_WARNING"
)

// Event is one thing that happened.
type Event struct {
	Type         EventType  `json:"type"`
	ModifiedBy   string     `json:"modifiedBy"`
	Contributors []string   `json:"contributors"` // all who wrote, if several did
	Timestamp    int64      `json:"timestamp"`    // milliseconds since 1970
	Properties   Properties `json:"properties"`
}

// Blip is the id of the blip that the event is about: the new one, or the one
// that was changed.
func (e Event) Blip() string {
	if e.Properties.NewBlipID != "" {
		return e.Properties.NewBlipID
	}
	return e.Properties.BlipID
}

// Properties are what an event says beyond its type, each beside the types that
// have it. The others are zero.
type Properties struct {
	BlipID        string            `json:"blipId"`              // all; the root blip if it is about none
	NewBlipID     string            `json:"newBlipId"`           // WaveletBlipCreated
	RemovedBlipID string            `json:"removedBlipId"`       // WaveletBlipRemoved
	Added         []string          `json:"participantsAdded"`   // WaveletParticipantsChanged
	Removed       []string          `json:"participantsRemoved"` // WaveletParticipantsChanged
	Joined        []string          `json:"contributorsAdded"`   // BlipContributorsChanged
	Title         string            `json:"title"`               // WaveletTitleChanged
	Name          string            `json:"name"`                // AnnotatedTextChanged
	Value         string            `json:"value"`               // AnnotatedTextChanged; "" if it was taken away
	Button        string            `json:"buttonName"`          // FormButtonClicked
	Index         int               `json:"index"`               // GadgetStateChanged
	OldState      map[string]string `json:"oldState"`            // GadgetStateChanged
	OperationID   string            `json:"operationId"`         // OperationError
	Message       string            `json:"message"`             // OperationError
	Code          int               `json:"code"`                // OperationError
	RetryAfterMS  int64             `json:"retryAfterMs"`        // OperationError
	Reason        string            `json:"reason"`              // WaveletSelfRemoved; "limit" after an eviction
	Limit         LimitName         `json:"limit"`               // RobotLimitWarning, OperationError, WaveletSelfRemoved
	Used          float64           `json:"used"`                // RobotLimitWarning
	Max           float64           `json:"max"`                 // RobotLimitWarning
}

// LimitName is the name of a limit, which stands by itself or in an object.
type LimitName string

// UnmarshalJSON reads a name, or an object's.
func (n *LimitName) UnmarshalJSON(raw []byte) error {
	var object struct{ Name string }
	if err := json.Unmarshal(raw, &object); err == nil {
		*n = LimitName(object.Name)
		return nil
	}
	return json.Unmarshal(raw, (*string)(n))
}
