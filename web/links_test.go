package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/robots"
	"weir/store"
	"weir/wavelet"
	"weir/wavelet/client"
)

// at names a wavelet in a frame.
func at(name wavelet.Name) string {
	return fmt.Sprintf(`"wave":%q,"wavelet":%q`, name.Wave, name.Wavelet)
}

// ask sends a frame and reads until its answer comes; the pushes before it are
// given to the test too.
func (w *wire) ask(into any, frame string) (*client.Error, []client.Frame) {
	w.t.Helper()
	w.say(`{"id":77,` + frame + `}`)
	var before []client.Frame
	for {
		f := w.hear()
		if f.ID != 77 {
			before = append(before, f)
			continue
		}
		if f.Err == nil && into != nil {
			if err := json.Unmarshal(f.OK, into); err != nil {
				w.t.Fatal(err)
			}
		}
		return f.Err, before
	}
}

// rpc calls a method.
func (w *wire) rpc(into any, method, params string) *client.Error {
	w.t.Helper()
	err, _ := w.ask(into, fmt.Sprintf(`"op":"rpc","method":%q,"params":{%s}`, method, params))
	return err
}

// share makes a link over an open socket.
func (w *wire) share(name wavelet.Name, more string) client.ShareLink {
	w.t.Helper()
	var link client.ShareLink
	if err := w.rpc(&link, "link.create", at(name)+more); err != nil || link.Token == "" {
		w.t.Fatalf("link.create: %+v, %v", link, err)
	}
	return link
}

// follow subscribes by a link.
func (w *wire) follow(name wavelet.Name, token string) (client.SubscribeOK, *client.Error) {
	w.t.Helper()
	var ok client.SubscribeOK
	err, _ := w.ask(&ok, fmt.Sprintf(`"op":"subscribe",%s,"link":%q`, at(name), token))
	return ok, err
}

// write has a participant say something.
func (h *house) write(who wavelet.Participant, name wavelet.Name, text string) {
	h.t.Helper()
	if status, _, answer := h.rest(string(who), "POST", "/api/v1/waves/"+name.String()+"/blips", fmt.Sprintf(`{"text":%q}`, text)); status != http.StatusCreated {
		h.t.Fatalf("%s writes: %d %s", who, status, answer)
	}
}

// ends expects an unsubscribed push next.
func (w *wire) ends(code int, reason string) {
	w.t.Helper()
	if f := w.hear(); f.Push != client.PushUnsubscribed || f.Err == nil || f.Err.Code != code || f.Err.Reason != reason || f.Err.Remedy == "" {
		w.t.Errorf("heard %+v, %+v; want unsubscribed with %d", f, f.Err, code)
	}
}

func TestAReaderByLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name, other := h.wave(), h.wave()
		h.write(ann, name, "for all to read")
		a, e := h.raw(ann).listen(), h.raw(eve).listen()
		link := a.share(name, `,"expires_in":20`)
		if link.Role != "read" || link.Creator != string(ann) || link.Expires.Sub(link.Created) != 20*time.Second {
			t.Errorf("made %+v", link)
		}
		by := fmt.Sprintf(`,"link":%q`, link.Token)
		ok, err := e.follow(name, link.Token)
		if err != nil || ok.Role != "read" || !ok.Expires.Equal(link.Expires) || ok.Snapshot == nil || len(ok.Snapshot.Participants) != 1 {
			t.Fatalf("subscribed: %+v, %v", ok, err)
		}
		h.write(ann, name, "live")
		if f := e.hear(); f.Push != client.PushCommit || !strings.Contains(string(f.Ops), "live") {
			t.Errorf("heard %+v", f)
		}
		var past client.HistoryOK
		if err, _ := e.ask(&past, `"op":"history",`+at(name)+`,"from":0`+by); err != nil || len(past.Commits) != 3 {
			t.Errorf("history: %+v, %v", past, err)
		}
		var page struct{ Content string }
		if err := e.rpc(&page, "wavelet.export", at(name)+`,"format":"text"`+by); err != nil || !strings.Contains(page.Content, "for all to read") {
			t.Errorf("export: %q, %v", page.Content, err)
		}
		root := h.state(name).Root()
		for what, frame := range map[string]string{
			"history without the link": `"op":"history",` + at(name) + `,"from":0`,
			"export without the link":  `"op":"rpc","method":"wavelet.export","params":{` + at(name) + `,"format":"text"}`,
			"publish":                  fmt.Sprintf(`"op":"publish",%s,"base":3,"seq":1,"ops":[{"edit":{"blip":%q,"ops":[{"insert":"x"}]}}]`, at(name), root),
			"title":                    `"op":"rpc","method":"wavelet.title","params":{` + at(name) + `,"title":"mine"}`,
			"add herself":              `"op":"rpc","method":"participant.add","params":{` + at(name) + `,"who":"eve@example.com"}`,
			"see the links":            `"op":"rpc","method":"link.list","params":{` + at(name) + `}`,
			"share on":                 `"op":"rpc","method":"link.create","params":{` + at(name) + `}`,
			"revoke":                   `"op":"rpc","method":"link.revoke","params":{` + at(name) + `,"id":"` + link.ID + `"}`,
			"done":                     `"op":"rpc","method":"blip.done","params":{` + at(name) + `,"blip":"` + string(root) + `"}`,
		} {
			if err, _ := e.ask(nil, frame); err == nil || err.Code != client.CodeNotParticipant {
				t.Errorf("%s: %+v", what, err)
			}
		}
		if err := e.rpc(nil, "link.join", at(name)+by); err == nil || err.Code != client.CodeForbidden {
			t.Errorf("joined by a link to read: %+v", err)
		}
		if _, err := e.follow(other, link.Token); err == nil || err.Code != client.CodeForbidden || err.Field != "link" || err.Remedy == "" {
			t.Errorf("it opens another wavelet: %+v", err)
		}
		if v := h.state(name).Version(); v != 3 {
			t.Errorf("the wavelet is at version %d", v)
		}
		time.Sleep(time.Until(link.Expires) - 1)
		synctest.Wait()
		h.write(ann, name, "the last word")
		if f := e.hear(); f.Push != client.PushCommit {
			t.Errorf("heard %+v", f)
		}
		time.Sleep(time.Nanosecond)
		e.ends(client.CodeExpired, "link_expired")
		h.write(ann, name, "among ourselves")
		if _, err := e.follow(name, link.Token); err == nil || err.Code != client.CodeExpired || err.Reason != "link_expired" {
			t.Errorf("after it expired: %+v", err)
		}
		h.close()
	})
}

func TestALinkIsRenewedOrRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		a, e := h.raw(ann).listen(), h.raw(eve).listen()
		short, long := a.share(name, `,"expires_in":2`), a.share(name, ``)
		if _, err := e.follow(name, short.Token); err != nil {
			t.Fatal(err)
		}
		refresh := func(token string) (client.RefreshOK, *client.Error) {
			var ok client.RefreshOK
			err, pushes := e.ask(&ok, fmt.Sprintf(`"op":"sub_refresh",%s,"link":%q`, at(name), token))
			if len(pushes) > 0 {
				t.Errorf("pushed %+v", pushes)
			}
			return ok, err
		}
		if _, err := refresh("wl_nonsense"); err == nil || err.Code != client.CodeForbidden || err.Field != "link" {
			t.Errorf("renewed by nonsense: %+v", err)
		}
		if ok, err := refresh(long.Token); err != nil || !ok.Expires.Equal(long.Expires) || long.Expires.Sub(long.Created) != 7*24*time.Hour {
			t.Errorf("renewed: %+v, %v", ok, err)
		}
		time.Sleep(5 * time.Second) // past the first
		h.write(ann, name, "still there")
		if f := e.hear(); f.Push != client.PushCommit {
			t.Errorf("heard %+v, %v", f, f.Err)
		}
		if err := a.rpc(nil, "link.revoke", at(name)+`,"id":"`+long.ID+`"`); err != nil {
			t.Fatal(err)
		}
		e.ends(client.CodeForbidden, "bad_link")
		if _, err := refresh(long.Token); err == nil || err.Code != client.CodeNotSubscribed {
			t.Errorf("renewed what has ended: %+v", err)
		}
		if _, err := e.follow(name, long.Token); err == nil || err.Code != client.CodeForbidden {
			t.Errorf("subscribed by a revoked link: %+v", err)
		}
		if err := a.rpc(nil, "link.revoke", at(name)+`,"id":"`+long.ID+`"`); err == nil || err.Code != client.CodeUnknownLink {
			t.Errorf("revoked again: %+v", err)
		}
		h.close()
	})
}

func TestJoiningByLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		name := h.wave(bob)
		a, e := h.raw(ann).listen(), h.raw(eve).listen()
		link := a.share(name, `,"role":"comment","expires_in":5`)
		if _, err := e.follow(name, link.Token); err != nil {
			t.Fatal(err)
		}
		join := at(name) + fmt.Sprintf(`,"link":%q`, link.Token)
		var placed client.Placed
		if err := e.rpc(&placed, "link.join", join); err != nil || placed.Version != 2 {
			t.Fatalf("joined: %+v, %v", placed, err)
		}
		if role, in := h.state(name).Role(eve); !in || role != wavelet.Comment {
			t.Errorf("eve is in: %v, %s", in, role)
		}
		if err := e.rpc(&placed, "link.join", join); err != nil || placed.Version != 2 {
			t.Errorf("joined again: %+v, %v", placed, err)
		}
		var past client.HistoryOK
		if err, _ := e.ask(&past, `"op":"history",`+at(name)+`,"from":1`); err != nil || len(past.Commits) != 1 ||
			past.Commits[0].Author != string(ann) || !strings.Contains(string(past.Commits[0].Ops), `"who":"eve@example.com","role":"comment"`) {
			t.Errorf("the history says %+v, %v", past.Commits, err)
		}
		var list client.ShareLinks
		if err := a.rpc(&list, "link.list", at(name)); err != nil || len(list.Links) != 1 || list.Links[0].Token != "" ||
			len(list.Links[0].Joined) != 1 || list.Links[0].Joined[0].Who != string(eve) {
			t.Errorf("the links are %+v, %v", list, err)
		}
		if err := e.rpc(nil, "link.list", at(name)); err == nil || err.Code != client.CodeForbidden {
			t.Errorf("a commenter sees the links: %+v", err)
		}
		time.Sleep(10 * time.Second) // past the link: she takes part
		h.write(ann, name, "welcome")
		f := e.hear()
		if f.Version == 2 { // her own joining, if the last answer came before it
			f = e.hear()
		}
		if f.Push != client.PushCommit || !strings.Contains(string(f.Ops), "welcome") {
			t.Errorf("heard %+v, %v", f, f.Err)
		}
		h.close()
	})
}

// TestLinksDieWithTheirMakersRole removes and demotes those who shared, and
// lets them back in: their links stay dead, over a restart too.
func TestLinksDieWithTheirMakersRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		h := plan{pipes: newPipes(), memory: memory}.build(t)
		name := h.wave(bob)
		a, b, e := h.raw(ann).listen(), h.raw(bob).listen(), h.raw(eve).listen()
		anns, bobs := a.share(name, `,"role":"full"`), b.share(name, `,"role":"full"`)
		if _, err := e.follow(name, bobs.Token); err != nil {
			t.Fatal(err)
		}
		if err := a.rpc(nil, "participant.role", at(name)+`,"who":"bob@example.com","role":"comment"`); err != nil {
			t.Fatal(err)
		}
		first := e.hear()
		for first.Push == client.PushCommit {
			first = e.hear()
		}
		if first.Push != client.PushUnsubscribed || first.Err == nil || first.Err.Code != client.CodeForbidden {
			t.Errorf("heard %+v, %v", first, first.Err)
		}
		if err := a.rpc(nil, "participant.role", at(name)+`,"who":"bob@example.com","role":"full"`); err != nil {
			t.Fatal(err)
		}
		again := b.share(name, "")
		if err := a.rpc(nil, "participant.remove", at(name)+`,"who":"bob@example.com"`); err != nil {
			t.Fatal(err)
		}
		if err := a.rpc(nil, "participant.add", at(name)+`,"who":"bob@example.com","role":"full"`); err != nil {
			t.Fatal(err)
		}
		for restarts := range 2 {
			for _, dead := range []client.ShareLink{bobs, again} {
				if _, err := e.follow(name, dead.Token); err == nil || err.Code != client.CodeForbidden {
					t.Errorf("after %d restarts: %+v", restarts, err)
				}
				if err := e.rpc(nil, "link.join", at(name)+fmt.Sprintf(`,"link":%q`, dead.Token)); err == nil || err.Code != client.CodeForbidden {
					t.Errorf("after %d restarts joined: %+v", restarts, err)
				}
			}
			if _, err := e.follow(name, anns.Token); err != nil {
				t.Errorf("after %d restarts ann's: %+v", restarts, err)
			}
			h.close()
			h = plan{pipes: newPipes(), memory: memory}.build(t)
			e = h.raw(eve).listen()
		}
		h.close()
	})
}

