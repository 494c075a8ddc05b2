package testbots

import (
	"io"
	"net/http"
)

// sleeper takes every bundle and never answers. The server gives up on it after
// its timeout; nobody else waits.
func sleeper() kind {
	return kind{
		name:  "sleeper",
		about: "takes every bundle and never answers",
		hears: writing(),
		serve: func(b *Bot, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a read body lets the server notice that the caller has gone
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		},
	}
}
