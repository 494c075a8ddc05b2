package wire

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"

	"weir/events"
	"weir/wavelet"
	"weir/wavelet/host"
	"weir/wavelet/search"
)

// Bounds of what is looked up.
const (
	maxDigests  = 100  // waves that one search finds
	maxSearched = 1000 // wavelets that the searches of one request look at, the newest
	maxProfiles = 100  // profiles fetched at once
	snippet     = 140  // characters of a wave that a search shows
)

// found is the data of robot.search.
type found struct {
	Results searchResults `json:"searchResults"`
}

type searchResults struct {
	Query      string   `json:"query"`
	NumResults int      `json:"numResults"`
	Digests    []digest `json:"digests"`
}

// digest is a wave as a search shows it.
type digest struct {
	Title        string                `json:"title"`
	Snippet      string                `json:"snippet"`
	WaveID       string                `json:"waveId"`
	LastModified int64                 `json:"lastModified"`
	Created      int64                 `json:"created"`
	UnreadCount  int                   `json:"unreadCount"`
	BlipCount    int                   `json:"blipCount"`
	Participants []wavelet.Participant `json:"participants"`
}

// search finds waves that the author takes part in, changed last first. It looks
// at so many and no further.
func (a *application) search(p params) (any, *events.OperationFailure) {
	author, failure := a.author(p)
	if failure != nil {
		return nil, failure
	}
	if a.Waves == nil {
		return nil, notHere(Search)
	}
	from, failure := p.Index.within("index", 0, 0, maxSearched)
	if failure != nil {
		return nil, failure
	}
	most, failure := p.NumResults.within("numResults", 10, 0, math.MaxInt32)
	if failure != nil {
		return nil, failure
	}
	most = min(most, maxDigests)
	query, err := search.Parse(p.Search.String())
	if err != nil {
		return nil, fail(http.StatusBadRequest, "query: %v", err)
	}
	waves, err := a.mine(author)
	if err != nil {
		return nil, trouble(Search)
	}
	slices.SortFunc(waves, func(x, y host.Summary) int {
		return cmp.Or(y.Modified.Compare(x.Modified), cmp.Compare(x.Name.String(), y.Name.String()))
	})
	out := searchResults{Query: p.Search.String(), Digests: []digest{}}
	seen := map[string]bool{}
	for _, w := range waves {
		if len(out.Digests) == most || a.searched == maxSearched || a.work > maxWork || a.ctx.Err() != nil {
			break
		}
		s := a.look(w.Name, author)
		if s == nil || seen[w.Name.Wave] || !query.Match(s, author, func() int { return a.unread(s, author) }) {
			continue
		}
		seen[w.Name.Wave] = true
		if from--; from < 0 {
			out.Digests = append(out.Digests, a.digest(s, author))
		}
	}
	out.NumResults = len(out.Digests)
	return found{out}, nil
}

// look is a wavelet that a search looks at, nil if the author has left it since
// it was listed.
func (a *application) look(name wavelet.Name, author wavelet.Participant) *wavelet.State {
	a.searched++
	s, ok := a.visible(name, author)
	if !ok {
		return nil
	}
	for b := range s.Blips() {
		a.work += b.Doc.Len()
	}
	return s
}

// unread counts what the author has not read of a wavelet; where nobody keeps
// count it is nothing.
func (a *application) unread(s *wavelet.State, author wavelet.Participant) int {
	if a.Reading == nil {
		return 0
	}
	r, err := a.Reading.Of(author, s.Name())
	if err != nil {
		return 0
	}
	return r.Unread(s, author)
}

func (a *application) digest(s *wavelet.State, author wavelet.Participant) digest {
	d := digest{
		Title: s.Title(), WaveID: s.Name().Wave, LastModified: millis(s.Modified()), Created: millis(s.Created()),
		UnreadCount: a.unread(s, author), BlipCount: s.Living(), Participants: []wavelet.Participant{},
	}
	for _, m := range s.Participants() {
		d.Participants = append(d.Participants, m.Address)
	}
	text := strings.TrimPrefix(s.Text(), d.Title)
	words := strings.Join(strings.Fields(strings.ToValidUTF8(text[:min(len(text), 20*snippet)], "")), " ")
	if runes := []rune(words); len(runes) > snippet {
		words = string(runes[:snippet])
	}
	d.Snippet = words
	return d
}

// fetchProfiles tells how people and robots are shown.
func (a *application) fetchProfiles(p params) (any, *events.OperationFailure) {
	if p.ProfilesRequest == nil {
		return nil, missing("fetchProfilesRequest")
	}
	ids := p.ProfilesRequest.IDs
	if len(ids) > maxProfiles {
		return nil, fail(http.StatusBadRequest, "%d profiles at once, at most %d are possible", len(ids), maxProfiles)
	}
	profiles := []Profile{}
	for _, id := range ids {
		who := wavelet.Participant(id.String())
		if err := who.Check(); err != nil {
			return nil, fail(http.StatusBadRequest, "participantIds: %v", err)
		}
		profile := PlainProfile(who)
		if a.Profile != nil {
			profile = a.Profile(who)
		}
		profiles = append(profiles, profile)
	}
	return map[string]any{"fetchProfilesResult": map[string]any{"profiles": profiles}}, nil
}

// waveletID is the id of a wavelet, taken apart.
type waveletID struct {
	Domain string `json:"domain"`
	ID     string `json:"id"`
}

// waveletIDs lists the wavelets of a wave that the author takes part in.
func (a *application) waveletIDs(p params) (any, *events.OperationFailure) {
	author, failure := a.author(p)
	if failure != nil {
		return nil, failure
	}
	wave := wavelet.NormalID(p.WaveID.String())
	if wave == "" {
		return nil, missing("waveId")
	}
	if a.Waves == nil {
		return nil, notHere(FetchWave)
	}
	waves, err := a.mine(author)
	if err != nil {
		return nil, trouble(FetchWave)
	}
	ids := []waveletID{}
	for _, w := range waves {
		if domain, id, ok := strings.Cut(w.Name.Wavelet, "!"); ok && w.Name.Wave == wave {
			ids = append(ids, waveletID{domain, id})
		}
	}
	if len(ids) == 0 {
		return nil, fail(http.StatusForbidden, "Access rejected: %s takes part in no wavelet of %s", author, wave)
	}
	slices.SortFunc(ids, func(x, y waveletID) int { return cmp.Or(cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.ID, y.ID)) })
	return map[string]any{"waveletIds": ids}, nil
}
