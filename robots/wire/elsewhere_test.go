package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"weir/events"
	"weir/wavelet"
)

// answering is the transport to a robot that answers every bundle with ops, and
// that finds the wavelets of w.
func (w *world) answering(ops string, evicted ...wavelet.Name) *Passive {
	w.t.Helper()
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(rw, `<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0"><w:version>1</w:version><w:capability name="DOCUMENT_CHANGED"/></w:robot>`)
			return
		}
		io.WriteString(rw, "["+ops+"]")
	})
	return serve(w.t.(*testing.T), h, PassiveOptions{Surroundings: w.around, Find: func(_ context.Context, name wavelet.Name) (*wavelet.State, error) {
		if slices.Contains(evicted, name) {
			return nil, &wavelet.Refusal{Code: wavelet.CodeEvicted, Op: -1, Reason: "put out"}
		}
		if s := w.states[name]; s != nil {
			return s, nil
		}
		return nil, errors.New("no such wavelet")
	}})
}

// TestAnAnswerNamesOtherWavelets answers a bundle with operations on four other
// wavelets: one in which the robot takes part, one in which it does not, one that
// it was put out of and one that is not there. What can be done is done.
func TestAnAnswerNamesOtherWavelets(t *testing.T) {
	mine := newWavelet(t).blip("b+root", "", plain("at hand\n")).state
	shared := another(t, "w+2", "shared", spell).state
	theirs := another(t, "w+3", "a secret", bob).state
	former := another(t, "w+4", "a former one", spell).state
	for name, spelt := range map[string]func(string) string{
		"Python": func(ids string) string { return ids },
		"Java":   func(ids string) string { return strings.ReplaceAll(ids, "!", "/") },
	} {
		t.Run(name, func(t *testing.T) {
			op := func(id, method, where, more string) string {
				return fmt.Sprintf(`{"method":%q,"id":%q,"params":{%s%s}}`, method, id, spelt(where), more)
			}
			blip := func(text string) string {
				return `,"blipData":{"blipId":"TBD_` + text + `","content":"\n` + text + `"}`
			}
			insert := `,"blipId":"b+root","modifyQuery":{"textMatch":"s"},"modifyAction":{"modifyHow":"INSERT","values":["*"]}`
			none := `"waveId":"example.com!w+none","waveletId":"example.com!conv+root"`
			w := newWorld(t, mine, shared, theirs, former)
			p := w.answering(strings.Join([]string{
				op("1", "wavelet.appendBlip", here(theirs), blip("in")),
				op("2", "document.modify", here(shared), insert),
				op("3", "document.modify", here(theirs), insert),
				op("4", "robot.fetchWave", here(theirs), ""),
				op("5", "document.modify", here(former), insert),
				op("6", "robot.fetchWave", here(former), ""),
				op("7", "wavelet.setTitle", none, `,"waveletTitle":"x"`),
				op("8", "wavelet.appendBlip", here(mine), blip("here")),
				op("9", "wavelet.appendBlip", here(shared), blip("there")),
				op("10", "wavelet.appendBlip", `"waveletId":"example.com!conv+root"`, blip("here-too")),
			}, ","), former.Name())
			a, err := p.Receive(t.Context(), changed(mine, "b+root"))
			if err != nil {
				t.Fatal(err)
			}
			codes := ""
			for _, f := range a.Failures {
				codes += fmt.Sprintf("%s:%d ", f.ID, f.Code)
				if strings.Contains(f.Message, "secret") {
					t.Errorf("%s tells what is there: %s", f.ID, f.Message)
				}
			}
			if codes != "1:403 3:403 4:403 5:403 6:403 7:404 " {
				t.Errorf("failures %s", codes)
			}
			if len(a.Deltas) != 2 || a.Deltas[0].Wavelet != shared.Name() || a.Deltas[0].Base != shared.Version() || a.Deltas[1].Wavelet != mine.Name() {
				t.Fatalf("deltas %+v", a.Deltas)
			}
			for s, want := range map[*wavelet.State]string{shared: "*shared\nthere\n", mine: "at hand\nhere\nhere-too\n"} {
				var out Outcome
				out.Answer.Deltas = slices.DeleteFunc(slices.Clone(a.Deltas), func(d events.AnswerDelta) bool { return d.Wavelet != s.Name() })
				if got := after(t, s, out).Text(); got != want {
					t.Errorf("%s reads %q", s.Name(), got)
				}
			}
		})
	}
}

// TestAnAnswerNamesSoManyWavelets bounds the wavelets that one answer has opened,
// found or not.
func TestAnAnswerNamesSoManyWavelets(t *testing.T) {
	mine := newWavelet(t).blip("b+root", "", plain("at hand\n")).state
	var ops []string
	for i := range maxFinds + 5 {
		ops = append(ops, fmt.Sprintf(`{"method":"wavelet.modifyTag","id":"%d","params":{"waveId":"example.com!w+none%d","name":"x"}}`, i, i))
	}
	ops = append(ops, `{"method":"wavelet.modifyTag","id":"good","params":{"name":"x"}}`)
	a, err := newWorld(t, mine).answering(strings.Join(ops, ",")).Receive(t.Context(), changed(mine, "b+root"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]int{}
	for _, f := range a.Failures {
		codes[f.Code]++
	}
	if codes[404] != maxFinds || codes[400] != 5 || len(a.Deltas) != 1 {
		t.Errorf("failures by code %v, %d deltas", codes, len(a.Deltas))
	}
}
