package wavelet_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

func TestOpsRoundTrip(t *testing.T) {
	const raw = `[{"edit":{"blip":"b+1","ops":[{"retain":1,"attributes":{"bold":null}},{"insert":"x😀"},{"delete":2}]}},` +
		`{"create":{"blip":"b+2","thread":"t+1","ops":[{"insert":"a\n"}]}},{"delete":{"blip":"b+3"}},` +
		`{"thread":{"id":"t+2","parent":"b+1"}},{"add":{"who":"ann@example.com","role":"comment"}},` +
		`{"remove":{"who":"ann@example.com"}},{"role":{"who":"bob@example.com","role":"read"}},` +
		`{"title":{"title":"Plans \"2\""}},{"tag":{"tag":"x"}},{"tag":{"tag":"x","remove":true}},` +
		`{"data":{"name":"d","value":""}},{"data":{"name":"d","remove":true}},{"click":{"blip":"b+1","element":"e1"}}]`
	ops, err := wavelet.DecodeOps([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := []wavelet.Op{
		wavelet.EditBlip{Blip: "b+1", Delta: richtext.Delta{}.Retain(1, richtext.Attr("bold", nil)).Insert("x😀", richtext.Attributes{}).Delete(2)},
		wavelet.CreateBlip{Blip: "b+2", Thread: "t+1", Content: text("a\n")},
		wavelet.DeleteBlip{Blip: "b+3"}, wavelet.CreateThread{Thread: "t+2", Parent: "b+1"},
		wavelet.AddParticipant{Who: ann, Role: wavelet.Comment}, wavelet.RemoveParticipant{Who: ann}, wavelet.SetRole{Who: bob, Role: wavelet.Read},
		wavelet.SetTitle{Title: `Plans "2"`}, wavelet.SetTag{Tag: "x"}, wavelet.SetTag{Tag: "x", Remove: true},
		wavelet.SetData{Name: "d"}, wavelet.SetData{Name: "d", Remove: true}, wavelet.ClickForm{Blip: "b+1", Element: "e1"},
	}
	if !reflect.DeepEqual(ops, want) {
		t.Errorf("decoded %v\nwant    %v", ops, want)
	}
	again, err := wavelet.MarshalOps(ops)
	if err != nil || string(again) != raw {
		t.Errorf("encoded %s, %v\nwant    %s", again, err, raw)
	}
	if _, err := wavelet.MarshalOps([]wavelet.Op{nil}); err == nil {
		t.Error("no op is encoded as something")
	}
}

func TestDecodeOpsLeavesOut(t *testing.T) {
	ops, err := wavelet.DecodeOps([]byte(` [ { "create" : { "blip" : "\u0062+2" } } , {"add":{"who":"ann@example.com"}}, {"data":{"name":"d","value":"\ud83d\ude00\\\"","remove":false}} ] `))
	want := []wavelet.Op{wavelet.CreateBlip{Blip: "b+2"}, wavelet.AddParticipant{Who: ann}, wavelet.SetData{Name: "d", Value: `😀\"`}}
	if err != nil || !reflect.DeepEqual(ops, want) {
		t.Errorf("%v, %v", ops, err)
	}
	if ops, err := wavelet.DecodeOps([]byte("[]")); err != nil || len(ops) != 0 {
		t.Errorf("no ops: %v, %v", ops, err)
	}
}

func TestDecodeOpsRefuses(t *testing.T) {
	for raw, want := range map[string]string{
		``:                                    `expected "["`,
		`null`:                                `expected "["`,
		`{}`:                                  `expected "["`,
		`[`:                                   `expected "{"`,
		`[]x`:                                 `follows the end`,
		`[{}]`:                                `expected a string`,
		`[{"edit":{}}]`:                       `op 0: edit.blip: the key is missing`,
		`[{"edit":null}]`:                     `expected "{"`,
		`[{"Edit":{}}]`:                       `op 0: Edit: there is no kind of op`,
		`[{"delete":{"blip":"b"}},]`:          `op 1: expected "{"`,
		`[{"delete":{"blip":"b"},"edit":{}}]`: `expected "}"`,
		`[{"delete":{"blip":"b"}} {"delete":{"blip":"b"}}]`:             `expected "]"`,
		`[{"delete":{"blip":"b","blip":"c"}}]`:                          `the key occurs twice`,
		`[{"delete":{"blip":"b","x":"c"}}]`:                             `op 0: delete.x: unknown key`,
		`[{"delete":{"blip":1}}]`:                                       `expected a string`,
		`[{"delete":{"blip":"b",}}]`:                                    `expected a string`,
		`[{"delete":{"blip":"\ud83d"}}]`:                                `not well-formed`,
		`[{"delete":{"blip":"\ude00\ud83d"}}]`:                          `not well-formed`,
		"[{\"delete\":{\"blip\":\"\xff\"}}]":                            `not well-formed`,
		"[{\"delete\":{\"blip\":\"a\nb\"}}]":                            `invalid character`,
		`[{"delete":{"blip":"\x"}}]`:                                    `invalid character`,
		`[{"delete":{"blip":"b`:                                         `does not end`,
		`[{"tag":{"tag":"x","remove":1}}]`:                              `expected true or false`,
		`[{"data":{"name":"d"}}]`:                                       `data.value: the key is missing`,
		`[{"add":{"who":"a@b","role":"owner"}}]`:                        `want full, comment or read`,
		`[{"edit":{"blip":"b","ops":{}}}]`:                              `expected an array`,
		`[{"edit":{"blip":"b","ops":[{"insert":""}]}}]`:                 `edit.ops[0].insert`,
		`[{"tag":{"tag":"x"}},{"edit":{"blip":"b","ops":[{"x":1}]}}]`:   `op 1: edit.ops[0]`,
		`[{"edit":{"blip":"b","ops":[{"insert":"]}"}`:                   `does not end`,
		`[{"edit":{"blip":"b","ops":[{"retain":1,"retain":2}]}}]`:       `(at byte 4`,
		`[{"create":{"blip":"b","ops":[{"insert":"a"},{"delete":0}]}}]`: `create.ops[1].delete`,
	} {
		ops, err := wavelet.DecodeOps([]byte(raw))
		if err == nil {
			t.Errorf("%s: accepted as %v", raw, ops)
			continue
		}
		if got := code(t, err); got != wavelet.CodeBadDelta || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s %q, want it to hold %q", raw, got, err, want)
		}
	}
	big := `[{"data":{"name":"d","value":"` + strings.Repeat("x", wavelet.MaxDelta) + `"}}]`
	if _, err := wavelet.DecodeOps([]byte(big)); code(t, err) != wavelet.CodeLimit {
		t.Errorf("over 1 MiB: %v", err)
	}
	many := `[` + strings.Repeat(`{"tag":{"tag":"x"}},`, wavelet.MaxOps) + `{"tag":{"tag":"x"}}]`
	if _, err := wavelet.DecodeOps([]byte(many)); code(t, err) != wavelet.CodeLimit {
		t.Errorf("10,001 ops: %v", err)
	}
}

func FuzzDecodeOps(f *testing.F) {
	f.Add([]byte(`[{"edit":{"blip":"b+1","ops":[{"retain":1},{"insert":"x"}]}},{"add":{"who":"a@b"}}]`))
	f.Add([]byte(`[{"tag":{"tag":"\ud83d\ude00","remove":true}}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ops, err := wavelet.DecodeOps(raw)
		if err != nil {
			code(t, err)
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("accepted what is not JSON: %q", raw)
		}
		encoded, err := wavelet.MarshalOps(ops)
		if err != nil {
			t.Fatal(err)
		}
		again, err := wavelet.DecodeOps(encoded)
		if err != nil {
			t.Fatalf("%q becomes %s: %v", raw, encoded, err)
		}
		if twice, err := wavelet.MarshalOps(again); err != nil || string(twice) != string(encoded) {
			t.Fatalf("%s becomes %s: %v", encoded, twice, err)
		}
	})
}

// The texts that must be accepted or refused: of those that richtext lets pass,
// this package refuses the ones with an unknown embed and no others.
func TestRejectVectorsAtTheEdge(t *testing.T) {
	file, err := os.Open("richtext/testdata/reject.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, unknown := 0, 0
	for lines := bufio.NewScanner(unzipped); lines.Scan(); cases++ {
		var c struct {
			ID, Expect, Reason string
			Doc                json.RawMessage
			Delta              string `json:"delta_json"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		doc, err := richtext.DecodeOps(c.Doc)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		s := wavelet.NewState(name)
		must(t, s, ann, wavelet.AddParticipant{Who: ann}, wavelet.CreateBlip{Blip: "b+1", Content: doc})
		d, err := richtext.Decode([]byte(c.Delta))
		if err == nil {
			err = richtext.Check(doc, d)
		}
		edge := s.Check(delta(s, ann, wavelet.EditBlip{Blip: "b+1", Delta: d}))
		switch {
		case c.Reason == "unknown-embed":
			unknown++
			if err != nil || edge == nil {
				t.Errorf("%s: an unknown embed: richtext says %v, wavelet %v", c.ID, err, edge)
			}
		case err == nil && edge != nil:
			t.Errorf("%s (%s): only wavelet refuses %s: %v", c.ID, c.Reason, c.Delta, edge)
		case strings.HasPrefix(c.Expect, "accept") && !strings.Contains(c.Expect, "reject") != (err == nil):
			t.Errorf("%s (%s): %v", c.ID, c.Reason, err)
		}
	}
	if cases < 500 || unknown == 0 {
		t.Errorf("%d cases, %d of them with an unknown embed", cases, unknown)
	}
}
