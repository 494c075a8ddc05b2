package web

import (
	"net/http"

	"weir/admission"
	"weir/wavelet/client"
)

// maxBody bounds every request body.
const maxBody = 1 << 20

// routes is every door of the server.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /connect", s.connect)
	mux.HandleFunc("GET /ws", s.upgrade)
	if s.d.RPC != nil {
		mux.Handle("POST /robot/rpc", s.newcomers(s.d.RPC))
		mux.Handle("GET /api/v1/robots/{id}/limits", s.d.RPC.ServeLimits(s.d.Auth.Admin))
	}
	if s.d.Files != nil {
		mux.HandleFunc("GET /api/v1/waves/{wave}/{wavelet}/attachments/{id}", s.attachment)
		mux.HandleFunc("POST /api/v1/waves/{wave}/{wavelet}/attachments", s.attach)
	}
	if s.d.Data != nil {
		mux.Handle("/robot/dataapi", s.newcomers(s.d.Data))
		mux.Handle("/robot/dataapi/rpc", s.newcomers(s.d.Data))
		mux.Handle("/robot/dataapi/", s.d.Data)
	}
	if s.d.MCP != nil {
		mux.Handle("POST /mcp", s.newcomers(s.d.MCP))
	}
	mux.HandleFunc("GET /api/v1/decisions/stream", s.streamDecisions)
	mux.HandleFunc("GET /api/v1/trace", s.streamTrace)
	mux.Handle("POST /api/v1/policies/try", s.d.Work.Handler(admission.WorkTry, http.HandlerFunc(s.tryPolicies), s.deny))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics())
	mux.HandleFunc("GET /{$}", s.page)

	api := s.newAPI(mux)
	s.waveRoutes(api)
	s.participantRoutes(api)
	s.historyRoutes(api)
	s.robotRoutes(api)
	s.grantRoutes(api)
	s.loginRoutes(api)
	s.linkRoutes(api)
	s.limitRoutes(api)
	s.decisionRoutes(api)
	s.policyRoutes(api)
	s.admissionRoutes(api)
	s.importRoutes(api)
	s.connectionRoutes(api)
	s.blockRoutes(api)
	s.queueRoutes(api)

	return s.unblocked(s.bounded(http.NewCrossOriginProtection().Handler(mux)))
}

// bounded limits every body, and all large ones together, and tells browsers to
// take nothing for what it is not.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.MaxBytesHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, release := s.hold(w, r)
		defer release()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	}), maxBody)
}

// unavailable is the refusal of a server that is not ready.
func unavailable(why error) *client.Error {
	return &client.Error{
		Code: client.CodeOverloaded, Reason: "unavailable", Message: why.Error(), Temporary: true,
		Scope: "server", RetryAfterMS: 500, Remedy: "try again",
	}
}
