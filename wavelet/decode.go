package wavelet

import (
	"bytes"
	"slices"
	"strings"

	"weir/wavelet/richtext"
)

// DecodeOps reads ops in the form of the client protocol:
//
//	[{"edit":{"blip":"b+1","ops":[...]}}, {"create":{"blip","thread","ops"}}, {"delete":{"blip"}},
//	 {"thread":{"id","parent"}}, {"add":{"who","role"}}, {"remove":{"who"}}, {"role":{"who","role"}},
//	 {"title":{"title"}}, {"tag":{"tag","remove"}}, {"data":{"name","value","remove"}}, {"click":{"blip","element"}}]
//
// It is as strict as richtext.Decode: unknown, repeated and missing keys are
// refused, so is text that is not well-formed, and more than MaxDelta bytes.
// What may be left out: thread (the root thread), the ops of create (an empty
// line), the role of add (full), remove (false), and value if remove is true.
// Whether the ops fit a wavelet is for State.Check to say. The error is a
// *Refusal that names the op, the field and the byte.
func DecodeOps(raw []byte) ([]Op, error) {
	if len(raw) > MaxDelta {
		return nil, refuse(CodeLimit, "ops", "send it in parts", "%d bytes of ops, at most %d are accepted", len(raw), MaxDelta)
	}
	d := opsDecoder{data: raw}
	ops, r := d.list()
	if r != nil {
		return nil, r
	}
	return ops, nil
}

// opsDecoder reads a list of ops. Everything in it that is not richtext is an
// object of strings and booleans.
type opsDecoder struct {
	data []byte
	pos  int
	op   int // index of the op being read
}

func (d *opsDecoder) list() ([]Op, *Refusal) {
	ops := []Op{}
	if r := d.expect('[', "ops"); r != nil {
		return nil, r
	}
	for d.op = 0; ; d.op++ {
		if d.op == 0 && d.peek() == ']' {
			break
		}
		if d.op == MaxOps {
			return nil, d.refuse(CodeLimit, "ops", "more than %d ops", MaxOps)
		}
		op, r := d.one()
		if r != nil {
			return nil, r
		}
		ops = append(ops, op)
		if d.peek() != ',' {
			break
		}
		d.pos++
	}
	if r := d.expect(']', "ops"); r != nil {
		return nil, r
	}
	if d.peek(); d.pos < len(d.data) {
		return nil, d.fail("ops", "something follows the end of the ops")
	}
	return ops, nil
}

// one reads {"kind":{...}}.
func (d *opsDecoder) one() (Op, *Refusal) {
	if r := d.expect('{', ""); r != nil {
		return nil, r
	}
	kind, r := d.text("the kind of op")
	if r != nil {
		return nil, r
	}
	if r := d.expect(':', kind); r != nil {
		return nil, r
	}
	op, r := d.body(kind)
	if r != nil {
		return nil, r
	}
	return op, d.expect('}', kind)
}

// body reads what an op of the kind holds.
func (d *opsDecoder) body(kind string) (Op, *Refusal) {
	switch kind {
	case "edit":
		m, r := d.members(kind, "blip", "ops")
		return EditBlip{BlipID(m.text["blip"]), m.ops}, r
	case "create":
		m, r := d.members(kind, "blip", "thread?", "ops?")
		return CreateBlip{BlipID(m.text["blip"]), ThreadID(m.text["thread"]), m.ops}, r
	case "delete":
		m, r := d.members(kind, "blip")
		return DeleteBlip{BlipID(m.text["blip"])}, r
	case "thread":
		m, r := d.members(kind, "id", "parent")
		return CreateThread{ThreadID(m.text["id"]), BlipID(m.text["parent"])}, r
	case "add":
		m, r := d.members(kind, "who", "role?")
		return AddParticipant{Participant(m.text["who"]), m.role}, r
	case "remove":
		m, r := d.members(kind, "who")
		return RemoveParticipant{Participant(m.text["who"])}, r
	case "role":
		m, r := d.members(kind, "who", "role")
		return SetRole{Participant(m.text["who"]), m.role}, r
	case "title":
		m, r := d.members(kind, "title")
		return SetTitle{m.text["title"]}, r
	case "tag":
		m, r := d.members(kind, "tag", "remove?")
		return SetTag{m.text["tag"], m.remove}, r
	case "data":
		m, r := d.members(kind, "name", "value?", "remove?")
		if _, has := m.text["value"]; r == nil && !has && !m.remove {
			r = d.fail("data.value", "the key is missing")
		}
		return SetData{m.text["name"], m.text["value"], m.remove}, r
	case "click":
		m, r := d.members(kind, "blip", "element")
		return ClickForm{BlipID(m.text["blip"]), m.text["element"]}, r
	}
	return nil, d.fail(kind, "there is no kind of op of this name")
}

// members are the members of an op's object. The key says what the value is:
// ops a delta, remove true or false, any other a string, of which role is one
// of a few words.
type members struct {
	text   map[string]string
	ops    richtext.Delta
	role   Role
	remove bool
}

// members reads an object with the given keys; those that end in "?" may be
// left out.
func (d *opsDecoder) members(kind string, keys ...string) (members, *Refusal) {
	m := members{text: make(map[string]string, len(keys))}
	seen := make(map[string]bool, len(keys))
	if r := d.expect('{', kind); r != nil {
		return m, r
	}
	for d.peek() != '}' || len(seen) > 0 {
		key, r := d.text(kind)
		if r != nil {
			return m, r
		}
		field := kind + "." + key
		switch {
		case !slices.Contains(keys, key) && !slices.Contains(keys, key+"?"):
			return m, d.fail(field, "unknown key")
		case seen[key]:
			return m, d.fail(field, "the key occurs twice")
		}
		seen[key] = true
		if r := d.expect(':', field); r != nil {
			return m, r
		}
		if r := d.member(&m, field, key); r != nil {
			return m, r
		}
		if d.peek() != ',' {
			break
		}
		d.pos++
	}
	if r := d.expect('}', kind); r != nil {
		return m, r
	}
	for _, key := range keys {
		if !seen[key] && !strings.HasSuffix(key, "?") {
			return m, d.fail(kind+"."+key, "the key is missing")
		}
	}
	return m, nil
}

// member reads the value of one key.
func (d *opsDecoder) member(m *members, field, key string) *Refusal {
	switch key {
	case "ops":
		return d.richtext(m, field)
	case "remove":
		for word, yes := range map[string]bool{"true": true, "false": false} {
			if d.peek(); bytes.HasPrefix(d.data[d.pos:], []byte(word)) {
				d.pos += len(word)
				m.remove = yes
				return nil
			}
		}
		return d.fail(field, "expected true or false")
	}
	text, r := d.text(field)
	if r != nil {
		return r
	}
	m.text[key] = text
	if key == "role" {
		var err error
		if m.role, err = ParseRole(text); err != nil {
			return d.fail(field, "%v", err)
		}
	}
	return nil
}