func TestLinksOverREST(t *testing.T) {
	h := build(t, nil)
	name := h.wave(bob)
	h.write(ann, name, "over REST")
	path := "/api/v1/waves/" + name.String()
	for _, test := range []struct {
		who, body string
		status    int
	}{
		{string(ann), `{"role":"owner"}`, 422}, {string(ann), `{"expires_in":-1}`, 422}, {string(ann), `{"expires_in":31536001}`, 422},
		{string(eve), `{}`, 403}, {"admin", `{}`, 401}, {"", `{}`, 401},
	} {
		if status, _, answer := h.rest(test.who, "POST", path+"/links", test.body); status != test.status {
			t.Errorf("%q makes %s: %d %s", test.who, test.body, status, answer)
		}
	}
	status, _, answer := h.rest(string(bob), "POST", path+"/links", `{"role":"full","expires_in":3600}`)
	var link client.ShareLink
	if err := json.Unmarshal([]byte(answer), &link); err != nil || status != http.StatusCreated || link.Token == "" {
		t.Fatalf("made: %d %s", status, answer)
	}
	robot, key, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, read := range []string{"", "?format=text", "/history?from=0", "/attachments/none"} {
		for who, want := range map[string]int{string(eve): 200, "key " + key: 401, "": 401} {
			status, answer := h.reading(who, path+read, link.Token)
			if read == "/attachments/none" { // it reads as far as that there is none; a robot takes part or not
				want = map[string]int{string(eve): 404, "key " + key: 403, "": 401}[who]
			}
			if status != want {
				t.Errorf("%q reads %q by the link: %d %s", who, read, status, answer)
			}
		}
		if status, answer := h.reading(string(eve), path+read, link.Token+"x"); status != 403 {
			t.Errorf("eve reads %q by a guess: %d %s", read, status, answer)
		}
	}
	if status, answer := h.reading(string(eve), path+"/links", link.Token); status != 403 {
		t.Errorf("eve lists the links by one: %d %s", status, answer)
	}
	for who, want := range map[string]int{string(ann): 200, "admin": 200, string(eve): 403} {
		status, _, answer := h.rest(who, "GET", path+"/links", "")
		if status != want || want == 200 && !strings.Contains(answer, link.ID) || strings.Contains(answer, link.Token) {
			t.Errorf("%s lists: %d %s", who, status, answer)
		}
	}
	if status, _, answer := h.rest(string(eve), "POST", path+"/links/join", fmt.Sprintf(`{"link":%q}`, link.Token)); status != 200 {
		t.Errorf("eve joins: %d %s", status, answer)
	}
	h.write(eve, name, "I am in")
	for _, test := range []struct {
		who    string
		status int
	}{{"key " + key, 401}, {string(ann), 204}, {"admin", 404}} {
		if status, _, answer := h.rest(test.who, "DELETE", path+"/links/"+link.ID, ""); status != test.status {
			t.Errorf("%s revokes for %s: %d %s", test.who, robot.Address, status, answer)
		}
	}
}

// reading makes a GET request with a link.
func (h *house) reading(who, path, link string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), "GET", h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Weir-Link", link)
	if key, isKey := strings.CutPrefix(who, "key "); isKey {
		r.Header.Set("Authorization", "Bearer "+key)
	} else if who != "" {
		r.Header.Set("Weir-User", who)
	}
	resp, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	_ = resp.Write(&b)
	return resp.StatusCode, b.String()
}

func TestHostileLinks(t *testing.T) {
	h := build(t, nil)
	name := h.wave()
	w := h.raw(ann)
	for frame, code := range map[string]int{
		`"op":"sub_refresh",` + at(name):                                                                         client.CodeMissingField,
		`"op":"sub_refresh",` + at(name) + `,"link":7`:                                                           client.CodeBadField,
		`"op":"sub_refresh",` + at(name) + `,"link":"x"`:                                                         client.CodeNotSubscribed,
		`"op":"publish",` + at(name) + `,"base":1,"seq":1,"ops":[],"link":"x"`:                                   client.CodeUnknownField,
		`"op":"rpc","method":"link.create","params":{` + at(name) + `,"expires_in":-1}`:                          client.CodeBadField,
		`"op":"rpc","method":"link.create","params":{` + at(name) + `,"expires_in":9223372036854775807}`:         client.CodeBadField,
		`"op":"rpc","method":"link.create","params":{` + at(name) + `,"expires_in":"7d"}`:                        client.CodeBadField,
		`"op":"rpc","method":"link.create","params":{` + at(name) + `,"role":"owner"}`:                           client.CodeBadField,
		`"op":"rpc","method":"link.create","params":{}`:                                                          client.CodeBadField,
		`"op":"rpc","method":"link.create","params":{` + at(name) + `,"token":"x"}`:                              client.CodeUnknownField,
		`"op":"rpc","method":"link.revoke","params":{` + at(name) + `,"id":"` + strings.Repeat("x", 5000) + `"}`: client.CodeUnknownLink,
	} {
		if err, _ := w.ask(nil, frame); err == nil || err.Code != code || err.Field == "" {
			t.Errorf("%.120s: %+v, want code %d", frame, err, code)
		}
	}
	e := h.raw(eve)
	for _, token := range []string{"", "wl_", "wl__", "wl_A_B", strings.Repeat("wl_", 10000), "../../link"} {
		if _, err := e.follow(name, token); err == nil || err.Code != client.CodeForbidden && err.Code != client.CodeNotParticipant {
			t.Errorf("%.40q: %+v", token, err)
		}
	}
	for range 100 {
		w.share(name, "")
	}
	if err := w.rpc(nil, "link.create", at(name)); err == nil || err.Code != client.CodeLimit || err.Remedy == "" {
		t.Errorf("link 101: %+v", err)
	}
}
