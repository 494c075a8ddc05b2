package kit

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/robots/oauth"
)

// ErrSignature says that a bundle was not signed with the robot's key, too long
// ago, or was sent before.
var ErrSignature = errors.New("the bundle is not signed as it should be")

// skew is how far a signature's time may be off, to either side.
const skew = 5 * time.Minute

// verify reports whether the server signed a request, with the robot's key.
func (r *Robot) verify(req *http.Request, body []byte) error {
	base := strings.TrimSuffix(r.options.URL, "/")
	if base == "" {
		base = "http://" + req.Host
		if req.TLS != nil {
			base = "https://" + req.Host
		}
	}
	path, _, _ := strings.Cut(req.RequestURI, "?")
	if r.options.URL != "" || path == "" {
		path = req.URL.Path
	}
	signed := oauth.Request{Method: req.Method, URL: base + path, Params: req.URL.Query(), Body: body, Hashed: true}
	if err := signed.Verify(oauth.Credentials{Secret: r.options.Key}); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	seconds, err := strconv.ParseInt(signed.Params.Get(oauth.Timestamp), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: oauth_timestamp is no number of seconds", ErrSignature)
	}
	now, at := time.Now(), time.Unix(seconds, 0)
	if now.Sub(at).Abs() > skew {
		return fmt.Errorf("%w: it is of %s, and now is %s", ErrSignature, at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if !r.nonces.once(signed.Params.Get(oauth.Timestamp)+"/"+signed.Params.Get(oauth.Nonce), now) {
		return fmt.Errorf("%w: it was sent before", ErrSignature)
	}
	return nil
}

// nonces are the signatures of the last minutes: two lists, of which the older one
// is forgotten when all in it are too old to count.
type nonces struct {
	mu     sync.Mutex
	began  time.Time // the newer list
	lately [2]map[string]bool
}

// once reports whether a nonce is new.
func (n *nonces) once(nonce string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lately[0] == nil || now.Sub(n.began) > 2*skew {
		n.lately[0], n.lately[1], n.began = map[string]bool{}, n.lately[0], now
	}
	if n.lately[0][nonce] || n.lately[1][nonce] {
		return false
	}
	n.lately[0][nonce] = true
	return true
}
