package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"weir/store"
	"weir/wavelet"
	"weir/wavelet/client"
)

// loginToken is a login token of user that was issued now and lasts so long.
func loginToken(t *testing.T, user wavelet.Participant, life time.Duration) string {
	t.Helper()
	now := time.Now()
	return sign(t, jwt.SigningMethodHS256, []byte(loginSecret), "k1",
		jwt.MapClaims{"sub": string(user), "iat": now.Unix(), "exp": now.Add(life).Unix()})
}

// show is the answer to POST /connect with a token.
func (h *house) show(token string) (int, client.Ticket, client.Error) {
	h.t.Helper()
	status, _, answer := h.rest("", "POST", "/connect", fmt.Sprintf(`{"token":%q}`, token))
	var got struct {
		client.Ticket
		Err client.Error `json:"err"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		h.t.Fatal(err)
	}
	return status, got.Ticket, got.Err
}

// loggedIn is a connected socket of the person whom a token lets in.
func (h *house) loggedIn(token string) *wire {
	h.t.Helper()
	status, ticket, e := h.show(token)
	if status != http.StatusOK {
		h.t.Fatalf("POST /connect: %d %+v", status, e)
	}
	w := h.spend(ticket)
	w.say(`{"id":1,"op":"connect","protocol":1}`)
	if f := w.hear(); f.Err != nil {
		h.t.Fatal(f.Err)
	}
	return w
}

// spend opens a socket with a ticket.
func (h *house) spend(ticket client.Ticket) *wire {
	h.t.Helper()
	conn, _, err := websocket.Dial(h.t.Context(), h.url+"/ws?ticket="+ticket.Ticket, &websocket.DialOptions{HTTPClient: h.http})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.CloseNow() })
	return &wire{t: h.t, conn: conn}
}

// refresh sends a token over an open socket.
func (w *wire) refresh(token string) (client.RefreshOK, *client.Error) {
	w.t.Helper()
	w.say(fmt.Sprintf(`{"id":9,"op":"refresh","token":%q}`, token))
	f := w.hear()
	var ok client.RefreshOK
	if f.Err == nil {
		if err := json.Unmarshal(f.OK, &ok); err != nil {
			w.t.Fatal(err)
		}
	}
	return ok, f.Err
}

func TestALoginIsRenewedOverTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		start := time.Now()
		w := h.loggedIn(loginToken(t, ann, 10*time.Second))
		time.Sleep(9 * time.Second)
		if ok, err := w.refresh(loginToken(t, ann, 10*time.Second)); err != nil || !ok.Expires.Equal(start.Add(19*time.Second)) {
			t.Fatalf("refreshed until %s, %v", ok.Expires, err)
		}
		if got := w.closed(); got != client.CloseLoginExpired || time.Since(start) != 19*time.Second {
			t.Errorf("closed with %d after %s", got, time.Since(start))
		}
		h.close()
	})
}

// TestARefusedRefreshChangesNothing has the socket go on until its first token
// expires.
func TestARefusedRefreshChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plan{pipes: newPipes()}.build(t)
		start := time.Now()
		short := loginToken(t, ann, time.Second)
		w := h.loggedIn(loginToken(t, ann, 10*time.Second))
		time.Sleep(2 * time.Second)
		for name, test := range map[string]struct {
			token string
			code  int
		}{
			"expired":         {short, client.CodeExpired},
			"somebody else's": {loginToken(t, bob, 9*time.Hour), client.CodeUnauthorized},
			"the operators'":  {adminToken, client.CodeUnauthorized},
			"forged":          {loginToken(t, ann, 9*time.Hour) + "x", client.CodeUnauthorized},
			"nonsense":        {"nonsense", client.CodeUnauthorized},
			"empty":           {"", client.CodeUnauthorized},
		} {
			if _, err := w.refresh(test.token); err == nil || err.Code != test.code || err.Field != "token" || err.Remedy == "" {
				t.Errorf("%s: %+v", name, err)
			}
		}
		for _, frame := range []string{`{"id":9,"op":"refresh"}`, `{"id":9,"op":"refresh","token":7}`, `{"id":9,"op":"refresh","token":"x","user":"ann@example.com"}`} {
			w.say(frame)
			if f := w.hear(); f.Err == nil || f.Err.Code < 400 {
				t.Errorf("%s: %s %+v", frame, f.OK, f.Err)
			}
		}
		if got := w.closed(); got != client.CloseLoginExpired || time.Since(start) != 10*time.Second {
			t.Errorf("closed with %d after %s", got, time.Since(start))
		}
		h.close()
	})
}

func TestRevokedLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		h := plan{pipes: newPipes(), memory: memory}.build(t)
		old, bobs := loginToken(t, ann, 24*time.Hour), loginToken(t, bob, 24*time.Hour)
		ageless := sign(t, jwt.SigningMethodHS256, []byte(loginSecret), "k1", jwt.MapClaims{"sub": string(ann), "exp": time.Now().Add(time.Hour).Unix()})
		_, unspent, _ := h.show(ageless)
		one, two, other := h.loggedIn(old), h.loggedIn(ageless), h.loggedIn(bobs)
		time.Sleep(10 * time.Second)

		for who, want := range map[string]int{"": 401, string(ann): 401, "admin": 200} {
			status, _, answer := h.rest(who, "POST", "/api/v1/users/ann@example.com/revoke", "")
			if status != want {
				t.Errorf("as %q: %d %s", who, status, answer)
			}
			if who == "admin" && (one.closed() != client.CloseLoginExpired || two.closed() != client.CloseLoginExpired) {
				t.Error("ann's sockets are closed otherwise")
			}
		}
		if got := h.spend(unspent).closed(); got != client.CloseLoginExpired {
			t.Errorf("a ticket from before the revocation: closed with %d", got)
		}
		if _, err := other.refresh(old); err == nil {
			t.Error("bob's socket is renewed by ann's token")
		}
		if status, _, _ := h.rest("admin", "POST", "/api/v1/users/nobody/revoke", ""); status != 400 {
			t.Errorf("no address: %d", status)
		}
		for restarts := range 2 {
			for _, token := range []string{old, ageless} {
				if status, _, e := h.show(token); status != 401 || e.Code != client.CodeExpired || e.Reason != "revoked" || e.Remedy == "" {
					t.Errorf("after %d restarts: %d %+v", restarts, status, e)
				}
			}
			if status, _, _ := h.show(bobs); status != 200 {
				t.Errorf("after %d restarts bob: %d", restarts, status)
			}
			if restarts == 0 {
				if status, _, _ := h.show(loginToken(t, ann, time.Hour)); status != 401 {
					t.Errorf("a token of the same second: %d", status)
				}
			}
			time.Sleep(time.Second)
			if status, _, _ := h.show(loginToken(t, ann, time.Hour)); status != 200 {
				t.Errorf("after %d restarts a new token: %d", restarts, status)
			}
			h.close()
			h = plan{pipes: newPipes(), memory: memory}.build(t)
		}
		h.close()
	})
}
