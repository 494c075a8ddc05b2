package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/events"
	"weir/wavelet"
)

// namedWaves names waves 0, 1, 2, ...
func namedWaves(n int) wavelet.Name {
	return wavelet.Name{Wave: fmt.Sprintf("example.com!w+new%d", n), Wavelet: "example.com!conv+root"}
}

// creation is the operation that creates a wave, and one that writes on its root
// blip, in the spelling of either client.
var creations = map[string]string{
	"Python": `{"method":"robot.createWavelet","id":"op1","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root",
			"waveletData":{"waveId":"example.com!TBD_0x3f2a","waveletId":"example.com!conv+root","rootBlipId":"TBD_example.com!conv+root_0x1b2c",
				"participants":["bob@example.com","spell@example.com","bob@example.com"]}}},
		{"method":"wavelet.setTitle","id":"op2","params":{"waveId":"example.com!TBD_0x3f2a","waveletId":"example.com!conv+root","waveletTitle":"News 😀"}},
		{"method":"document.appendMarkup","id":"op3","params":{"waveId":"example.com!TBD_0x3f2a","waveletId":"example.com!conv+root",
			"blipId":"TBD_example.com!conv+root_0x1b2c","content":"<b>bold</b>"}},
		{"method":"wavelet.appendBlip","id":"op4","params":{"waveId":"example.com!TBD_0x3f2a","waveletId":"example.com!conv+root",
			"blipData":{"blipId":"TBD_example.com!conv+root_0x77","content":"\nmore"}}}`,
	"Java": `{"method":"wave.robot.createWavelet","id":"op1","params":{"message":"","waveletData":{"waveId":"example.com/TBD_-12345",
			"waveletId":"example.com/conv+root","rootBlipId":"TBD_example.com/conv+root_-599696995","participants":["bob@example.com"],
			"creationTime":0,"lastModifiedTime":0,"version":0,"title":null,"rootThread":null}}},
		{"method":"wavelet.setTitle","id":"op2","params":{"waveId":"example.com/TBD_-12345","waveletId":"example.com/conv+root","waveletTitle":"News 😀"}},
		{"method":"document.modify","id":"op3","params":{"waveId":"example.com/TBD_-12345","waveletId":"example.com/conv+root","blipId":"TBD_example.com/conv+root_-599696995",
			"modifyQuery":null,"modifyAction":{"modifyHow":"INSERT_AFTER","values":["bold"],"elements":[null],"annotationKey":null,"bundledAnnotations":[{"key":"style/fontWeight","value":"bold"}],"useMarkup":false}}},
		{"method":"wavelet.appendBlip","id":"op4","params":{"waveId":"example.com/TBD_-12345","waveletId":"example.com/conv+root",
			"blipData":{"blipId":"TBD_example.com/conv+root_-1","content":"\nmore"}}}`,
}

// TestAnAnswerCreatesAWave creates a wave and writes in it under its temporary
// ids, beside a change of the wavelet at hand.
func TestAnAnswerCreatesAWave(t *testing.T) {
	for dialect, body := range creations {
		t.Run(dialect, func(t *testing.T) {
			w := newWavelet(t).blip("b+root", "", plain("a\n"))
			ops := decode(t, "["+body+`,{"method":"wavelet.modifyTag","id":"op5","params":{"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","name":"done"}}]`)
			out := Call{Robot: spell, State: w.state, NewName: namedWaves}.Apply(t.Context(), ops)
			noFailures(t, out)
			if len(out.Answer.Deltas) != 2 {
				t.Fatalf("%d deltas, want one for each wavelet", len(out.Answer.Deltas))
			}
			d := out.Answer.Deltas[0]
			if d.Wavelet != namedWaves(0) || d.Base != 0 || d.Author != spell || out.Results[3].Delta != 0 || out.Results[4].Delta != 1 {
				t.Errorf("the first delta is of %s against %d by %s", d.Wavelet, d.Base, d.Author)
			}
			s := after(t, wavelet.NewState(d.Wavelet), Outcome{Answer: events.Answer{Deltas: out.Answer.Deltas[:1]}})
			if s.Text() != "News 😀\nbold\nmore\n" || s.Title() != "News 😀" || len(s.Participants()) != 2 || s.Creator() != spell {
				t.Errorf("the new wave reads %q, is called %q and has %v", s.Text(), s.Title(), s.Participants())
			}
			if got := contentOf(t, s, s.Root()).annotations(); len(got) != 1 || got[0].Name != fontWeight {
				t.Errorf("annotations of the new root are %v", got)
			}
			data, _ := out.Results[0].Data.(createdWavelet)
			if data.WaveID != "example.com!w+new0" || data.WaveletID != "example.com!conv+root" || data.BlipID != s.Root() {
				t.Errorf("the result is %+v", data)
			}
		})
	}
}

