package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"weir/wavelet"
	"weir/wavelet/client"
)

// maxID keeps ids exact in every JSON reader.
const maxID = 1<<53 - 1

// fieldsOf tells which fields an operation's frame needs and which it may
// have, beside id and op; ok is false for an operation that does not exist.
func fieldsOf(op string) (need, may []string, ok bool) {
	switch op {
	case client.OpConnect:
		return []string{"protocol"}, []string{"client", "resume"}, true
	case client.OpSubscribe:
		return []string{"wave", "wavelet"}, []string{"version", "seq", "link"}, true
	case client.OpUnsubscribe:
		return []string{"wave", "wavelet"}, nil, true
	case client.OpPublish:
		return []string{"wave", "wavelet", "base", "seq", "ops"}, nil, true
	case client.OpHistory:
		return []string{"wave", "wavelet"}, []string{"from", "to", "version", "time", "link"}, true
	case client.OpSubRefresh:
		return []string{"wave", "wavelet", "link"}, nil, true
	case client.OpPresence:
		return []string{"wave", "wavelet"}, []string{"watch"}, true
	case client.OpPresenceStats:
		return []string{"wave", "wavelet"}, nil, true
	case client.OpRPC:
		return []string{"method"}, []string{"params"}, true
	case client.OpRefresh:
		return []string{"token"}, nil, true
	case client.OpPing:
		return nil, nil, true
	}
	return nil, nil, false
}

// decodeFrame reads one frame of a client, strictly: exact field names, no
// field twice, none that the operation does not have. The id is returned even
// with an error, if it could be read.
func decodeFrame(line []byte) (client.Request, *client.Error) {
	var r client.Request
	fields, err := decodeFields(line)
	if err != nil {
		return r, malformed(err)
	}
	if raw, ok := fields["id"]; ok {
		id, err := strconv.ParseUint(string(raw), 10, 64)
		if err != nil || id == 0 || id > maxID {
			return r, badField("id", "want a whole number from 1 to 2^53-1")
		}
		r.ID = id
	}
	for _, name := range []string{"id", "op"} {
		if _, ok := fields[name]; !ok {
			return r, missing(name)
		}
	}
	if err := json.Unmarshal(fields["op"], &r.Op); err != nil {
		return r, badField("op", "want a string")
	}
	need, may, ok := fieldsOf(r.Op)
	if !ok {
		return r, refuse(client.CodeUnknownOp, "unknown_op", "op", fmt.Sprintf("no operation is called %q", r.Op), "see docs/protocol.md")
	}
	for _, name := range need {
		if _, ok := fields[name]; !ok {
			return r, missing(name)
		}
	}
	for name, raw := range fields {
		switch {
		case name == "id" || name == "op":
		case !slices.Contains(need, name) && !slices.Contains(may, name):
			return r, refuse(client.CodeUnknownField, "unknown_field", name, fmt.Sprintf("%s has no field %q", r.Op, name), "leave it out")
		default:
			if err := setField(&r, name, raw); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// decodeFields splits a JSON object into its fields. It refuses what
// encoding/json would let pass: fields given twice, bytes that are not UTF-8,
// anything after the object.
func decodeFields(line []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("want a JSON object")
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errors.New("want a JSON object")
		}
		if name == "" {
			return nil, errors.New("a field has no name")
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("field %q is given twice", name)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		fields[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return fields, nil
}

// setField reads one field of a request.
func setField(r *client.Request, name string, raw json.RawMessage) *client.Error {
	switch name {
	case "wave":
		return text(&r.Wave, name, raw)
	case "wavelet":
		return text(&r.Wavelet, name, raw)
	case "client":
		return text(&r.Client, name, raw)
	case "method":
		return text(&r.Method, name, raw)
	case "token":
		return text(&r.Token, name, raw)
	case "link":
		return text(&r.Link, name, raw)
	case "protocol":
		if err := json.Unmarshal(raw, &r.Protocol); err != nil || string(raw) == "null" {
			return badField(name, "want a whole number")
		}
	case "seq":
		seq, err := strconv.ParseUint(string(raw), 10, 64)
		if err != nil || seq > maxID {
			return badField(name, "want a whole number up to 2^53-1")
		}
		r.Seq = seq
	case "base":
		return version(&r.Base, name, raw)
	case "version":
		return version(&r.Version, name, raw)
	case "from":
		return version(&r.From, name, raw)
	case "to":
		return version(&r.To, name, raw)
	case "time":
		if err := json.Unmarshal(raw, &r.Time); err != nil || r.Time.IsZero() {
			return badField(name, "want a time like "+time.RFC3339)
		}
	case "watch":
		if err := json.Unmarshal(raw, &r.Watch); err != nil || r.Watch == nil {
			return badField(name, "want true or false")
		}
	case "resume":
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r.Resume); err != nil || string(raw) == "null" {
			return badField(name, "want a list of {wave, wavelet, version, seq, link}")
		}
	case "ops":
		r.Ops = raw
	case "params":
		r.Params = raw
	}
	return nil
}

func text(into *string, name string, raw json.RawMessage) *client.Error {
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, into) != nil {
		return badField(name, "want a string")
	}
	return nil
}

func version(into **wavelet.Version, name string, raw json.RawMessage) *client.Error {
	v, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || v > maxID {
		return badField(name, "want a whole number up to 2^53-1")
	}
	*into = new(wavelet.Version(v))
	return nil
}
