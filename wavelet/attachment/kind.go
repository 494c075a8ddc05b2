package attachment

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// check is the type of a file, or why it cannot be attached.
func check(r Record, content []byte) (string, error) {
	if err := checkID(r.ID); err != nil {
		return "", err
	}
	if len(r.Name) > MaxName || !utf8.ValidString(r.Name) || strings.ContainsFunc(r.Name, func(c rune) bool { return unicode.IsControl(c) || c == '/' || c == '\\' }) {
		return "", fmt.Errorf("a file name is at most %d bytes, without slashes and control characters", MaxName)
	}
	switch {
	case len(content) == 0:
		return "", fmt.Errorf("the file is empty")
	case len(content) > MaxSize:
		return "", fmt.Errorf("the file has %d bytes, at most %d are possible", len(content), MaxSize)
	}
	kind := http.DetectContentType(content)
	if runs(kind, content) {
		return "", fmt.Errorf("it is of a kind that is run where it is opened: %s", kind)
	}
	if said := promised(r.Name); said != "" && !strings.HasPrefix(kind, said) {
		return "", fmt.Errorf("the name %q promises %s, the content is %s", r.Name, said, kind)
	}
	return kind, nil
}

// runs reports whether a browser or a system would run a file of this kind.
func runs(kind string, content []byte) bool {
	if strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "text/xml") {
		return true
	}
	for _, magic := range []string{"MZ", "\x7fELF", "#!", "\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xfe\xed\xfa\xcf", "\xfe\xed\xfa\xce"} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	// A vector image is XML with scripts in it, also without a declaration.
	head := bytes.ToLower(content[:min(len(content), 1024)])
	return strings.HasPrefix(kind, "text/") && bytes.Contains(head, []byte("<svg"))
}

// promised is the beginning of the type that a file name promises, of the kinds
// that are told apart by their first bytes; "" if it promises none of those.
func promised(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp":
		return "image/"
	case ".pdf":
		return "application/pdf"
	}
	return ""
}

// Shown reports whether a browser may show a file of this type instead of
// saving it.
func (r Record) Shown() bool {
	switch r.Type {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}