// TestWavesThatAreNotCreated has creations fail, each alone.
func TestWavesThatAreNotCreated(t *testing.T) {
	w := newWavelet(t).blip("b+root", "", plain("a\n"))
	good := `{"method":"wavelet.modifyTag","id":"good","params":{"name":"t"}}`
	create := func(data string) string {
		return `{"method":"robot.createWavelet","id":"bad","params":{"waveletData":` + data + `}}`
	}
	tests := map[string]struct {
		op   string
		code int
	}{
		"no data":       {create("null"), 400},
		"bad address":   {create(`{"waveId":"example.com!TBD_1","participants":["bob@example.com","nobody"]}`), 400},
		"unknown ids":   {`{"method":"wavelet.setTitle","id":"bad","params":{"waveId":"example.com!TBD_2","waveletId":"example.com!conv+root","waveletTitle":"x"}}`, 404},
		"an alias's":    {`{"method":"robot.createWavelet","id":"good","params":{"proxyingFor":"bob","waveletData":{"waveId":"example.com!TBD_1"}}},{"method":"wavelet.modifyTag","id":"bad","params":{"waveId":"example.com!TBD_1","name":"x"}}`, 403},
		"seventeen":     {strings.Repeat(create(`{"participants":[]}`)+",", 16) + create(`{"participants":[]}`), 400},
		"bad proxy":     {`{"method":"robot.createWavelet","id":"bad","params":{"proxyingFor":"a@b","waveletData":{"participants":[]}}}`, 400},
		"not permitted": {create(`{"participants":[]}`), 501},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Call{Robot: spell, State: w.state, NewName: namedWaves}
			if name == "not permitted" {
				c.NewName = nil
			}
			out := c.Apply(t.Context(), decode(t, "["+tt.op+","+good+"]"))
			if len(out.Answer.Failures) != 1 || out.Answer.Failures[0].Code != tt.code || out.Answer.Failures[0].ID != "bad" {
				t.Errorf("failures are %+v, want one of code %d", out.Answer.Failures, tt.code)
			}
			last := out.Answer.Deltas[len(out.Answer.Deltas)-1]
			if last.Wavelet != testName() || len(last.Ops) != 1 {
				t.Errorf("the good operation came to %+v", last)
			}
		})
	}
}

// made is the wavelets that an answer makes, its deltas committed in order.
func made(t *testing.T, out Outcome) []*wavelet.State {
	t.Helper()
	var all []*wavelet.State
	states := map[wavelet.Name]*wavelet.State{}
	for i, d := range out.Answer.Deltas {
		s := states[d.Wavelet]
		if s == nil {
			s = wavelet.NewState(d.Wavelet)
			states[d.Wavelet], all = s, append(all, s)
		}
		if d.Base != s.Version() {
			t.Errorf("delta %d is against version %d, want %d", i, d.Base, s.Version())
		}
		delta := wavelet.Delta{Author: d.Author, Base: d.Base, Ops: d.Ops, Cause: wavelet.Cause{Kind: wavelet.Robot}}
		if err := s.Check(delta); err != nil {
			t.Fatalf("delta %d is refused: %v", i, err)
		}
		delta, err := s.Resolve(delta)
		if err == nil {
			err = s.Apply(wavelet.Commit{Wavelet: d.Wavelet, Version: d.Base + 1, Delta: delta})
		}
		if err != nil {
			t.Fatalf("delta %d: %v", i, err)
		}
	}
	return all
}

