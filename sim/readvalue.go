package sim

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// longest is the longest duration in a scenario.
const longest = 7 * 24 * time.Hour

// duration reads a duration from lo to a week.
func (r *reader) duration(into *time.Duration, lo time.Duration) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		allowed := fmt.Sprintf("a duration from %s to %s, such as 500ms or 2m", lo, longest)
		text, ok := scalar(n)
		d, err := time.ParseDuration(text)
		switch {
		case !ok || err != nil:
			r.fault(n, path, notA(text, ok, "duration"), allowed)
		case d < lo || d > longest:
			r.fault(n, path, text+" is out of range", allowed)
		default:
			*into = d
		}
	}
}

func notA(text string, plain bool, what string) string {
	if !plain {
		return "not a " + what
	}
	return fmt.Sprintf("%q is not a %s", text, what)
}

// span reads [min, max], both from lo on.
func (r *reader) span(into *Range, lo time.Duration) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		l, ok := n.(*ast.SequenceNode)
		if !ok || len(l.Values) != 2 {
			r.fault(n, path, "not a pair of durations", "[min, max], such as [100ms, 400ms]")
			return
		}
		before := len(r.faults)
		r.duration(&into.Min, lo)(l.Values[0], path+"[0]")
		r.duration(&into.Max, lo)(l.Values[1], path+"[1]")
		if len(r.faults) == before && into.Max < into.Min {
			r.fault(n, path, fmt.Sprintf("%s is above %s", into.Min, into.Max), "[min, max], the smaller one first")
		}
	}
}

// whole reads an integer from lo to hi.
func (r *reader) whole(into *int, lo, hi int) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		allowed := fmt.Sprintf("a whole number from %d to %d", lo, hi)
		text, ok := scalar(n)
		v, err := strconv.Atoi(text)
		switch {
		case !ok || err != nil:
			r.fault(n, path, notA(text, ok, "whole number"), allowed)
		case v < lo || v > hi:
			r.fault(n, path, text+" is out of range", allowed)
		default:
			*into = v
		}
	}
}

// share reads a number from 0 to 1.
func (r *reader) share(into *float64) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		text, ok := scalar(n)
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case !ok || err != nil || math.IsNaN(v):
			r.fault(n, path, notA(text, ok, "number"), "a number from 0 to 1")
		case v < 0 || v > 1:
			r.fault(n, path, text+" is out of range", "a number from 0 to 1")
		default:
			*into = v
		}
	}
}

// home reads local, which is false for what lives on another server.
func (r *reader) home(remote *bool) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(n, path, "neither true nor false", "true, false")
			return
		}
		*remote = !b.Value
	}
}

// word reads one of a few words.
func word[W ~string](r *reader, into *W, words ...W) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		text, ok := scalar(n)
		if !ok || !slices.Contains(words, W(text)) {
			var list []string
			for _, w := range words {
				list = append(list, string(w))
			}
			r.fault(n, path, unknown(text, ok), strings.Join(list, ", "))
			return
		}
		*into = W(text)
	}
}

func unknown(text string, plain bool) string {
	if !plain {
		return "not a word"
	}
	return fmt.Sprintf("%q is not known", text)
}

// line reads a line of text.
func (r *reader) line(into *string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		text, ok := scalar(n)
		if !ok || len(text) > 500 || strings.ContainsAny(text, "\r\n") {
			r.fault(n, path, "not one line of text", "one line, at most 500 bytes")
			return
		}
		*into = text
	}
}

var fits = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// name reads a name of a scenario, person, robot or wavelet.
func (r *reader) name(into *string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		text, ok := scalar(n)
		if !ok || !fits.MatchString(text) {
			r.fault(n, path, notA(text, ok, "name"), "letters, digits and . _ -, at most 64, a letter or digit first")
			return
		}
		*into = text
	}
}

// wavelets reads a list of wavelets.
func (r *reader) wavelets(into *[]string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		var list []string
		r.list(n, path, 256, func(n ast.Node, path string) {
			var name string
			if r.name(&name)(n, path); name != "" && slices.Contains(list, name) {
				r.fault(n, path, name+" is there twice", "each wavelet once")
			}
			list = append(list, name)
		})
		if l, ok := n.(*ast.SequenceNode); ok && len(l.Values) == 0 {
			r.fault(n, path, "no wavelet", "at least one")
		}
		*into = list
	}
}

// known reads a list of names that must be among those that the whole file has,
// which only the end tells.
func (r *reader) known(into *[]string, what string, have func() []string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		r.list(n, path, 1024, func(n ast.Node, path string) {
			text, _ := scalar(n)
			*into = append(*into, text)
			r.later = append(r.later, func() {
				if all := have(); !slices.Contains(all, text) {
					r.fault(n, path, fmt.Sprintf("no %s is called %q", what, text), listed(all))
				}
			})
		})
	}
}

// listed shows what there is to choose from.
func listed(all []string) string {
	if len(all) > 20 {
		return strings.Join(all[:20], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}
