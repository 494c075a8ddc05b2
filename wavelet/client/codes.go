package client

import "fmt"

// Error is a refusal of the server. Code is for programs and never changes its
// meaning; Reason is the same in a word; Field names what was wrong, Remedy
// says what to do about it. An Error with Temporary set may go away by itself:
// the same request may be sent again after RetryAfterMS.
type Error struct {
	Code         int    `json:"code"`
	Reason       string `json:"reason"`
	Message      string `json:"message"`
	Field        string `json:"field,omitzero"`
	Remedy       string `json:"remedy,omitzero"`
	Temporary    bool   `json:"temporary,omitzero"`
	Scope        string `json:"scope,omitzero"` // whose limit it was: connection, user, address, cluster (the user on all nodes), robot, wavelet, server
	RetryAfterMS int64  `json:"retry_after_ms,omitzero"`
}

// Error is the message with its code, and with the field if it names one.
func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s (%d, %s)", e.Message, e.Code, e.Field)
	}
	return fmt.Sprintf("%s (%d)", e.Message, e.Code)
}

// Error codes, by hundreds: 1 limits and load, 2 authorization, 3 the
// document, 4 malformed requests.
const (
	CodeInternal     = 100 // the server's own fault
	CodeTooMany      = 111 // too many requests
	CodeOverloaded   = 112 // the server is busy or going down
	CodeStorageFull  = 113 // no room to store an edit; reading goes on
	CodeCooldown     = 114 // a robot may not be let in again yet, or only with an override
	CodeEvicted      = 115 // the robot was put out of the wavelet
	CodeLimit        = 116 // a limit of the document: size, blips, ops
	CodeUnauthorized = 200 // no login, or one that is not valid
	CodeExpired      = 201 // the login has expired
	CodeForbidden    = 203 // the role does not allow it
	CodeNotAPerson   = 204 // a robot's address cannot log in as a person

	CodeBaseUnknown    = 300
	CodePastHead       = 301 // a version the wavelet has not reached
	CodeNotParticipant = 302
	CodeBlipDeleted    = 303
	CodeResync         = 304 // too far behind: take a snapshot
	CodeUnknownBlip    = 305
	CodeDuplicate      = 306 // an id that is taken
	CodeUnknownWavelet = 307
	CodeBadDelta       = 308 // the delta does not fit the document
	CodeUnknownRobot   = 309
	CodeExists         = 310
	CodeUnknownLink    = 311

	CodeMalformed      = 400 // not JSON, or not an object
	CodeUnknownOp      = 401
	CodeMissingField   = 402
	CodeBadField       = 403
	CodeUnknownField   = 404
	CodeUnknownMethod  = 405
	CodeBadProtocol    = 406 // a protocol version the server does not speak
	CodeNotConnected   = 407 // connect must be the first frame, and only the first
	CodeNotSubscribed  = 408
	CodeSubscribed     = 409 // subscribed already
	CodeUnsupportedFmt = 410 // an export format that does not exist
)

// Close codes of the socket beside those of RFC 6455. After 4000-4499 a client
// comes back, after 4500-4999 it stays away.
const (
	CloseLoginExpired = 4401 // come back with a new login token
	CloseHandshake    = 4408 // no connect frame in time
	CloseEnded        = 4410 // an operator closed it; come back if need be
	CloseSlow         = 4413 // the client did not read what it was sent
	CloseUnfinished   = 4414 // a message was begun and not finished in time
	CloseBusy         = 4429 // the reason is retry_after_ms=N
	CloseBlocked      = 4503
	CloseProtocol     = 4506 // the first frame was not a connect this server understands
	CloseErrors       = 4529 // too many errors
)

// StayAway reports whether a close code tells the client not to come back.
func StayAway(code int) bool { return code >= 4500 && code < 5000 }
