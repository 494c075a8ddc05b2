package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/robots/rpc"
	"weir/sim"
	"weir/wavelet"
)

// operation is one operation of an answer or a call.
type operation struct {
	Method string         `json:"method"`
	ID     string         `json:"id"`
	Params map[string]any `json:"params"`
}

// Authors write into so many blips, one after the other. Robots need more, for
// they may write many lines before others hear of them.
const (
	robotBlips  = 24
	personBlips = 6
)

// compose makes the operations of one delta of a robot, the first of which writes
// the line.
func (r *run) compose(b *robot, to *room, line string) []operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ops []operation
	for range b.Operations {
		own := to.own[b.Address]
		op := operation{ID: fmt.Sprintf("op%d", b.lines), Params: map[string]any{"waveId": to.name.Wave, "waveletId": to.name.Wavelet}}
		if len(own) < robotBlips {
			op.Method = "wavelet.appendBlip"
			op.Params["blipData"] = map[string]any{"blipId": fmt.Sprintf("TBD_%d", b.lines), "content": "\n" + line}
		} else {
			op.Method = "document.modify"
			op.Params["blipId"] = own[b.lines%robotBlips]
			op.Params["modifyAction"] = map[string]any{"modifyHow": "REPLACE", "values": []string{"\n" + line}}
		}
		b.lines++
		ops = append(ops, op)
		line = fmt.Sprintf("and on it goes, %d", b.lines)
	}
	return ops
}

// goOn writes what is left from the write with the index next on, by calls. Begun
// is when the one before it was.
func (r *run) goOn(b *robot, seat wavelet.Seat, token string, w *sim.Writes, next int, begun time.Duration) {
	for ; next < len(w.List); next++ {
		x := w.List[next]
		if x.Gap > 0 && !r.until(begun+x.Gap) {
			return
		}
		begun = r.at()
		ops := r.compose(b, r.rooms[x.To], r.number(&written{w, next, seat}))
		if r.call(b, token, ops) {
			return
		}
	}
}

// unasked has a robot write in groups.
func (r *run) unasked(b *robot) {
	due := time.Duration(0)
	for n := 0; n == 0 || n != b.Spontaneous.Count; n++ {
		r.mu.Lock()
		due += b.Pause()
		r.mu.Unlock()
		if !r.until(due) {
			return
		}
		r.mu.Lock()
		w := b.Unasked(fmt.Sprintf("%s/unasked/%d", b.Name, n))
		r.mu.Unlock()
		if b.Remote {
			r.wg.Go(func() { r.goOnElsewhere(b, wavelet.Seat{}, &w) })
			continue
		}
		r.wg.Go(func() { r.goOn(b, wavelet.Seat{}, "", &w, 0, r.at()) })
	}
}

// outcome is what becomes of an operation.
type outcome struct {
	Error *struct {
		Message string
		Data    struct{ Code, Limit string }
	}
}

// call makes a request of the robots' API. What is refused is lost; out reports
// that the robot was put out and gives up.
func (r *run) call(b *robot, token string, ops []operation) (out bool) {
	raw, err := json.Marshal(ops)
	if err != nil {
		r.keep(err)
		return true
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url()+"/robot/rpc", bytes.NewReader(raw))
	if err != nil {
		r.keep(err)
		return true
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+b.key)
	if token != "" {
		req.Header.Set(rpc.BundleField, token)
	}
	resp, err := r.line.Do(req)
	if err != nil {
		return r.ctx.Err() != nil // the server restarts: what was to be written is lost
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var outcomes []outcome
	if err := json.Unmarshal(body, &outcomes); err != nil {
		return strings.Contains(string(body), string(wavelet.CodeSuspended))
	}
	for _, o := range outcomes {
		if o.Error == nil {
			continue
		}
		r.mu.Lock()
		r.tally.Refused(r.at(), b.Address, o.Error.Data.Limit)
		r.mu.Unlock()
		gone := []wavelet.Code{wavelet.CodeEvicted, wavelet.CodeSuspended, wavelet.CodeNotParticipant}
		return slices.Contains(gone, wavelet.Code(o.Error.Data.Code)) || strings.Contains(o.Error.Message, "not a participant")
	}
	return false
}
