package host

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// trace is a recorded session of people who wrote one document at the same
// time. Positions refer to the merged text of a transaction's parents.
type trace struct {
	EndContent string
	NumAgents  int
	Txns       []transaction
}

type transaction struct {
	Agent   int
	Parents []int
	Patches []patch
}

type patch struct {
	at, gone int
	text     string
}

func (p *patch) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&p.at, &p.gone, &p.text})
}

// recorded reads a trace from beside the repository.
func recorded(t testing.TB, name string) trace {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(root, "go.mod")) {
		root = filepath.Dir(root)
	}
	file, err := os.Open(filepath.Join(root, "..", "shared", "traces", name+".json.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the recorded traces are not part of the repository and not beside it")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	if err := json.NewDecoder(unzipped).Decode(&tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// clocks counts, for each transaction, how many of each agent's transactions it
// knows, its own included.
func (tr trace) clocks() [][]int {
	clocks := make([][]int, len(tr.Txns))
	for i, txn := range tr.Txns {
		clock := make([]int, tr.NumAgents)
		for _, parent := range txn.Parents {
			for agent, n := range clocks[parent] {
				clock[agent] = max(clock[agent], n)
			}
		}
		clock[txn.Agent]++
		clocks[i] = clock
	}
	return clocks
}

// agent is somebody who takes part in a trace: a text of one's own, and what
// others have committed that one does not know yet, as it would apply to it.
type agent struct {
	doc    *richtext.Doc
	seen   []int // transactions of each agent in the text
	unseen []foreign
	base   wavelet.Version // the newest commit in the text
}

type foreign struct {
	agent   int
	version wavelet.Version
	delta   richtext.Delta
}

// learn takes the oldest unseen commit into the text.
func (a *agent) learn(t testing.TB) {
	t.Helper()
	next := a.unseen[0]
	a.unseen = a.unseen[1:]
	if err := a.doc.Apply(next.delta); err != nil {
		t.Fatal(err)
	}
	a.seen[next.agent]++
	a.base = max(a.base, next.version)
}

// pass moves a delta on the agent's text past all unseen commits, and those past
// the delta. It returns the delta as it applies to the newest commit, and as it
// applies to base.
func (a *agent) pass(d richtext.Delta, base wavelet.Version) (atHead, atBase richtext.Delta) {
	atBase = d
	for i := range a.unseen {
		u := &a.unseen[i]
		d, u.delta = richtext.Transform(u.delta, d, true), richtext.Transform(d, u.delta, false)
		if u.version <= base {
			atBase = d
		}
	}
	return d, atBase
}

// write makes the delta of a transaction against the agent's text, and applies
// it.
func (a *agent) write(t testing.TB, txn transaction) richtext.Delta {
	t.Helper()
	var d richtext.Delta
	for _, p := range txn.Patches {
		d = richtext.Compose(d, insert(p.at, p.text).Delete(p.gone))
	}
	if err := a.doc.Apply(d); err != nil {
		t.Fatal(err)
	}
	a.seen[txn.Agent]++
	return d
}

// order puts the transactions into one line: each behind those it knows, and of
// concurrent ones that of the lower agent first. So the history's priority is
// the one that the recording merged by.
func (tr trace) order(clocks [][]int) []int {
	waiting := make([][]int, tr.NumAgents)
	for i, txn := range tr.Txns {
		waiting[txn.Agent] = append(waiting[txn.Agent], i)
	}
	var order []int
	placed := make([]int, tr.NumAgents)
	ready := func(a int) bool {
		if placed[a] == len(waiting[a]) {
			return false
		}
		for other, n := range clocks[waiting[a][placed[a]]] {
			if other != a && n > placed[other] {
				return false
			}
		}
		return true
	}
	for len(order) < len(tr.Txns) {
		a := 0
		for !ready(a) {
			a++
		}
		order = append(order, waiting[a][placed[a]])
		placed[a]++
	}
	return order
}

// Each agent of a recorded session is a client on its own text; the host puts
// its deltas, made on what the agent knew, behind what others committed
// meanwhile. In the end every agent's text, the host's and the replay of the
// log are the text that the recording ended with, to the letter.
func TestRecordedSessions(t *testing.T) {
	for _, name := range []string{"clownschool", "friendsforever"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replaySession(t, recorded(t, name))
		})
	}
}

func replaySession(t *testing.T, tr trace) {
	h := began(t, NewMemoryLog(), Options{})
	founded(t, h, plans, "")
	clocks := tr.clocks()
	order := tr.order(clocks)
	if raceEnabled {
		order = order[:3000]
	}
	agents := make([]*agent, tr.NumAgents)
	for i := range agents {
		doc, err := richtext.NewDoc(insert(0, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		agents[i] = &agent{doc: doc, seen: make([]int, tr.NumAgents), base: 1}
	}
	late := 0
	for n, i := range order {
		txn := tr.Txns[i]
		a := agents[txn.Agent]
		for other, known := range clocks[i] {
			for other != txn.Agent && a.seen[other] < known {
				a.learn(t)
			}
		}
		atHead, atBase := a.pass(a.write(t, txn), a.base)
		c := submit(t, h, plans, edit(fmt.Sprintf("%06d/%d", n, txn.Agent), a.base, atBase))
		if len(atHead) == 0 {
			continue
		}
		if got := c.Delta.Ops[0].(wavelet.EditBlip).Delta; !got.Equal(atHead) {
			t.Fatalf("transaction %d on base %d became %v, want %v", i, a.base, got, atHead)
		}
		if c.Version > a.base+1 {
			late++
		}
		a.base = c.Version
		for other, o := range agents {
			if other != txn.Agent {
				o.unseen = append(o.unseen, foreign{txn.Agent, c.Version, atHead})
			}
		}
	}
	text := at(t, h, plans, Head).Text()
	for i, a := range agents {
		for len(a.unseen) > 0 {
			a.learn(t)
		}
		if a.doc.Text() != text {
			t.Errorf("agent %d ends with another text", i)
		}
	}
	if replayed(t, plans, history(t, h, plans)).Text() != text {
		t.Error("the log replays to another text")
	}
	if len(order) == len(tr.Txns) && text != tr.EndContent+"\n" {
		t.Errorf("the text of %d bytes is not the recorded one of %d", len(text)-1, len(tr.EndContent))
	}
	if late == 0 {
		t.Error("the host had nothing to transform")
	}
	t.Logf("%d transactions, %d of them on an older base", len(order), late)
}
