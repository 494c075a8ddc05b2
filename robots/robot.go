package robots

import (
	"encoding/json"
	"fmt"
	"time"

	"weir/robots/wire"
	"weir/wavelet"
)

// Robot is what is known of a registered robot. It holds no secret.
type Robot struct {
	Address      wavelet.Participant `json:"address"`
	Callback     string              `json:"callback,omitzero"`  // base URL; "": it is not called, it only calls
	Transport    string              `json:"transport,omitzero"` // TransportNATS, or "": over HTTP
	Profile      string              `json:"profile"`            // "": the default one
	Suspended    bool                `json:"suspended"`
	Created      time.Time           `json:"created"`
	Capabilities *wire.Capabilities  `json:"capabilities,omitzero"` // nil until it was first asked
	About        *wire.Profile       `json:"about,omitzero"`        // how it wants to be shown; nil until it said so
	// Proxies is how those that it stands for are shown, as far as it said so.
	Proxies map[wavelet.Participant]wire.Profile `json:"proxies,omitzero"`
	// LastError is what went wrong when the robot was last called, "" if nothing
	// did. It is not stored.
	LastError   string    `json:"lastError,omitzero"`
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
	// Connections is how many stand, of either side's making. It is not stored.
	Connections int `json:"connections,omitzero"`
	// Unsigned says that no key is kept to sign and to check signatures with: the
	// robot was registered before keys were, and gets one by RotateKey. It is not
	// stored.
	Unsigned bool `json:"unsigned,omitzero"`
}

// Told reports whether bundles tell the robot what is written where it takes part.
// One that is not told fetches, and hears of it by that.
func (r Robot) Told() bool {
	called := r.Callback != "" || r.Transport != ""
	return called && (r.Capabilities == nil || r.Capabilities.Listens())
}

// TransportNATS is the transport of a robot that connects out, over NATS.
const TransportNATS = "nats"

// record is a robot as it is stored.
type record struct {
	Format int     `json:"format"`
	Robot  Robot   `json:"robot"`
	Key    keyHash `json:"key"`
	Secret string  `json:"secret,omitzero"` // the key, sealed about the address; "": only its hash is known
}

// recordFormat is the format of records written now.
const recordFormat = 1

func (r record) encode() ([]byte, error) {
	r.Format = recordFormat
	r.Robot.LastError, r.Robot.LastErrorAt, r.Robot.Connections, r.Robot.Unsigned = "", time.Time{}, 0, false
	return json.Marshal(r)
}

func decodeRecord(e Entry) (record, error) {
	var r record
	if err := json.Unmarshal(e.Value, &r); err != nil {
		return record{}, fmt.Errorf("record of robot %s: %w", e.Key, err)
	}
	if r.Format != recordFormat {
		return record{}, fmt.Errorf("record of robot %s: format %d is not known; it was written by a newer version", e.Key, r.Format)
	}
	return r, nil
}

// Codes of refusals that are given here, beside those of package wavelet.
const (
	CodeAddress      wavelet.Code = "bad_address"
	CodeDomain       wavelet.Code = "wrong_domain"
	CodeTaken        wavelet.Code = "address_taken"
	CodeProfile      wavelet.Code = "unknown_profile"
	CodeCallback     wavelet.Code = "bad_callback"
	CodeUnknownRobot wavelet.Code = "unknown_robot"
	CodeBadKey       wavelet.Code = "bad_key"
	CodeTransport    wavelet.Code = "bad_transport"
	CodeBlocked      wavelet.Code = "blocked"
	CodeConnections  wavelet.Code = "too_many_connections"
)

// refuse makes a refusal of a request about a robot.
func refuse(code wavelet.Code, field, remedy, format string, args ...any) *wavelet.Refusal {
	return &wavelet.Refusal{Code: code, Op: -1, Field: field, Remedy: remedy, Reason: fmt.Sprintf(format, args...)}
}

// unknown refuses what is about a robot that is not registered.
func unknown(id wavelet.Participant) error {
	return refuse(CodeUnknownRobot, "address", "register it first", "no robot is registered at %s", id)
}