// TestAuthorsTakeTurnsInANewWave has a robot write for others in a wave that it
// makes, in both dialects and under every name of the operation.
func TestAuthorsTakeTurnsInANewWave(t *testing.T) {
	for name, ids := range map[string]string{
		"Python": `"waveId":"example.com!TBD_0x1b2c","waveletId":"example.com!conv+root"`,
		"Java":   `"waveId":"example.com/TBD_-1234","waveletId":"example.com/conv+root"`,
	} {
		for _, method := range []string{"robot.createWavelet", "wave.robot.createWavelet", "wavelet.create", "wave.wavelet.create"} {
			t.Run(name+" "+method, func(t *testing.T) {
				w := newWavelet(t).blip("b+root", "", plain("old\n"))
				out := Call{Robot: spell, State: w.state, NewName: namedWaves}.Apply(t.Context(), decode(t, fmt.Sprintf(`[
					{"method":%q,"id":"op1","params":{%[2]s,"waveletData":{%[2]s,"rootBlipId":"TBD_root","participants":["bob@example.com","spell@example.com","carl@example.com"]},"message":"m"}},
					{"method":"wavelet.setTitle","id":"op2","params":{%[2]s,"waveletTitle":"A title"}},
					{"method":"document.modify","id":"op3","params":{%[2]s,"blipId":"TBD_root","modifyAction":{"modifyHow":"INSERT_AFTER","values":["text"]}}},
					{"method":"wavelet.appendBlip","id":"op4","params":{%[2]s,"blipData":{"blipId":"TBD_2","content":"\nby itself"}}},
					{"method":"wavelet.participant.add","id":"op5","params":{%[2]s,"participantId":"spell+dan@example.com"}},
					{"method":"blip.createChild","id":"op6","params":{%[2]s,"proxyingFor":"dan","blipId":"TBD_2","blipData":{"content":"\nfor dan"}}},
					{"method":"document.modify","id":"op7","params":{%[2]s,"blipId":"TBD_2","modifyAction":{"modifyHow":"INSERT_AFTER","values":["!"]}}},
					{"method":"document.modify","id":"op8","params":{"blipId":"b+root","modifyAction":{"modifyHow":"INSERT_AFTER","values":["!"]}}}]`, method, ids)))
				noFailures(t, out)
				var authors []string
				for _, d := range out.Answer.Deltas[:3] {
					authors = append(authors, fmt.Sprint(d.Author, " ", d.Base))
				}
				if diff := cmp.Diff([]string{"spell@example.com 0", "spell+dan@example.com 1", "spell@example.com 2"}, authors); diff != "" {
					t.Errorf("deltas of the new wave (-want +got):\n%s", diff)
				}
				out.Answer.Deltas = out.Answer.Deltas[:3]
				s := made(t, out)[0]
				if got := s.Text(); got != "A title\ntext\nby itself!\nfor dan\n" {
					t.Errorf("the wave reads %q", got)
				}
				var people []string
				for _, m := range s.Participants() {
					people = append(people, string(m.Address))
				}
				if got := strings.Join(people, " "); got != "spell@example.com bob@example.com carl@example.com spell+dan@example.com" {
					t.Errorf("participants are %s", got)
				}
				if diff := cmp.Diff(createdWavelet{s.Name().Wave, "example.com!conv+root", s.Root(), "m"}, out.Results[0].Data); diff != "" {
					t.Errorf("data (-want +got):\n%s", diff)
				}
			})
		}
	}
}
