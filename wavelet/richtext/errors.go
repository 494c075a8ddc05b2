package richtext

import (
	"fmt"
	"strings"
)

// fault is a class of refusal: a sentinel with a stable code.
type fault struct{ code, text string }

func (f *fault) Error() string { return f.text }

// The reasons for which a delta or a document is refused. An [*Error] wraps
// exactly one of them.
var (
	// Refused by Decode, for what the bytes are.
	ErrTooLarge   error = &fault{"too_large", "over a limit"}
	ErrSyntax     error = &fault{"syntax", "not valid JSON"}
	ErrIllFormed  error = &fault{"ill_formed_text", "text is not well-formed Unicode"}
	ErrShape      error = &fault{"shape", "not a delta"}
	ErrDuplicate  error = &fault{"duplicate_key", "a key occurs twice"}
	ErrReserved   error = &fault{"reserved_key", "a key is reserved"}
	ErrLength     error = &fault{"bad_length", "a length is not a whole number from 1 to 2147483647"}
	ErrEmpty      error = &fault{"empty_insert", "an insert is empty"}
	ErrEmbed      error = &fault{"bad_embed", "an embed does not have exactly one key"}
	ErrAttributes error = &fault{"bad_attributes", "attributes are not allowed or not an object"}

	// Refused by Check and Doc.Apply, for what the document is.
	ErrPastEnd      error = &fault{"past_end", "reaches past the end of the document"}
	ErrSplitPair    error = &fault{"split_pair", "cuts a surrogate pair in half"}
	ErrFinalNewline error = &fault{"final_newline", "touches the document's final newline"}
	ErrNotDocument  error = &fault{"not_document", "not a document: it does not only insert"}
)

// Error is the refusal of a delta or of a document. It wraps the sentinel that
// its code belongs to.
type Error struct {
	Code   string // stable name of the reason, such as "split_pair"
	Op     int    // index of the op at fault; -1 if it is no single op
	Field  string // the part at fault, such as "retain" or "attributes.link"; may be empty
	Offset int    // for text that does not decode, the byte at which it was noticed; else -1
	Reason string // what was wrong and what would be right

	fault error
}

// refuse returns an Error for the op with the given index, or -1.
func refuse(reason error, op int, field, format string, args ...any) *Error {
	code := ""
	if f, ok := reason.(*fault); ok {
		code = f.code
	}
	return &Error{Code: code, Op: op, Field: field, Offset: -1, Reason: fmt.Sprintf(format, args...), fault: reason}
}

// Error returns the op, the part and the reason in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("delta")
	if e.Op >= 0 {
		fmt.Fprintf(&b, ": op %d", e.Op)
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	b.WriteString(": " + e.Reason)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " (at byte %d)", e.Offset)
	}
	return b.String()
}

// Unwrap returns the sentinel of the reason.
func (e *Error) Unwrap() error { return e.fault }
