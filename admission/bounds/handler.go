package bounds

import (
	"net/http"

	"weir/admission"
)

// Handler is next, for which each request is work of a kind: it waits for its
// places and has them until it is answered. That suits handlers that work while
// they answer, and any handler one Work is to be shared with; those whose
// requests come slowly call Enter when they have been read. What cannot begin is
// given to refuse, with its *Busy. A request whose caller goes away while it
// waits is not answered.
func (w *Work) Handler(kind admission.WorkKind, next http.Handler, refuse func(http.ResponseWriter, error)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, leave, err := w.Enter(r.Context(), kind)
		if err != nil {
			if r.Context().Err() == nil {
				refuse(rw, err)
			}
			return
		}
		defer leave()
		next.ServeHTTP(rw, r.WithContext(ctx))
	})
}
