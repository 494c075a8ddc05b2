package wavelet

import (
	"fmt"
	"strings"
)

// Name identifies a wavelet: a wave id and a wavelet id, both in the form
// "domain!id" (example.com!w+abc, example.com!conv+root). The zero Name names
// nothing.
type Name struct {
	Wave    string
	Wavelet string
}

// String is the one-line form "example.com!w+abc/example.com!conv+root".
func (n Name) String() string { return n.Wave + "/" + n.Wavelet }

// IsZero reports whether n names nothing.
func (n Name) IsZero() bool { return n == Name{} }

// ParseName reads the one-line form that String writes. Each id may also be
// spelt "domain/id", as the 0.22 robot dialect does.
func ParseName(s string) (Name, error) {
	wave, rest, ok := cutID(s)
	if !ok {
		return Name{}, fmt.Errorf("parse wavelet name %q: want domain!wave/domain!wavelet", s)
	}
	id, tail, ok := cutID(rest)
	if !ok || tail != "" {
		return Name{}, fmt.Errorf("parse wavelet name %q: want domain!wave/domain!wavelet", s)
	}
	return Name{Wave: wave, Wavelet: id}, nil
}

// cutID takes one "domain!id" or "domain/id" off the front of s.
func cutID(s string) (id, rest string, ok bool) {
	i := strings.IndexAny(s, "!/")
	if i <= 0 {
		return "", "", false
	}
	domain, tail := s[:i], s[i+1:]
	local, rest, _ := strings.Cut(tail, "/")
	if local == "" {
		return "", "", false
	}
	return domain + "!" + local, rest, true
}

// NormalID spells a wave or wavelet id in the "domain!id" form; an id without
// a domain is returned as it is.
func NormalID(id string) string {
	if i := strings.IndexAny(id, "!/"); i > 0 && id[i] == '/' {
		return id[:i] + "!" + id[i+1:]
	}
	return id
}

// Participant is an address, "ann@example.com". Robots have addresses of the
// form id[+proxy][#version]@domain.
type Participant string

// Domain is the part after the "@", empty if there is none.
func (p Participant) Domain() string {
	_, domain, _ := strings.Cut(string(p), "@")
	return domain
}

// Robot is the address without proxy and version, under which a robot is
// registered: "spell+bob#2@example.com" gives "spell@example.com".
func (p Participant) Robot() Participant {
	local, domain, ok := strings.Cut(string(p), "@")
	if !ok {
		return p
	}
	if i := strings.IndexAny(local, "+#"); i > 0 {
		local = local[:i]
	}
	return Participant(local + "@" + domain)
}

// Check reports what is wrong with the address, nil if nothing is: it needs
// one "@", something on both sides, no blanks or control characters, and at
// most 254 bytes.
func (p Participant) Check() error {
	local, domain, ok := strings.Cut(string(p), "@")
	switch {
	case !ok || local == "" || domain == "" || strings.Contains(domain, "@"):
		return fmt.Errorf("address %q: want name@domain", string(p))
	case len(p) > 254:
		return fmt.Errorf("address %q: longer than 254 bytes", string(p))
	case strings.ContainsFunc(string(p), func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(",:<>", r) }):
		return fmt.Errorf("address %q: blanks, control characters and any of , : < > are not allowed", string(p))
	}
	return nil
}

// Seat is one robot in one wavelet: what is paced, measured and, if it loops,
// evicted.
type Seat struct {
	Wavelet Name
	Robot   Participant
}
