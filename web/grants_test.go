package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"weir/robots/grants"
	"weir/wavelet"
)

// grant has a person let a program in, by way of the page.
func (h *house) grant(who wavelet.Participant) grants.Grant {
	h.t.Helper()
	request, err := h.grants.NewRequest("anonymous", "")
	if err != nil {
		h.t.Fatal(err)
	}
	form := url.Values{"oauth_token": {request.Key}, "answer": {"agree"}, "user": {string(who)}}
	resp, err := http.PostForm(h.url+"/robot/dataapi/oauth/OAuthAuthorizeToken", form)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(page), "The program may come in") {
		h.t.Fatalf("%s: %s, %v", resp.Status, page, err)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
		h.t.Errorf("the page's policy is %q", policy)
	}
	_, g, err := h.grants.Exchange(h.t.Context(), request.Key, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// askGrants calls the REST API with one header field and returns the status
// and the grants.
func (h *house) askGrants(method, path, name, value string) (int, []grants.Grant) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1/grants"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set(name, value)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Grants []grants.Grant }
	if method == http.MethodGet && resp.StatusCode == 200 {
		if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
			h.t.Fatal(err)
		}
	}
	return resp.StatusCode, list.Grants
}

// TestGrantsAreSeenAndEnded by their persons and by operators.
func TestGrantsAreSeenAndEnded(t *testing.T) {
	h := build(t, nil)
	anns, bobs := h.grant(ann), h.grant(bob)
	for _, tt := range []struct {
		method, path, name, value string
		status, grants            int
	}{
		{"GET", "", "Weir-User", string(ann), 200, 1},
		{"GET", "", "Authorization", "Bearer " + adminToken, 200, 2},
		{"GET", "", "X-None", "", 401, 0},
		{"DELETE", "/" + bobs.ID, "Weir-User", string(ann), 404, 0},
		{"DELETE", "/" + bobs.ID, "X-None", "", 401, 0},
		{"DELETE", "/" + anns.ID, "Weir-User", string(ann), 204, 0},
		{"DELETE", "/" + anns.ID, "Weir-User", string(ann), 404, 0},
		{"GET", "", "Weir-User", string(ann), 200, 0},
		{"DELETE", "/" + bobs.ID, "Authorization", "Bearer " + adminToken, 204, 0},
		{"GET", "", "Authorization", "Bearer " + adminToken, 200, 0},
	} {
		if status, list := h.askGrants(tt.method, tt.path, tt.name, tt.value); status != tt.status || len(list) != tt.grants {
			t.Errorf("%s %s as %s: status %d, %d grants", tt.method, tt.path, tt.value, status, len(list))
		}
	}
}

// TestConsentComesFromOurOwnPage has another site's page send the form.
func TestConsentComesFromOurOwnPage(t *testing.T) {
	h := build(t, nil)
	request, err := h.grants.NewRequest("anonymous", "")
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"oauth_token": {request.Key}, "answer": {"agree"}, "user": {string(ann)}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/robot/dataapi/oauth/OAuthAuthorizeToken", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://elsewhere.example.com")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, _, err := h.grants.Exchange(t.Context(), request.Key, ""); resp.StatusCode != http.StatusForbidden || err == nil {
		t.Errorf("another site's form: %s, exchanged: %v", resp.Status, err)
	}
}
