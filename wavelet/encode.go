package wavelet

import (
	"encoding/json"
	"fmt"
)

// String is the role's word in the client protocol: full, comment or read.
func (r Role) String() string {
	switch r {
	case Full:
		return "full"
	case Comment:
		return "comment"
	case Read:
		return "read"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// ParseRole reads the word that String gives.
func ParseRole(s string) (Role, error) {
	for _, r := range [...]Role{Full, Comment, Read} {
		if s == r.String() {
			return r, nil
		}
	}
	return Read, fmt.Errorf("role %q: want full, comment or read", s)
}

// MarshalOps returns ops in the form of the client protocol, which DecodeOps
// reads: an array of objects with one key each, the kind of op. It fails for an
// op of a type that is not of this package.
func MarshalOps(ops []Op) ([]byte, error) {
	return AppendOps(make([]byte, 0, 64*len(ops)+2), ops)
}

// AppendOps appends what MarshalOps returns to dst.
func AppendOps(dst []byte, ops []Op) ([]byte, error) {
	dst = append(dst, '[')
	for i, op := range ops {
		if i > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendOp(dst, op); !ok {
			return nil, fmt.Errorf("marshal op %d: unknown type %T", i, op)
		}
	}
	return append(dst, ']'), nil
}

func appendOp(dst []byte, op Op) ([]byte, bool) {
	switch op := op.(type) {
	case EditBlip:
		dst = appendKey(append(dst, `{"edit":{"blip":`...), string(op.Blip), `,"ops":`)
		dst = op.Delta.AppendOps(dst)
	case CreateBlip:
		dst = appendKey(append(dst, `{"create":{"blip":`...), string(op.Blip), `,"thread":`)
		dst = appendKey(dst, string(op.Thread), `,"ops":`)
		dst = op.Content.AppendOps(dst)
	case DeleteBlip:
		dst = appendKey(append(dst, `{"delete":{"blip":`...), string(op.Blip), "")
	case CreateThread:
		dst = appendKey(append(dst, `{"thread":{"id":`...), string(op.Thread), `,"parent":`)
		dst = appendKey(dst, string(op.Parent), "")
	case AddParticipant:
		dst = appendKey(append(dst, `{"add":{"who":`...), string(op.Who), `,"role":`)
		dst = appendKey(dst, op.Role.String(), "")
	case RemoveParticipant:
		dst = appendKey(append(dst, `{"remove":{"who":`...), string(op.Who), "")
	case SetRole:
		dst = appendKey(append(dst, `{"role":{"who":`...), string(op.Who), `,"role":`)
		dst = appendKey(dst, op.Role.String(), "")
	case SetTitle:
		dst = appendKey(append(dst, `{"title":{"title":`...), op.Title, "")
	case SetTag:
		dst = appendKey(append(dst, `{"tag":{"tag":`...), op.Tag, remove(op.Remove))
	case SetData:
		dst = appendKey(append(dst, `{"data":{"name":`...), op.Name, "")
		if !op.Remove {
			dst = appendKey(append(dst, `,"value":`...), op.Value, "")
		}
		dst = append(dst, remove(op.Remove)...)
	case ClickForm:
		dst = appendKey(append(dst, `{"click":{"blip":`...), string(op.Blip), `,"element":`)
		dst = appendKey(dst, op.Element, "")
	default:
		return dst, false
	}
	return append(dst, "}}"...), true
}

// remove is the member that tells a removal.
func remove(yes bool) string {
	if yes {
		return `,"remove":true`
	}
	return ""
}

// appendKey appends a string value and what stands behind it.
func appendKey(dst []byte, value, behind string) []byte {
	quoted, err := json.Marshal(value)
	if err != nil {
		panic("wavelet: a string does not marshal: " + err.Error())
	}
	return append(append(dst, quoted...), behind...)
}
