package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestTicketsOfTheQueueAreShown has a server that turns a client away three
// times, and looks at what it brings with it.
func TestTicketsOfTheQueueAreShown(t *testing.T) {
	answers := []Turn{{RetryInMS: 1, Ticket: "first"}, {RetryInMS: 1}, {RetryInMS: 1, Ticket: "second"}}
	var mu sync.Mutex
	var shown []string
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/connect" {
			http.Error(w, "no sockets here", http.StatusServiceUnavailable)
			return
		}
		var in ConnectRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if shown = append(shown, in.Ticket); len(shown) == 5 {
			close(done)
		}
		if n := len(shown) - 1; n < len(answers) {
			a := answers[n]
			a.Err = &Error{Code: CodeOverloaded, Message: "busy", Temporary: true}
			w.WriteHeader(http.StatusServiceUnavailable)
			if err := json.NewEncoder(w).Encode(a); err != nil {
				t.Error(err)
			}
			return
		}
		_ = json.NewEncoder(w).Encode(Ticket{Ticket: "in"})
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-done
		cancel()
	}()
	if _, err := Dial(ctx, server.URL, Options{User: "ann@example.com", Backoff: Backoff{Min: time.Millisecond, Max: time.Millisecond}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Dial: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"", "first", "first", "second", ""}; !slices.Equal(shown[:5], want) {
		t.Errorf("showed %q, want %q", shown, want)
	}
}

func TestATurnIsKeptExactly(t *testing.T) {
	for body, want := range map[string]bool{
		`{"err":{"code":112},"retry_in_ms":42310,"ticket":"t"}`: true,
		`{"err":{"code":112},"retry_in_ms":42310}`:              false,
		`{"err":{"code":112},"ticket":"t"}`:                     false,
	} {
		d, _ := refusedTicket(&http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}}, []byte(body))
		if d.turn != want || d.fatal {
			t.Errorf("%s: %+v", body, d)
		}
	}
}
