package web

import (
	"net/http"
)

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether the server takes work.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.ready(); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// page is the root: what this is and where to go on.
func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write([]byte(rootPage))
}

// pagePolicy lets a page of ours show itself and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const rootPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>weir</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}code{background:#eee;padding:0 .2em}</style>
<h1>weir</h1>
<p>This server keeps documents that people and robots edit together, and keeps the robots in check.</p>
<ul>
<li><a href="/api/v1/openapi.json">/api/v1/openapi.json</a> describes the REST API: waves, participants, history, robots and their limits.</li>
<li><code>POST /connect</code>, then <code>GET /ws?ticket=</code>, opens the live protocol, described in <code>docs/protocol.md</code>.</li>
<li><code>POST /robot/rpc</code> is the robots' active API, described in <code>docs/robots.md</code>.</li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a> and <a href="/metrics">/metrics</a> are for monitoring.</li>
</ul>
</html>
`
