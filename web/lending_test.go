package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/admission"
)

// oneLender has the accounts of all nodes.
type oneLender struct {
	rules   *admission.Rules
	account admission.Account
	asked   chan string
}

func (l *oneLender) Lease(_ context.Context, account string, asks []admission.Ask) ([]admission.Lease, error) {
	l.asked <- account
	return l.account.Lend(l.rules, time.Now(), asks), nil
}

func (l *oneLender) Nodes() int { return 2 }

// TestTwoNodesShareALimit has ann use up on one node what she had on both.
func TestTwoNodesShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := settings(t, `cluster_user_command_rate_limit: {enabled: true, rpc: {buckets: [{interval: 1h, rate: 40}]}}`)
		lender := &oneLender{rules: admission.NewRules(c.ClusterUserCommands, time.Now()), asked: make(chan string, 1000)}
		first, second := plan{pipes: newPipes(), admission: c, lender: lender}.build(t), plan{pipes: newPipes(), admission: c, lender: lender}.build(t)
		use := func(h *house) (n int, refusal string) {
			for ; n < 100; n++ {
				if status, _, text := h.rest(string(ann), "GET", "/api/v1/profiles", ""); status == http.StatusTooManyRequests {
					return n, text
				}
			}
			return n, ""
		}
		n, refusal := use(first)
		if n < 20 || n > 40 || !strings.Contains(refusal, `"scope":"cluster"`) || !strings.Contains(refusal, "retry_after_ms") {
			t.Errorf("%d commands let in on the first node, then %s", n, refusal)
		}
		more, refusal := use(second)
		if n+more > 60 || !strings.Contains(refusal, `"scope":"cluster"`) { // 40, and what a node may do by itself while it waits for an answer
			t.Errorf("%d commands let in on the second node after %d on the first, then %s", more, n, refusal)
		}
		if len(lender.asked) == 0 || <-lender.asked != string(ann) {
			t.Error("the lender was asked about somebody else")
		}
		t.Log(n, more, len(lender.asked)+1)
	})
}
