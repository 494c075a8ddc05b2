package testbots

import (
	"io"
	"net/http"
)

// crasher fails every bundle, each time in another way: an error status, an
// answer that is not JSON, a broken connection. It costs nobody but itself.
func crasher() kind {
	return kind{
		name:  "crasher",
		about: "fails every bundle: status 500, garbage, and a closed connection by turns",
		hears: writing(),
		serve: func(b *Bot, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			switch b.count.Add(1) % 3 {
			case 1:
				http.Error(w, "crasher fell over", http.StatusInternalServerError)
			case 2:
				w.Header().Set("Content-Type", "application/json; charset=utf-8")
				_, _ = io.WriteString(w, `[{"method":"wavelet.appendBlip","id":`)
			default:
				panic(http.ErrAbortHandler)
			}
		},
	}
}
