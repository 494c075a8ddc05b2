package wavelet

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/wavelet/richtext"
)

// CheckShape reports what is wrong with d whatever the wavelet is like: ids and
// addresses that cannot be, ops of unknown type, text that is not well-formed,
// embeds and link targets that are not allowed, and sizes over the limits. The
// error is a *Refusal that names the op.
func CheckShape(d Delta) error {
	if d.ID != "" && !validID(strings.ReplaceAll(string(d.ID), "/", "-")) {
		return refuse(CodeBadDelta, "id", "", "the delta id is at most %d bytes of visible ASCII", maxID)
	}
	if err := d.Author.Check(); err != nil {
		return refuse(CodeBadDelta, "author", "", "%v", err)
	}
	c := shape{}
	for i, op := range d.Ops {
		if r := c.op(op); r != nil {
			return r.at(i)
		}
		if c.ops++; c.ops > MaxOps || c.bytes > MaxDelta {
			return limit("", "send it in parts", "the delta has more than %d ops or %d bytes", MaxOps, MaxDelta).at(i)
		}
	}
	return nil
}

// Size is about how many bytes d takes up: those of its texts, names and values,
// and some for each op.
func (d Delta) Size() int {
	c := shape{}
	for _, op := range d.Ops {
		c.ops++
		if c.op(op) != nil {
			break
		}
	}
	return c.bytes + 32*c.ops
}

// shape adds up what a delta holds.
type shape struct{ ops, bytes int }

func (c *shape) op(op Op) *Refusal {
	switch op := op.(type) {
	case EditBlip:
		return first(checkID("edit.blip", string(op.Blip)), c.delta("edit", op.Delta))
	case CreateBlip:
		return first(checkID("create.blip", string(op.Blip)), c.delta("create", op.Content))
	case DeleteBlip:
		return checkID("delete.blip", string(op.Blip))
	case CreateThread:
		return first(checkID("thread.id", string(op.Thread)), checkID("thread.parent", string(op.Parent)))
	case AddParticipant:
		return first(checkAddress("add.who", op.Who), checkRole("add.role", op.Role))
	case RemoveParticipant:
		return checkAddress("remove.who", op.Who)
	case SetRole:
		return first(checkAddress("role.who", op.Who), checkRole("role.role", op.Role))
	case SetTitle:
		return c.line("title.title", op.Title, MaxTitle)
	case SetTag:
		if op.Tag == "" {
			return refuse(CodeBadDelta, "tag.tag", "", "a tag is not empty")
		}
		return c.line("tag.tag", op.Tag, MaxTag)
	case SetData:
		return first(checkID("data.name", op.Name), c.text("data.value", op.Value, MaxData))
	case ClickForm:
		return first(checkID("click.blip", string(op.Blip)), checkID("click.element", op.Element))
	}
	return refuse(CodeBadDelta, "", "", "unknown op %T", op)
}

// first returns the first refusal there is.
func first(rs ...*Refusal) *Refusal {
	for _, r := range rs {
		if r != nil {
			return r
		}
	}
	return nil
}

func checkID(field, id string) *Refusal {
	if !validID(id) {
		return refuse(CodeBadDelta, field, "", `an id is 1 to %d bytes of visible ASCII without " \ / < > &`, maxID)
	}
	return nil
}

func checkAddress(field string, p Participant) *Refusal {
	if err := p.Check(); err != nil {
		return refuse(CodeBadDelta, field, "", "%v", err)
	}
	return nil
}

func checkRole(field string, role Role) *Refusal {
	if role > Read {
		return refuse(CodeBadDelta, field, "use full, comment or read", "there is no %s", role)
	}
	return nil
}

// text checks text of at most the given bytes.
func (c *shape) text(field, text string, most int) *Refusal {
	c.bytes += len(text)
	switch {
	case len(text) > most:
		return limit(field, "shorten it", "%d bytes, at most %d are possible", len(text), most)
	case !utf8.ValidString(text):
		return refuse(CodeBadDelta, field, "", "the text is not well-formed UTF-8")
	}
	return nil
}

// line checks text that has to stand on one line.
func (c *shape) line(field, text string, most int) *Refusal {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return refuse(CodeBadDelta, field, "", "line breaks and control characters are not possible here")
	}
	return c.text(field, text, most)
}

// delta checks a richtext delta, also one that no decoder has seen.
func (c *shape) delta(field string, d richtext.Delta) *Refusal {
	limits, total := richtext.DefaultLimits(), 0
	for i, op := range d {
		c.ops++
		total += op.Len()
		at := field + ".ops"
		switch {
		case op.Len() <= 0 || total > 1<<31-1 || total < 0:
			return refuse(CodeBadDelta, at, "", "richtext op %d has an impossible length", i)
		case len(op.Text()) > limits.Text:
			return limit(at, "insert it in parts", "richtext op %d inserts %d bytes, at most %d are possible", i, len(op.Text()), limits.Text)
		case !utf8.ValidString(op.Text()):
			return refuse(CodeBadDelta, at, "", "richtext op %d inserts half of a surrogate pair", i)
		}
		if r := first(c.embed(at, op.Embed(), limits), c.attributes(at, op.Attributes(), limits)); r != nil {
			return r
		}
		if c.bytes += len(op.Text()); c.ops > MaxOps || c.bytes > MaxDelta {
			return nil // refused by the caller
		}
	}
	return nil
}

// attributes checks sizes, and the target of a link.
func (c *shape) attributes(field string, a richtext.Attributes, l richtext.Limits) *Refusal {
	if a.IsZero() {
		return nil
	}
	field += ".attributes"
	if a.Len() > l.Attributes {
		return limit(field, "", "%d attributes, at most %d are possible", a.Len(), l.Attributes)
	}
	for key, value := range a.All() {
		c.bytes += len(key) + len(value)
		if len(key) > l.Key || len(value) > l.Value || depth(value) > l.Depth {
			return limit(field, "", "a key is at most %d bytes, a value %d bytes, nested %d deep", l.Key, l.Value, l.Depth)
		}
		if key == "link" && value != "null" {
			target, ok := a.Text(key)
			if !ok || !schemeIn(target, "http", "https", "mailto", "wave") {
				return refuse(CodeBadDelta, field+".link", "use http, https, mailto or wave", "the target of a link is a URL of an allowed scheme")
			}
		}
	}
	return nil
}

// depth is how deep arrays and objects are nested in a JSON value.
func depth(value string) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
