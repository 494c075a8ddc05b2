package rpc_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/wavelet"
)

// newWave are operations that make a wave with bob in it and write there.
const newWave = `{"method":"wave.robot.createWavelet","id":"c","params":{"waveletData":{"waveId":"example.com!TBD_0x1","waveletId":"example.com!conv+root","rootBlipId":"TBD_r","participants":["bob@example.com"]}}},
	{"method":"wave.wavelet.setTitle","id":"t","params":{"waveId":"example.com!TBD_0x1","waveletId":"example.com!conv+root","waveletTitle":"News"}},
	{"method":"wave.wavelet.participant.add","id":"p","params":{"waveId":"example.com!TBD_0x1","waveletId":"example.com!conv+root","participantId":"echo+carl@example.com"}},
	{"method":"wave.wavelet.appendBlip","id":"a","params":{"waveId":"example.com!TBD_0x1","waveletId":"example.com!conv+root","proxyingFor":"carl","blipData":{"content":"\nfor carl"}}}`

func TestACallMakesAWave(t *testing.T) {
	h := build(t)
	key := h.register(echo, "", "")
	list := h.call(key, "["+newWave+"]")
	for _, e := range list {
		if e.Error != nil {
			t.Fatalf("%s: %+v", e.ID, e.Error)
		}
	}
	name := wavelet.Name{Wave: fmt.Sprint(list[0].Data["waveId"]), Wavelet: fmt.Sprint(list[0].Data["waveletId"])}
	s := h.state(name)
	if s.Text() != "News\n\nfor carl\n" || s.Version() != 2 || s.Creator() != echo || fmt.Sprint(list[0].Data["blipId"]) != string(s.Root()) {
		t.Errorf("the wave is at version %d, by %s, and reads %q", s.Version(), s.Creator(), s.Text())
	}
	fetched := h.call(key, `[{"method":"robot.fetchWave","id":"f","params":{`+ids(name)+`}}]`)
	if fetched[0].Error != nil {
		t.Errorf("its maker cannot fetch it: %+v", fetched[0].Error)
	}
	stranger := h.register(other, "", "")
	if list := h.call(stranger, `[{"method":"robot.fetchWave","id":"f","params":{`+ids(name)+`}}]`); list[0].Error == nil || list[0].Error.Code != 403 {
		t.Errorf("a stranger fetches it: %+v", list[0])
	}
}

// TestAnAnswerMakesAWave has a robot make a wave in its answer to a bundle.
func TestAnAnswerMakesAWave(t *testing.T) {
	h := build(t)
	robot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, `<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0"><w:version>1</w:version><w:protocolversion>0.21</w:protocolversion>
				<w:capability name="WAVELET_BLIP_CREATED" context="SELF"/></w:robot>`)
			return
		}
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "make a wave") {
			io.WriteString(w, "["+newWave+"]")
		}
	}))
	defer robot.Close()
	h.register(echo, robot.URL, "")
	name := h.wave(echo)
	h.types(name, "make a wave")
	var found wavelet.Name
	h.until(name, "no second wave", func(*wavelet.State) bool {
		for other, err := range h.host.Of(t.Context(), echo) {
			if err == nil && other != name && h.state(other).Version() == 2 {
				found = other
			}
		}
		return !found.IsZero()
	})
	if s := h.state(found); s.Text() != "News\n\nfor carl\n" || s.Creator() != echo {
		t.Errorf("the wave is by %s and reads %q", s.Creator(), s.Text())
	}
	for c, err := range h.host.Read(t.Context(), found, 0) {
		if err != nil || c.Delta.Cause.Kind != wavelet.Robot || c.Delta.Cause.Depth != 1 {
			t.Errorf("cause %+v, want the bundle's; %v", c.Delta.Cause, err)
		}
	}
}
