package wire

import (
	"strings"
	"unicode/utf16"
)

// A robot's position w in a blip and the position q of the same character in
// the document:
//
//	document   H e l l o \n W o r l d \n        each line's newline ends it
//	q          0 1 2 3 4 5  6 7 8 9 10 11
//	robot   \n H e l l o \n W o r l d           each line's newline starts it
//	w        0 1 2 3 4 5 6  7 8 9 10 11
//
// Both texts have the same length. The characters are a rotation of each other:
// the document's final newline is the one the robot sees at 0.

// toDocument is the document position of a robot position of 1 or more.
func toDocument(w int) int { return w - 1 }

// toRobot is the robot position of a document position before the final newline.
func toRobot(q int) int { return q + 1 }

// span is a half-open range of robot positions.
type span struct{ start, end int }

// documentSpans are the ranges of the document that hold the characters of s, in
// order, for a document of length units. A span that starts at 0 has its first
// character at the document's end.
func documentSpans(s span, length int) []span {
	var list []span
	if start := toDocument(max(s.start, 1)); start < toDocument(s.end) {
		list = append(list, span{start, toDocument(s.end)})
	}
	if s.start == 0 && s.end > 0 {
		list = append(list, span{length - 1, length})
	}
	return list
}

// resolve counts negative ends from the end of a text of length units, as the
// Python client leaves it to the server to do, and reports whether the result
// lies in the text.
func (s span) resolve(length int) (span, bool) {
	if s.start < 0 {
		s.start += length
		if s.end == 0 {
			s.end = length
		}
	}
	if s.end < 0 {
		s.end += length
	}
	return s, 0 <= s.start && s.start <= s.end && s.end <= length
}

// unitsOf is the length of text in UTF-16 units.
func unitsOf(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// find returns the spans of text at which needle occurs, without overlaps, the
// first most of them or all if most is not positive.
func find(text, needle string, most int) []span {
	var list []span
	at, size := 0, unitsOf(needle)
	for {
		i := strings.Index(text, needle)
		if i < 0 {
			return list
		}
		at += unitsOf(text[:i])
		list = append(list, span{at, at + size})
		if len(list) == most {
			return list
		}
		text, at = text[i+len(needle):], at+size
	}
}
