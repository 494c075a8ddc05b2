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
		return EditBlip{BlipID(m.get("blip")), m.ops}, r
	case "create":
		m, r := d.members(kind, "blip", "thread?", "ops?")
		return CreateBlip{BlipID(m.get("blip")), ThreadID(m.get("thread")), m.ops}, r
	case "delete":
		m, r := d.members(kind, "blip")
		return DeleteBlip{BlipID(m.get("blip"))}, r
	case "thread":
		m, r := d.members(kind, "id", "parent")
		return CreateThread{ThreadID(m.get("id")), BlipID(m.get("parent"))}, r
	case "add":
		m, r := d.members(kind, "who", "role?")
		return AddParticipant{Participant(m.get("who")), m.role}, r
	case "remove":
		m, r := d.members(kind, "who")
		return RemoveParticipant{Participant(m.get("who"))}, r
	case "role":
		m, r := d.members(kind, "who", "role")
		return SetRole{Participant(m.get("who")), m.role}, r
	case "title":
		m, r := d.members(kind, "title")
		return SetTitle{m.get("title")}, r
	case "tag":
		m, r := d.members(kind, "tag", "remove?")
		return SetTag{m.get("tag"), m.remove}, r
	case "data":
		m, r := d.members(kind, "name", "value?", "remove?")
		if r == nil && !m.has("value") && !m.remove {
			r = d.fail("data.value", "the key is missing")
		}
		return SetData{m.get("name"), m.get("value"), m.remove}, r
	case "click":
		m, r := d.members(kind, "blip", "element")
		return ClickForm{BlipID(m.get("blip")), m.get("element")}, r
	}
	return nil, d.fail(kind, "there is no kind of op of this name")
}

// members are the members of an op's object. The key says what the value is:
// ops a delta, remove true or false, any other a string, of which role is one
// of a few words.
type members struct {
	keys   []string // those there may be, at most three; "?" behind one that may be left out
	seen   [3]bool
	text   [3]string
	ops    richtext.Delta
	role   Role
	remove bool
}

// index is the place of a key, -1 if there may be none such.
func (m *members) index(key string) int {
	return slices.IndexFunc(m.keys, func(k string) bool { return strings.TrimSuffix(k, "?") == key })
}

func (m *members) has(key string) bool   { return m.seen[m.index(key)] }
func (m *members) get(key string) string { return m.text[m.index(key)] }

// members reads an object with the given keys.
func (d *opsDecoder) members(kind string, keys ...string) (m members, r *Refusal) {
	m.keys = keys
	if r := d.expect('{', kind); r != nil {
		return m, r
	}
	for first := true; !first || d.peek() != '}'; first = false {
		if r := d.member(&m, kind); r != nil {
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
	for i, key := range keys {
		if !m.seen[i] && !strings.HasSuffix(key, "?") {
			return m, d.fail(kind+"."+key, "the key is missing")
		}
	}
	return m, nil
}

// member reads a key and its value.
func (d *opsDecoder) member(m *members, kind string) *Refusal {
	key, r := d.text(kind)
	if r != nil {
		return r
	}
	i, field := m.index(key), kind+"."+key
	switch {
	case i < 0:
		return d.fail(field, "unknown key")
	case m.seen[i]:
		return d.fail(field, "the key occurs twice")
	}
	m.seen[i] = true
	if r := d.expect(':', field); r != nil {
		return r
	}
	switch key {
	case "ops":
		return d.richtext(m, field)
	case "remove":
		return d.bool(&m.remove, field)
	}
	if m.text[i], r = d.text(field); r != nil {
		return r
	}
	if key == "role" {
		var err error
		if m.role, err = ParseRole(m.text[i]); err != nil {
			return d.fail(field, "%v", err)
		}
	}
	return nil
}

// bool reads true or false.
func (d *opsDecoder) bool(into *bool, field string) *Refusal {
	d.peek()
	for _, word := range [...]string{"false", "true"} {
		if bytes.HasPrefix(d.data[d.pos:], []byte(word)) {
			d.pos += len(word)
			*into = word == "true"
			return nil
		}
	}
	return d.fail(field, "expected true or false")
}
