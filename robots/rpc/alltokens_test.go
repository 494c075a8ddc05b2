package rpc_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"weir/robots/rpc"
)

const allTokensPath = rpc.DataPath + "/oauth/OAuthGetAllTokens"

// TestAllTokensAtOnce has ann take the tokens from the page herself, for a
// program that cannot go through the steps.
func TestAllTokensAtOnce(t *testing.T) {
	h := build(t)
	name := h.wave()
	status, page, _ := h.do(http.MethodGet, h.url+allTokensPath, "", "")
	token := regexp.MustCompile(`name="oauth_token" value="([^"]+)"`).FindStringSubmatch(page)
	if status != 200 || token == nil || !strings.Contains(page, "not registered here") {
		t.Fatalf("the page: %d %s", status, page)
	}
	form := url.Values{"oauth_token": {html.UnescapeString(token[1])}, "answer": {"agree"}, "user": {string(ann)}, "login": {"guess"}}
	if status, page, _ := h.do(http.MethodPost, h.url+allTokensPath, formType, form.Encode()); status != 403 || strings.Contains(page, "verifier") {
		t.Errorf("to a stranger: %d %s", status, page)
	}
	form.Set("login", "sesame")
	status, page, _ = h.do(http.MethodPost, h.url+allTokensPath, formType, form.Encode())
	shown := regexp.MustCompile(`id="verifier">([^<]+)<`).FindStringSubmatch(page)
	if status != 200 || shown == nil {
		t.Fatalf("agreed: %d %s", status, page)
	}
	raw, err := base64.StdEncoding.DecodeString(html.UnescapeString(shown[1]))
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 3 || parts[0] != form.Get("oauth_token") {
		t.Fatalf("the tokens are %q: %v", raw, err)
	}
	p := h.program()
	p.c.Token, p.c.TokenSecret = parts[1], parts[2]
	if status, list := p.call(rpc.DataPath+"/rpc", `[{"method":"wavelet.appendBlip","id":"op1","params":{`+ids(name)+`,"blipData":{"content":"\nx"}}}]`); status != 200 || len(list) != 1 || list[0].Error != nil {
		t.Errorf("a call: %d %+v", status, list)
	}
	if status, page, _ := h.do(http.MethodPost, h.url+allTokensPath, formType, form.Encode()); status != 200 || strings.Contains(page, shown[1]) {
		t.Errorf("agreed again: %d", status)
	}
}
