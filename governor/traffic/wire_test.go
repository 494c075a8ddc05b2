package traffic

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/governor"
	"weir/wavelet"
	"weir/wavelet/richtext"
)

var (
	epoch = time.Date(2026, time.March, 2, 9, 0, 0, 123456000, time.UTC)
	room  = wavelet.Name{Wave: "example.com!w+main", Wavelet: "example.com!conv+root"}
)

// everyKind is a row of each kind, with every field set somewhere.
func everyKind() []Row {
	seat := wavelet.Seat{Wavelet: room, Robot: "echo@example.com"}
	human := wavelet.Cause{ID: "0190a0c2-1111-7abc-8def-0123456789ab/17", Kind: wavelet.Human}
	exact := wavelet.Cause{ID: human.ID, Depth: 3, Exact: 3, Parent: "b@example.com", Bundle: "00112233445566778899aabbccddeeff", Kind: wavelet.Robot}
	assumed := wavelet.Cause{ID: human.ID, Depth: 7, Exact: 2, Parent: "c+ann#2@example.com", Kind: wavelet.Assumed}
	one := governor.Delivery{Seat: seat, Bundle: "ffeeddccbbaa99887766554433221100", RobotLane: true, Cause: exact, Author: "b@example.com", Sent: epoch,
		Parts: []governor.Part{{Author: "b@example.com", Cause: exact}}}
	two := one
	two.Parts = []governor.Part{{Author: "c@example.com", Cause: assumed}, {Author: "b@example.com", Cause: exact}}
	two.Sent = epoch.Add(-3 * time.Second)
	text := richtext.Delta{}.Retain(4, richtext.Attributes{}).Insert("xxx\n", richtext.Attributes{})
	commit := func(by wavelet.Participant, c wavelet.Cause, id wavelet.DeltaID, ops ...wavelet.Op) Row {
		return Row{Kind: Commit, Commit: wavelet.Commit{Wavelet: room, Delta: wavelet.Delta{ID: id, Author: by, Cause: c, Ops: ops}}}
	}
	rows := []Row{
		{Kind: Start},
		{Kind: Gap, Missing: 12},
		commit("ann@example.com", human, "client/1", wavelet.EditBlip{Delta: text}, wavelet.EditBlip{Delta: richtext.Delta{}.Delete(9)}),
		commit("b@example.com", exact, wavelet.DeltaID(exact.Bundle+"/0"), wavelet.CreateBlip{Content: text}),
		commit("weir@example.com", wavelet.Cause{Kind: wavelet.System}, "evict/abc", wavelet.RemoveParticipant{Who: "b@example.com"}, wavelet.AddParticipant{Who: "c@example.com"}),
		commit("ann@example.com", human, "7/07", wavelet.DeleteBlip{}, wavelet.CreateThread{}, wavelet.SetRole{}, wavelet.SetTitle{}, wavelet.SetTag{}, wavelet.SetData{}, wavelet.ClickForm{}),
		{Kind: Deliver, Delivery: one},
		{Kind: Deliver, Delivery: two, Outcome: Delayed, Delay: 1500 * time.Millisecond},
		{Kind: Deliver, Delivery: governor.Delivery{Seat: seat, Bundle: "x", Cause: human, Author: "ann@example.com"}, Outcome: Refused},
		{Kind: Answer, Answer: governor.Answer{Robot: seat.Robot, Wavelet: room, Delta: wavelet.DeltaID(one.Bundle + "/0"), Named: one}},
		{Kind: Answer, Answer: governor.Answer{Robot: "d@example.com", Wavelet: room, Delta: "0190a0c2-1111-7abc-8def-0123456789ab", Door: governor.Call, Named: two}, Delay: time.Second},
		{Kind: Answer, Answer: governor.Answer{Robot: "d@example.com", Wavelet: room, Delta: "a/1/2", Door: governor.Call, Forged: true}, Outcome: Refused},
		{Kind: Call, Robot: seat.Robot, LimitsQuery: true},
		{Kind: Call, Robot: seat.Robot, Delay: 500 * time.Millisecond},
		{Kind: Readmit, Seat: seat, By: "ann@example.com", Override: true},
		{Kind: Resume, Robot: seat.Robot},
		{Kind: Forget, Robot: seat.Robot},
	}
	for i := range rows {
		rows[i].At = epoch.Add(time.Duration(i) * 37 * time.Millisecond)
	}
	return rows
}

// write gives the bytes of rows.
func write(rows []Row) []byte {
	w := &wire{}
	w.restart()
	for i := range rows {
		w.row(&rows[i])
	}
	return w.data
}

// readAll reads rows as long as there are any.
func readAll(data []byte) ([]Row, error) {
	w := &wire{reading: true, data: data}
	w.restart()
	var rows []Row
	for len(w.data) > 0 {
		var r Row
		if w.row(&r); w.err != nil {
			return rows, w.err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func TestRowsReadAsTheyWereWritten(t *testing.T) {
	var want []Row
	for range 3 { // the second time with all names known
		want = append(want, everyKind()...)
	}
	got, err := readAll(write(want))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i].Kind == Commit {
			want[i].Commit.At = want[i].At
			for j, op := range want[i].Commit.Delta.Ops { // where it stands in the text is not kept
				switch op := op.(type) {
				case wavelet.EditBlip:
					want[i].Commit.Delta.Ops[j] = wavelet.EditBlip{Delta: measure(op.Delta).delta()}
				case wavelet.CreateBlip:
					want[i].Commit.Delta.Ops[j] = wavelet.CreateBlip{Content: measure(op.Content).delta()}
				}
			}
		}
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b richtext.Delta) bool { return a.Equal(b) })); d != "" {
		t.Errorf("written and read differ (-want +got):\n%s", d)
	}
}

// TestNamesBeyondTheMemory writes more strings than are remembered, and old ones
// again in between.
func TestNamesBeyondTheMemory(t *testing.T) {
	rows := make([]Row, 0, 6*remembered)
	for n := range 2 * remembered {
		rows = append(rows, Row{Kind: Resume, At: epoch, Robot: wavelet.Participant(fmt.Sprintf("r%d@example.com", n))},
			Row{Kind: Resume, At: epoch, Robot: wavelet.Participant(fmt.Sprintf("r%d@example.com", n/2))},
			Row{Kind: Resume, At: epoch, Robot: "always@example.com"})
	}
	got, err := readAll(write(rows))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if got[i].Robot != rows[i].Robot {
			t.Fatalf("row %d names %s, not %s", i, got[i].Robot, rows[i].Robot)
		}
	}
}

// FuzzRows reads anything. What reads is written and read again the same.
func FuzzRows(f *testing.F) {
	f.Add(write(everyKind()))
	for _, r := range everyKind() {
		f.Add(write([]Row{r}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, _ := readAll(data)
		once := write(rows)
		again, err := readAll(once)
		if err != nil || len(again) != len(rows) {
			t.Fatalf("%d rows were written and %d read: %v", len(rows), len(again), err)
		}
		if twice := write(again); !bytes.Equal(once, twice) {
			t.Fatalf("the same rows were written as %x and as %x", once, twice)
		}
	})
}
