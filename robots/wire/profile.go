package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"weir/wavelet"
)

const profilePath = "/_wave/robot/profile"

// Bounds of a profile.
const (
	maxProfile     = 64 << 10 // bytes of the answer
	maxProfileName = 100      // characters
	maxProfileURL  = 2000     // bytes
)

// ErrProfile says that an answer is no profile.
var ErrProfile = errors.New("not a profile")

// ParseProfile reads how the robot at address wants to be shown. A name without
// a visible character is that of the address; an address of a page or a picture
// that is not on the web is left out. Errors wrap ErrProfile.
func ParseProfile(address wavelet.Participant, body []byte) (Profile, error) {
	var in struct {
		Name       scalar `json:"name"`
		ImageURL   scalar `json:"imageUrl"`
		ProfileURL scalar `json:"profileUrl"`
	}
	if len(body) > maxProfile {
		return Profile{}, fmt.Errorf("%w: more than %d bytes", ErrProfile, maxProfile)
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Profile{}, fmt.Errorf("%w: %w", ErrProfile, err)
	}
	p := PlainProfile(address)
	if name := visible(in.Name.String()); name != "" {
		p.Name = name
	}
	p.ImageURL, p.ProfileURL = webURL(in.ImageURL.String()), webURL(in.ProfileURL.String())
	return p, nil
}

// visible is a name as it can be shown: on one line, not too long, without what
// turns the direction of the text around it.
func visible(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, " "))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > maxProfileName {
		name = string(runes[:maxProfileName])
	}
	return name
}

// webURL is an absolute URL of the web, "" for everything else.
func webURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxProfileURL || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// introduce asks the robot in the background how it wants to be shown, if it was
// not asked since its capabilities were fetched. It has just answered, so there
// is a connection for that. One that does not say is shown by its address.
func (p *Passive) introduce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.strange || p.options.Introduced == nil {
		return
	}
	p.strange = false
	p.work.Go(func() {
		req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, p.base+profilePath, nil)
		if err != nil {
			return
		}
		body, err := p.do(req, maxProfile+1)
		if err != nil {
			return
		}
		if profile, err := ParseProfile(p.address, body); err == nil {
			p.options.Introduced(profile)
		}
	})
}
