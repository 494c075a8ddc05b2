// Package search understands what people and robots ask for when they look for
// wavelets, and says which wavelets are meant.
//
// # Data model
//
// A [Query] is a list of terms that must all hold: words and "quoted phrases"
// of the text, and terms with a key:
//
//	with:ann        somebody whose address holds this takes part; with:me is who asks
//	creator:ann     so does whoever made the wavelet
//	title:x tag:x   the title holds x, there is a tag x
//	in:inbox in:all every wavelet; in:unread those with something unread
//	is:read         those without; is:unread is in:unread
//
// A word with another key, such as a URL, is a word of the text. Upper and lower
// case are the same. Of other folders than these there is nothing in any.
//
// Whom a wavelet may be shown is not asked here: callers only put wavelets to a
// query that who asks takes part in. The package is pure, and a Query may be
// used by many goroutines.
package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"weir/wavelet"
)

// Bounds of a query.
const (
	MaxQuery = 500 // characters
	MaxTerms = 32
)

// ErrQuery says that a query is too long. What it wraps says how.
var ErrQuery = errors.New("the query cannot be carried out")

// Query is what somebody looks for. The zero Query finds everything.
type Query struct{ terms []term }

// term is a word with its key, "" for a word of the text, in lower case.
type term struct{ key, value string }

// Parse reads a query.
func Parse(text string) (Query, error) {
	if n := utf8.RuneCountInString(text); n > MaxQuery {
		return Query{}, fmt.Errorf("%w: %d characters, at most %d", ErrQuery, n, MaxQuery)
	}
	var q Query
	for _, word := range words(strings.ToLower(text)) {
		t := term{value: word.text}
		if key, value, ok := strings.Cut(word.text, ":"); ok && !word.quoted && known(key) {
			t = term{key, value}
		}
		if t.value != "" {
			q.terms = append(q.terms, t)
		}
	}
	if len(q.terms) > MaxTerms {
		return Query{}, fmt.Errorf("%w: %d terms, at most %d", ErrQuery, len(q.terms), MaxTerms)
	}
	return q, nil
}

func known(key string) bool {
	return slices.Contains([]string{"with", "creator", "title", "tag", "in", "is"}, key)
}

// word is what stands between blanks. Quoted tells that it began with a quote.
type word struct {
	text   string
	quoted bool
}

// words takes a text apart at blanks, except between quotes.
func words(text string) []word {
	var list []word
	var now strings.Builder
	var quoting, begun, quoted bool
	flush := func() {
		if begun {
			list = append(list, word{now.String(), quoted})
		}
		now.Reset()
		begun, quoted = false, false
	}
	for _, r := range text {
		switch {
		case r == '"':
			quoted = quoted || !begun
			quoting, begun = !quoting, true
		case unicode.IsSpace(r) && !quoting:
			flush()
		default:
			now.WriteRune(r)
			begun = true
		}
	}
	flush()
	return list
}

// Match reports whether who means s. Unread is how many blips of it who has not
// read; it is called if the query asks for that. nil stands for none.
func (q Query) Match(s *wavelet.State, who wavelet.Participant, unread func() int) bool {
	var text string
	for _, t := range q.terms {
		if t.key == "" && text == "" {
			text = strings.ToLower(s.Text())
		}
		if !t.holds(s, who, text, unread) {
			return false
		}
	}
	return true
}

// holds reports whether a term holds for s, whose text is given for a word of
// it.
func (t term) holds(s *wavelet.State, who wavelet.Participant, text string, unread func() int) bool {
	switch t.key {
	case "with":
		return slices.ContainsFunc(s.Participants(), func(m wavelet.Member) bool { return t.names(m.Address, who) })
	case "creator":
		return t.names(s.Creator(), who)
	case "title":
		return strings.Contains(strings.ToLower(s.Title()), t.value)
	case "tag":
		return slices.ContainsFunc(s.Tags(), func(tag string) bool { return strings.EqualFold(tag, t.value) })
	case "in", "is":
		some := t.value == "unread" || t.value == "read"
		if !some {
			return t.key == "in" && (t.value == "inbox" || t.value == "all")
		}
		return (unread != nil && unread() > 0) == (t.value == "unread")
	}
	return strings.Contains(text, t.value)
}

// names reports whether the term's value stands for an address.
func (t term) names(address, who wavelet.Participant) bool {
	if t.value == "me" {
		return address == who
	}
	return strings.Contains(strings.ToLower(string(address)), t.value)
}
