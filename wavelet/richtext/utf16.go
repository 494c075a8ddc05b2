package richtext

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Text is kept in UTF-8 and measured in UTF-16 units. A UTF-8 sequence of up to
// three bytes is one unit, one of four bytes is a surrogate pair. A lone half of
// a pair, which only unchecked deltas produce, is kept as the three bytes that
// UTF-8 would use if it allowed surrogates.

// unitsOf returns the length of s in UTF-16 units.
func unitsOf[T string | []byte](s T) int {
	n := len(s)
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b < 0x80:
		case b < 0xC0:
			n--
		case b >= 0xF0:
			n++
		}
	}
	return n
}

// offsetOf returns the byte index of the given unit of s and the units that are
// left if s ends before it. If the unit is the second half of a surrogate pair,
// it returns the index of the pair and -1.
func offsetOf[T string | []byte](s T, unit int) (at, left int) {
	for unit > 0 && at < len(s) {
		switch b := s[at]; {
		case b < 0x80:
			at++
		case b < 0xE0:
			at += 2
		case b < 0xF0:
			at += 3
		case unit == 1:
			return at, -1
		default:
			at += 4
			unit--
		}
		unit--
	}
	return at, unit
}

// offsetBefore returns the byte index that lies the given units before the end of
// s and the units that are left if s starts behind it. If the index splits a
// surrogate pair, it returns the index of the pair and -1.
func offsetBefore(s []byte, units int) (at, left int) {
	at = len(s)
	for units > 0 && at > 0 {
		at--
		switch b := s[at]; {
		case b >= 0x80 && b < 0xC0:
		case b >= 0xF0:
			units -= 2
		default:
			units--
		}
	}
	return at, units
}

// hasPairs reports whether s holds a surrogate pair.
func hasPairs(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0xF0 {
			return true
		}
	}
	return false
}

// cutText splits a text of the given number of units after n of them. A pair
// that is cut falls into its two halves.
func cutText(s string, units, n int) (head, tail string) {
	if units == len(s) {
		return s[:n], s[n:]
	}
	at, left := offsetOf(s, n)
	if left == 0 {
		return s[:at], s[at:]
	}
	r, size := utf8.DecodeRuneInString(s[at:])
	high, low := utf16.EncodeRune(r)
	return s[:at] + half(high), half(low) + s[at+size:]
}

// appendText appends a text, joining a high half at the end of dst with a low half
// at its start.
func appendText(dst []byte, text string) []byte {
	if high, ok := lastHalf(dst); ok {
		if low, ok := firstHalf(text); ok {
			return append(utf8.AppendRune(dst[:len(dst)-3], utf16.DecodeRune(high, low)), text[3:]...)
		}
	}
	return append(dst, text...)
}

// half returns the three bytes that stand for one half of a surrogate pair.
func half(r rune) string {
	return string([]byte{0xE0 | byte(r>>12), 0x80 | byte(r>>6)&0x3F, 0x80 | byte(r)&0x3F})
}

// lastHalf returns the high half that a ends with, if it does.
func lastHalf(a []byte) (rune, bool) {
	if n := len(a); n >= 3 && a[n-3] == 0xED && a[n-2] >= 0xA0 && a[n-2] < 0xB0 {
		return 0xD000 | rune(a[n-2]&0x3F)<<6 | rune(a[n-1]&0x3F), true
	}
	return 0, false
}

// firstHalf returns the low half that b starts with, if it does.
func firstHalf(b string) (rune, bool) {
	if len(b) >= 3 && b[0] == 0xED && b[1] >= 0xB0 {
		return 0xD000 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F), true
	}
	return 0, false
}
