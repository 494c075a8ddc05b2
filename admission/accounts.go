package admission

import (
	"container/list"
	"sync"
	"time"
)

// Accounts keeps the accounts of many owners, such as users or addresses, and
// not more than so many. One that is in use is kept. Of the others the one that
// was used longest ago is forgotten for a newcomer, but only if it is full:
// otherwise whoever has many addresses could have his levels forgotten, or
// those of others, by coming from ever more. If there is none to forget,
// newcomers share one account until there is. It is safe for concurrent use.
type Accounts[K comparable] struct {
	mu     sync.Mutex
	most   int
	all    map[K]*Held[K]
	idle   *list.List // of *Held[K], the longest ago first
	common Held[K]
}

// Held is an account that its owner is using.
type Held[K comparable] struct {
	Account
	owner K
	uses  int
	idle  *list.Element // nil while in use
}

// NewAccounts keeps at most so many.
func NewAccounts[K comparable](most int) *Accounts[K] {
	return &Accounts[K]{most: most, all: map[K]*Held[K]{}, idle: list.New()}
}

// tries is how many idle accounts are looked at for one that can be forgotten.
const tries = 4

// Enter is the account of an owner, to be used until Leave.
func (t *Accounts[K]) Enter(owner K, now time.Time) *Held[K] {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.all[owner]
	if h == nil {
		if len(t.all) >= t.most && !t.forget(now) {
			return &t.common
		}
		h = &Held[K]{owner: owner}
		t.all[owner] = h
	}
	if h.idle != nil {
		t.idle.Remove(h.idle)
		h.idle = nil
	}
	h.uses++
	return h
}

// Leave ends one use of an account.
func (t *Accounts[K]) Leave(h *Held[K]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h == &t.common {
		return
	}
	if h.uses--; h.uses == 0 {
		h.idle = t.idle.PushBack(h)
	}
}

// Len is how many accounts are kept.
func (t *Accounts[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// forget makes room for one; false if there is nothing to forget.
func (t *Accounts[K]) forget(now time.Time) bool {
	for range min(tries, t.idle.Len()) {
		e := t.idle.Front()
		h := e.Value.(*Held[K])
		if h.full(now) {
			t.idle.Remove(e)
			delete(t.all, h.owner)
			return true
		}
		t.idle.MoveToBack(e) // it is to stay: next time others are looked at
	}
	return false
}
