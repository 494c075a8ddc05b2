package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how many forwarded addresses are looked at.
const maxHops = 32

// address is where a request comes from. The word of a proxy counts only if the
// connection comes from one that is trusted: then it is the nearest address that
// no trusted proxy has, read from the right of X-Forwarded-For or Forwarded. What
// stands left of it anybody may have written; and where the two headers disagree,
// one of them was not written by a proxy, so that neither counts.
func (s *Server) address(r *http.Request) netip.Addr {
	return clientAddress(r, s.Admission().TrustedProxies)
}

func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	from := parseHop(r.RemoteAddr)
	if !within(from, trusted) {
		return from
	}
	listed, one := nearest(from, forwardedFor(r.Header), trusted)
	noted, other := nearest(from, forwarded(r.Header), trusted)
	switch {
	case one && other && listed != noted:
		return from
	case other:
		return noted
	}
	return listed
}

// nearest is the last of the hops that no trusted proxy is; false if there are no
// hops.
func nearest(from netip.Addr, hops []string, trusted []netip.Prefix) (netip.Addr, bool) {
	there := len(hops) > 0
	for range min(len(hops), maxHops) {
		hop := parseHop(hops[len(hops)-1])
		if !hop.IsValid() {
			break // hidden or nonsense: the proxy that said so is as near as can be told
		}
		from, hops = hop, hops[:len(hops)-1]
		if !within(from, trusted) {
			break
		}
	}
	return from, there
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwardedFor lists the addresses of X-Forwarded-For, the client's side first.
func forwardedFor(h http.Header) []string {
	lines := h.Values("X-Forwarded-For")
	if len(lines) == 0 {
		return nil
	}
	return strings.Split(strings.Join(lines, ","), ",")
}

// forwarded lists the addresses of Forwarded, as RFC 7239 has it, the client's
// side first.
func forwarded(h http.Header) []string {
	lines := h.Values("Forwarded")
	if len(lines) == 0 {
		return nil
	}
	var hops []string
	for element := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		hop := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				hop = strings.Trim(value, `"`)
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// parseHop reads an address, with or without a port; the zero Addr if it is none.
func parseHop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap()
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	at, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return at.Unmap()
}
