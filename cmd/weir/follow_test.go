package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestFollowerComesBack has a server break off each stream after one decision.
func TestFollowerComesBack(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asked []string // the handler is called by one follower, one request after the other
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after")+" "+r.URL.Query().Get("robot"))
		switch len(asked) {
		case 1:
			fmt.Fprint(w, "retry: 1000\n\nid: 5\nevent: decision\ndata: {\"number\":5,\"action\":\"warn\"}\n\n: 7\n\n")
		case 2:
			fmt.Fprint(w, "event: missed\ndata: {\"after\":7,\"next\":20}\n\nid: 20\nevent: decision\ndata: {\"number\":20,\"action\":\"evict\"}\n\n")
		default:
			stop()
		}
	}))
	defer server.Close()
	var out, errs bytes.Buffer
	f := follower{api: api{url: server.URL, token: "t"}, out: streams{&out, &errs}, filter: map[string][]string{"robot": {"a"}}, last: 4, json: true}
	if err := f.run(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(asked, ","), "4 a,7 a,20 a"; got != want {
		t.Errorf("asked for what comes after %s, want %s", got, want)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"number":20`) {
		t.Errorf("shown:\n%s", got)
	}
	if !strings.Contains(errs.String(), "decisions 8 to 19 are no longer kept") {
		t.Errorf("told: %s", errs.String())
	}
}

func TestFollowerEndsWhenRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"title":"Unauthorized","detail":"the operators' token is required"}`)
	}))
	defer server.Close()
	f := follower{api: api{url: server.URL}, out: streams{new(bytes.Buffer), new(bytes.Buffer)}}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := f.run(ctx); err == nil || !strings.Contains(err.Error(), "token is required") {
		t.Errorf("ended with %v", err)
	}
}
