package live

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"weir/events"
	"weir/sim"
	"weir/wavelet"
)

// bundle is what the server posts, as far as a robot of a scenario looks at it.
type bundle struct {
	Events []struct {
		Properties struct {
			BlipID    wavelet.BlipID `json:"blipId"`
			NewBlipID wavelet.BlipID `json:"newBlipId"`
		} `json:"properties"`
	} `json:"events"`
	Wavelet struct {
		WaveID    string `json:"waveId"`
		WaveletID string `json:"waveletId"`
	} `json:"wavelet"`
	Bundle struct {
		ID      string          `json:"id"`
		Token   string          `json:"token"`
		Lane    string          `json:"lane"`
		Version wavelet.Version `json:"version"`
	} `json:"bundle"`
}

func (b *bundle) name() wavelet.Name {
	return wavelet.Name{Wave: b.Wavelet.WaveID, Wavelet: b.Wavelet.WaveletID}
}

func (b *bundle) lane() events.Lane {
	if b.Bundle.Lane == events.RobotLane.String() {
		return events.RobotLane
	}
	return events.HumanLane
}

// blips is what the events are about.
func (b *bundle) blips() map[wavelet.BlipID]bool {
	set := map[wavelet.BlipID]bool{}
	for _, e := range b.Events {
		set[e.Properties.BlipID], set[e.Properties.NewBlipID] = true, true
	}
	delete(set, "")
	return set
}

// capabilities asks for whatever is written, and for nothing beside it.
func capabilities(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, `<?xml version="1.0"?>
<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0"><w:version>live</w:version><w:protocolversion>0.22</w:protocolversion>
<w:capabilities><w:capability name="WAVELET_BLIP_CREATED" context="SELF"/><w:capability name="DOCUMENT_CHANGED" context="SELF"/></w:capabilities></w:robot>
`)
}

// receive answers a bundle for one of the robots, when it gets round to it. Those
// who answer by calls make them before they respond, so the bundle is under way
// until they have.
func (r *run) receive(w http.ResponseWriter, req *http.Request) {
	var in bundle
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 16<<20)).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !r.enter() {
		http.Error(w, "it is over", http.StatusServiceUnavailable)
		return
	}
	defer r.wg.Done()
	v := r.hear(wavelet.Participant(req.PathValue("robot")+"@"+sim.Domain), &in)
	if !r.until(v.until) || v.lost {
		http.Error(w, "lost on the way", http.StatusServiceUnavailable)
		return
	}
	if v.writes.Landing == 0 || v.seat.robot.Via != sim.ViaReply { // else when the gateway has taken the answer
		r.rested(v)
	}
	begun := r.at()
	reply := []operation{}
	done := 0
	for out := false; done < v.writes.Landing && !out; done++ {
		to := r.rooms[v.writes.List[done].To]
		ops := r.compose(v.seat.robot, to, r.number(&written{v.writes, done, v.seat.id}))
		if v.seat.robot.Via == sim.ViaReply && to == v.seat.room {
			reply = append(reply, ops...)
		} else {
			out = r.call(v.seat.robot, v.token, ops)
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(reply) // if the server is gone, nobody is left to tell
	if done == v.writes.Landing && done < len(v.writes.List) {
		r.wg.Go(func() { r.goOn(v.seat.robot, v.seat.id, v.token, v.writes, done, begun) })
	}
}

// enter has Run wait for the robot; false: it is over.
func (r *run) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.wg.Add(1)
	}
	return !r.over
}

// visit is a bundle that a robot works on.
type visit struct {
	seat   *seat
	flight int
	until  time.Duration // when it has thought
	lost   bool
	token  string // that its calls show
	writes *sim.Writes
}

// rested notes that a robot has done what it does about a bundle.
func (r *run) rested(v visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.seat != nil && v.seat.flight == v.flight {
		v.seat.rest(r.at())
	}
}

// hear takes a bundle in and decides what to do about it.
func (r *run) hear(who wavelet.Participant, in *bundle) visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.at()
	v := visit{until: at, writes: &sim.Writes{}}
	b, room := r.robots[who], r.places[in.name()]
	if b == nil || room == nil || b.seats[room] == nil {
		return v
	}
	s, lane := b.seats[room], in.lane()
	if lane == events.HumanLane {
		r.arrived(s, at, in.Bundle.Version)
	}
	blips := in.blips()
	heard := room.heard(b.Address, lane, s.begins(in.Bundle.ID, lane, in.Bundle.Version), in.Bundle.Version, blips)
	if len(heard) == 0 {
		return v
	}
	v.seat, v.until = s, at+b.Takes()
	if j := r.sc.Faults.Jitter; j > 0 {
		v.until += time.Duration(r.luck.Int64N(int64(j) + 1))
	}
	if v.lost = r.luck.Float64() < r.sc.Faults.Lose; v.lost {
		return v
	}
	if lane == events.HumanLane && s.first == "" {
		s.first = in.Bundle.Token
	}
	switch b.Lineage {
	case sim.Kept:
		v.token = in.Bundle.Token
	case sim.Forged:
		v.token = s.first
	}
	r.tally.Delivered(at, s.id)
	v.flight = s.begin(at)
	if s.listens {
		*v.writes = b.Answer(at, room.called, label(heard), heard)
	}
	return v
}
