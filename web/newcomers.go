package web

import (
	"crypto/sha256"
	"net/http"
	"regexp"
	"sync"
	"time"

	"weir/admission"
	"weir/robots"
)

// Robots who called a short while ago need not wait.
const (
	knownTime = 10 * time.Minute
	maxKnown  = 1 << 14
)

// known remembers by whose credentials calls were answered lately. The zero
// value is ready.
type known struct {
	mu sync.Mutex
	at map[[16]byte]time.Time
}

// lately reports whether a caller was heard a short while ago.
func (k *known) lately(who [16]byte, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.at[who]
	return ok && now.Sub(at) < knownTime
}

// heard remembers a caller. Where too many are, some are forgotten and wait for a
// turn again.
func (k *known) heard(who [16]byte, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == nil {
		k.at = map[[16]byte]time.Time{}
	}
	if _, there := k.at[who]; !there && len(k.at) >= maxKnown {
		for who := range k.at {
			if delete(k.at, who); len(k.at) < maxKnown/2 {
				break
			}
		}
	}
	k.at[who] = now
}

// newcomers has callers of the robots' doors wait for a turn who were not
// answered lately. They carry no ticket and are not parked: they get 503 with
// Retry-After, and the same turn each time.
func (s *Server) newcomers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account := credentials(r)
		sum := sha256.Sum256([]byte(account))
		who := [16]byte(sum[:])
		if !s.known.lately(who, time.Now()) {
			a := s.ask(admission.Knock{Account: "robot " + account, Address: s.address(r).String()})
			if a.Verdict == admission.Refuse {
				e := turnedAway(a).refusal
				e.Remedy = "come back then"
				s.refusals.add("queue", e.Reason)
				writeError(w, e)
				return
			}
			defer s.finish(a.Grant) // or the queue takes it back: who is slow keeps nobody out
		}
		seen := &status{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.code != http.StatusUnauthorized && seen.code != http.StatusForbidden {
			s.known.heard(who, time.Now())
		}
	})
}

// consumer finds whose key signed a request, in its header or its query.
var consumer = regexp.MustCompile(`oauth_(?:consumer_key|token)="?([^",&\s]+)`)

// credentials tell a robot's calls from another's before anything is verified:
// by the consumer key and token of a signed request, or by the robot's key. Who
// claims to be somebody else waits in his place, and is not let in by it.
func credentials(r *http.Request) string {
	for _, text := range []string{r.Header.Get("Authorization"), r.URL.RawQuery} {
		account := ""
		for _, found := range consumer.FindAllStringSubmatch(text, 4) {
			account += found[1] + " "
		}
		if account != "" {
			return account
		}
	}
	return robots.Bearer(r)
}

// status is a ResponseWriter that notes the status.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the first status.
func (w *status) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (w *status) Unwrap() http.ResponseWriter { return w.ResponseWriter }
