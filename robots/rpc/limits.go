package rpc

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/policies"
	"weir/robots"
	"weir/wavelet"
)

// ServeLimits returns the handler of GET /api/v1/robots/{id}/limits, which tells
// a robot's limits to the robot itself, under its key, and to whoever is an
// administrator. Admin nil: nobody is.
func (h *Handler) ServeLimits(admin func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := wavelet.Participant(r.PathValue("id"))
		if admin != nil && admin(r) {
			_, err := h.directory.Get(id)
			if _, programs := robots.PersonOf(id); err != nil && !programs {
				writeProblem(w, http.StatusNotFound, string(robots.CodeUnknownRobot), err.Error())
				return
			}
			writeJSON(w, http.StatusOK, h.limits(id))
			return
		}
		robot, err := h.directory.Authenticate(robots.Bearer(r))
		switch {
		case err != nil:
			h.deny(w, &problem{http.StatusUnauthorized, "bad_key", err.Error()})
			return
		case robot.Address != id:
			writeProblem(w, http.StatusForbidden, "no_access", fmt.Sprintf("this is the key of %s; a robot sees its own limits only", robot.Address))
			return
		}
		if wrong := h.blocked(id); wrong != nil {
			h.deny(w, wrong)
			return
		}
		if refusal := h.gateway.Admit(r.Context(), id, true); refusal != nil {
			h.refused("robots", reasonOf(refusal))
			h.write(w, id, turnedAway(nil, refusal))
			return
		}
		h.tellLimits(w, id)
		writeJSON(w, http.StatusOK, h.limits(id))
	})
}

// limits is how a robot stands: what the gateway holds it to, its connections, and
// whether it is suspended, by whomever.
func (h *Handler) limits(id wavelet.Participant) policies.Limits {
	l := h.gateway.Limits(id)
	if robot, err := h.directory.Get(id); err == nil && robot.Suspended {
		l.Status = "suspended"
	}
	active, most := h.directory.Connections(id)
	if most == 0 {
		return l
	}
	i := slices.IndexFunc(l.Limits, func(x policies.Limit) bool { return x.Wavelet != "" })
	if i < 0 {
		i = len(l.Limits)
	}
	l.Limits = slices.Insert(slices.Clone(l.Limits), i, policies.Limit{
		Name: robots.MaxConnections, Max: float64(most), Used: float64(active), Remaining: float64(max(0, most-active)),
	})
	return l
}

// tellLimits writes the RateLimit-Policy and RateLimit fields, in the syntax of
// the IETF draft on RateLimit header fields, version 11.
func (h *Handler) tellLimits(w http.ResponseWriter, id wavelet.Participant) {
	policy, state := rateLimits(h.limits(id))
	if policy != "" {
		w.Header().Set("RateLimit-Policy", policy)
		w.Header().Set("RateLimit", state)
	}
}

// rateLimits are the values of the two fields: the windows of the robot as a
// whole, with their quota and length in seconds, and what remains of each with
// the seconds until there will be more.
func rateLimits(l policies.Limits) (policy, state string) {
	var quotas, left []string
	for _, limit := range l.Limits {
		if limit.Wavelet != "" || limit.Window <= 0 || limit.Max < 1 || limit.MinEvents > 0 {
			continue // not about requests
		}
		name := `"` + strings.Map(token, limit.Name) + `"`
		quotas = append(quotas, fmt.Sprintf("%s;q=%.0f;w=%s", name, limit.Max, seconds(time.Duration(limit.Window))))
		entry := fmt.Sprintf("%s;r=%.0f", name, math.Floor(max(limit.Remaining, 0)))
		if limit.ResetsAt.After(l.At) {
			entry += ";t=" + seconds(limit.ResetsAt.Sub(l.At))
		}
		left = append(left, entry)
	}
	return strings.Join(quotas, ", "), strings.Join(left, ", ")
}

// token drops what may not stand in a quoted string of a header field.
func token(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return -1
	}
	return r
}
