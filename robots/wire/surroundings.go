package wire

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/attachment"
	"weir/wavelet/host"
	"weir/wavelet/reading"
)

// Surroundings are what operations look up and keep beside the wavelets that
// they change. An operation that needs what is not there fails; the zero
// Surroundings have nothing.
type Surroundings struct {
	// Waves yields what is known of the wavelets that somebody takes part in, in
	// any order.
	Waves func(context.Context, wavelet.Participant) iter.Seq2[host.Summary, error]
	// Profile is how somebody is shown; nil: by the name in the address.
	Profile func(wavelet.Participant) Profile
	Reading *reading.Marks    // what everybody has read
	Files   *attachment.Shelf // what is attached to wavelets
	// URL is where the server is reached, without a slash at the end, for the
	// addresses of attachments; "": they are shown without.
	URL string
}

// Profile is how somebody is shown.
type Profile struct {
	Address    wavelet.Participant `json:"address"`
	Name       string              `json:"name"`
	ImageURL   string              `json:"imageUrl"`
	ProfileURL string              `json:"profileUrl"`
}

// PlainProfile is the profile of somebody of whom nothing but the address is
// known. A robot's alias has the name of whom it stands for.
func PlainProfile(who wavelet.Participant) Profile {
	name, _, _ := strings.Cut(string(who), "@")
	if _, alias, ok := strings.Cut(name, "+"); ok && alias != "" {
		name, _, _ = strings.Cut(alias, "#")
	}
	return Profile{Address: who, Name: name}
}

// notHere is the failure of an operation that needs what the server does not
// have, or not by this door.
func notHere(m Method) *events.OperationFailure {
	return fail(http.StatusNotImplemented, "%s is not offered here", m)
}

// trouble is the failure of an operation by the server's own fault. What went
// wrong is not the robot's business.
func trouble(m Method) *events.OperationFailure {
	return fail(http.StatusInternalServerError, "%s could not be carried out by the server; try again", m)
}

// visible is the newest state of a wavelet, as it was found, if the author takes
// part in it.
func (a *application) visible(name wavelet.Name, author wavelet.Participant) (*wavelet.State, bool) {
	s := a.states[name]
	if s == nil && a.Find != nil {
		s, _ = a.Find(a.ctx, name)
	}
	if s == nil {
		return nil, false
	}
	return s, takesPart(s, author, a.Robot)
}

// takesPart reports whether an author takes part in a wavelet. A robot does
// under all its aliases.
func takesPart(s *wavelet.State, author, robot wavelet.Participant) bool {
	_, ok := s.Role(author)
	if !ok {
		_, ok = s.Role(robot)
	}
	return ok
}

// mine is what is known of all wavelets that an author may see, each once.
func (a *application) mine(author wavelet.Participant) ([]host.Summary, error) {
	var all []host.Summary
	seen := map[wavelet.Name]bool{}
	for _, who := range slices.Compact([]wavelet.Participant{author, a.Robot}) {
		for s, err := range a.Waves(a.ctx, who) {
			if err != nil {
				return nil, err
			}
			if !seen[s.Name] {
				seen[s.Name] = true
				all = append(all, s)
			}
		}
	}
	return all, nil
}
