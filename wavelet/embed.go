package wavelet

import (
	"slices"
	"strings"

	"weir/wavelet/richtext"
)

// embedKeys are the keys that the value of an embed may have, nil if there is
// no such embed. The first one is needed.
func embedKeys(kind string) []string {
	switch kind {
	case "image":
		return []string{"url", "attachmentId"} // one of the two
	case "attachment":
		return []string{"id"}
	case "gadget":
		return []string{"url", "id", "author"}
	case "form":
		return []string{"type", "name", "id"}
	case "installer":
		return []string{"manifest"}
	case "reply":
		return []string{"thread"}
	}
	return nil
}

// formTypes are the elements a form is made of.
func formTypes() []string {
	return []string{"INPUT", "PASSWORD", "TEXTAREA", "CHECK", "RADIO_BUTTON", "RADIO_BUTTON_GROUP", "LABEL", "BUTTON"}
}

// embed lets in the embeds that clients and robots know how to show. What they
// are is in the value and never changes; what changes about them is in
// attributes.
func (c *shape) embed(field string, e richtext.Embed, l richtext.Limits) *Refusal {
	if e.IsZero() {
		return nil
	}
	c.bytes += len(e.Key()) + len(e.Value())
	field += ".insert"
	keys := embedKeys(e.Key())
	if keys == nil {
		return refuse(CodeBadDelta, field, "use image, attachment, gadget, form, installer or reply", "there is no embed %q", e.Key())
	}
	if len(e.Value()) > l.Value {
		return limit(field, "", "the value of an embed is at most %d bytes", l.Value)
	}
	field += "." + e.Key()
	var value map[string]string
	if err := e.Decode(&value); err != nil || value == nil {
		return refuse(CodeBadDelta, field, "", "the value is an object of strings")
	}
	for key := range value {
		if !slices.Contains(keys, key) {
			return refuse(CodeBadDelta, field, "use "+strings.Join(keys, ", "), "unknown key %q", key)
		}
	}
	return checkEmbed(field, e.Key(), keys[0], value)
}

// checkEmbed checks the strings of an embed's value.
func checkEmbed(field, kind, needed string, value map[string]string) *Refusal {
	if kind == "image" && value["url"] == "" {
		needed = "attachmentId"
	}
	got := value[needed]
	switch {
	case got == "":
		return refuse(CodeBadDelta, field, "", "the key %q is missing", needed)
	case kind == "image" && len(value) != 1:
		return refuse(CodeBadDelta, field, "", "an image has a url or an attachmentId, not both")
	case needed == "url" || needed == "manifest":
		if !schemeIn(got, "http", "https") {
			return refuse(CodeBadDelta, field+"."+needed, "use http or https", "the URL has a scheme that is not allowed")
		}
	case kind == "form" && !slices.Contains(formTypes(), got):
		return refuse(CodeBadDelta, field+".type", "use "+strings.Join(formTypes(), ", "), "there is no form element %q", got)
	case kind == "reply":
		return checkID(field+".thread", got)
	}
	return nil
}

// schemeIn reports whether a URL has one of the schemes, or none: a relative
// one. Blanks and control characters, behind which browsers find schemes that
// others do not see, are not let through.
func schemeIn(url string, schemes ...string) bool {
	if strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false
	}
	end := strings.IndexAny(url, ":/?#")
	if end < 0 || url[end] != ':' {
		return url != ""
	}
	return slices.Contains(schemes, strings.ToLower(url[:end]))
}
