package wavelet

import (
	"encoding/base64"
	"fmt"

	"github.com/google/uuid"
)

// maxID is the greatest length in bytes of the id of a blip, thread, delta,
// form element or data document.
const maxID = 256

// NewBlipID returns the id of a blip that nobody has made yet: "b+" and 96
// random bits.
func NewBlipID() BlipID { return BlipID("b+" + random()) }

// NewThreadID returns the id of a thread that nobody has made yet: "t+" and 96
// random bits. A thread that is to hold one blip first may take that blip's id
// instead, which is what old robots expect.
func NewThreadID() ThreadID { return ThreadID("t+" + random()) }

// NewName returns the name of a wavelet that nobody has made yet: the
// conversation of a new wave of the domain.
func NewName(domain string) Name {
	return Name{Wave: domain + "!w+" + random(), Wavelet: domain + "!conv+root"}
}

// random returns 96 random bits as 16 characters of letters, digits, "-" and
// "_". They are the bits of a random UUID that are random and whole bytes.
func random() string {
	u := uuid.New()
	return base64.RawURLEncoding.EncodeToString(append(u[:6:6], u[10:]...))
}

// Check reports what is wrong with the name, nil if nothing is: both ids need
// the form "domain!id", at most 256 bytes each, without blanks, quotes or
// slashes.
func (n Name) Check() error {
	if parsed, err := ParseName(n.String()); err != nil || parsed != n {
		return fmt.Errorf("wavelet name %q: want domain!wave/domain!wavelet", n.String())
	}
	if !validID(n.Wave) || !validID(n.Wavelet) {
		return fmt.Errorf("wavelet name %q: each id is at most %d bytes of visible ASCII, without quotes and slashes", n.String(), maxID)
	}
	return nil
}

// validID reports whether s can be an id: 1 to 256 bytes of visible ASCII
// without what has a meaning in paths, JSON or HTML.
func validID(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f, c == '"', c == '\\', c == '/', c == '<', c == '>', c == '&':
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// Opening returns the ops that make a wavelet: they add the author and then the
// participants, all with full access, and an empty root blip.
func Opening(author Participant, participants ...Participant) []Op {
	ops := []Op{AddParticipant{Who: author}}
	for _, p := range participants {
		if p != author {
			ops = append(ops, AddParticipant{Who: p})
		}
	}
	return append(ops, CreateBlip{Blip: NewBlipID()})
}
