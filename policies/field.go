package policies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// field is one key of a T in a policy file: where the value lives, what it may
// be, and how it is written back.
type field[T any] struct {
	key     string // of a Profile, sections and all: "depth.act"
	allowed string
	set     func(*T, ast.Node) (problem string) // "" when set
	get     func(*T) string                     // as YAML
}

// durations is a field that holds a duration from lo to hi, in whole
// milliseconds. Zero is always allowed where lo is zero.
func durations[T any](key string, lo, hi time.Duration, at func(*T) *time.Duration) field[T] {
	f := field[T]{key: key, allowed: fmt.Sprintf("a duration from %s to %s, such as 500ms or 2m", short(lo), short(hi))}
	f.get = func(t *T) string { return short(*at(t)) }
	f.set = func(t *T, n ast.Node) string {
		text, ok := scalar(n)
		if !ok {
			return "not a duration"
		}
		d, err := time.ParseDuration(text)
		switch {
		case err != nil:
			return fmt.Sprintf("%q is not a duration", text)
		case d < lo || d > hi:
			return text + " is out of range"
		case d%time.Millisecond != 0:
			return text + " is finer than a millisecond"
		}
		*at(t) = d
		return ""
	}
	return f
}

// whole is a field that holds an integer from lo to hi.
func whole[T any](key string, lo, hi int, at func(*T) *int) field[T] {
	f := field[T]{key: key, allowed: fmt.Sprintf("a whole number from %d to %d", lo, hi)}
	f.get = func(t *T) string { return strconv.Itoa(*at(t)) }
	f.set = func(t *T, n ast.Node) string {
		text, ok := scalar(n)
		if !ok {
			return "not a whole number"
		}
		v, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return fmt.Sprintf("%q is not a whole number", text)
		case v < lo || v > hi:
			return text + " is out of range"
		}
		*at(t) = v
		return ""
	}
	return f
}

// share is a field that holds a number above 0 and up to 1.
func share[T any](key string, at func(*T) *float64) field[T] {
	f := field[T]{key: key, allowed: "a number above 0 and at most 1"}
	f.get = func(t *T) string { return strconv.FormatFloat(*at(t), 'g', -1, 64) }
	f.set = func(t *T, n ast.Node) string {
		text, ok := scalar(n)
		if !ok {
			return "not a number"
		}
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil:
			return fmt.Sprintf("%q is not a number", text)
		case !(v > 0 && v <= 1):
			return text + " is out of range"
		}
		*at(t) = v
		return ""
	}
	return f
}

// word is a field that holds one of a few words.
func word[T any, W ~string](key string, at func(*T) *W, words ...W) field[T] {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	f := field[T]{key: key, allowed: strings.Join(names, ", ")}
	f.get = func(t *T) string { return string(*at(t)) }
	f.set = func(t *T, n ast.Node) string {
		text, ok := scalar(n)
		if !ok {
			return "not a word"
		}
		if !slices.Contains(names, text) {
			return fmt.Sprintf("%q is not known", text)
		}
		*at(t) = W(text)
		return ""
	}
	return f
}

// flag is a field that holds true or false.
func flag[T any](key string, at func(*T) *bool) field[T] {
	f := field[T]{key: key, allowed: "true, false"}
	f.get = func(t *T) string { return strconv.FormatBool(*at(t)) }
	f.set = func(t *T, n ast.Node) string {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return "neither true nor false"
		}
		*at(t) = b.Value
		return ""
	}
	return f
}

// line is a field that holds one line of text.
func line[T any](key string, at func(*T) *string) field[T] {
	f := field[T]{key: key, allowed: "one line of text, at most 200 bytes"}
	f.get = func(t *T) string { return strconv.Quote(*at(t)) }
	f.set = func(t *T, n ast.Node) string {
		text, ok := scalar(n)
		switch {
		case !ok:
			return "not text"
		case len(text) > 200 || strings.ContainsAny(text, "\r\n"):
			return "too long, or more than one line"
		}
		*at(t) = text
		return ""
	}
	return f
}

// scalar is the text of a plain value: a word, a number, true or false.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}
