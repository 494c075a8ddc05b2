package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
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

// maxProxies is how many of a robot's proxies are introduced.
const maxProxies = 64

// profileTimeout is how long a robot may take to say how it is shown.
const profileTimeout = 30 * time.Second

// introduce asks the robot in the background how it wants to be shown, and how
// its proxies in a wavelet, if it was not asked since its capabilities were
// fetched. It has just answered, so there is a connection for that. One that does
// not say is shown by its address.
func (p *Passive) introduce(s *wavelet.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.options.Introduced == nil {
		return
	}
	p.stranger(p.address)
	for _, m := range s.Participants() {
		if m.Address.Robot() == p.address {
			p.stranger(m.Address)
		}
	}
	if len(p.strangers) > 0 && !p.asking {
		p.asking = true
		p.work.Go(p.ask)
	}
}

// stranger puts an address on the list of those to be asked about, once. p.mu is
// held.
func (p *Passive) stranger(who wavelet.Participant) {
	if !p.met[who] && len(p.met) <= maxProxies {
		p.met[who] = true
		p.strangers = append(p.strangers, who)
	}
}

// ask asks about one after the other, the robot itself first.
func (p *Passive) ask() {
	for {
		p.mu.Lock()
		if p.asking = len(p.strangers) > 0 && !p.closed; !p.asking {
			p.mu.Unlock()
			return
		}
		who := p.strangers[0]
		p.strangers = p.strangers[1:]
		p.mu.Unlock()
		if profile, err := p.profile(who); err == nil {
			p.options.Introduced(profile)
		}
	}
}

// profile asks how the robot is shown, or the proxy that who names.
func (p *Passive) profile(who wavelet.Participant) (Profile, error) {
	target := p.base + profilePath
	if proxy := proxyName(who); proxy != "" {
		target += "?name=" + url.QueryEscape(proxy)
	}
	ctx, cancel := context.WithTimeout(p.ctx, profileTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Profile{}, err
	}
	body, release, err := p.do(req, maxProfile+1)
	if err != nil {
		return Profile{}, err
	}
	defer release()
	return ParseProfile(who, body)
}

// proxyName is whom an address of a robot stands for, "" if for nobody else.
func proxyName(who wavelet.Participant) string {
	local, _, _ := strings.Cut(string(who), "@")
	local, _, _ = strings.Cut(local, "#")
	_, proxy, _ := strings.Cut(local, "+")
	return proxy
}
