package web

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"weir/wavelet"
	"weir/wavelet/client"
)

// What a feed remembers. A subscriber that falls farther behind is told to
// resync.
const (
	feedBytes   = 256 << 10
	feedEntries = 1024
)

// hub hears of every commit and keeps the recent ones of each wavelet that
// somebody has open, encoded once for all of them. Subscribers take from their
// feed at their own speed: the host never waits for a socket, and a slow socket
// costs no memory.
type hub struct {
	log      read
	presence presenceCounters
	keepers  sync.WaitGroup // one for each feed

	mu    sync.Mutex
	feeds map[wavelet.Name]*feed
}

// feed is the recent commits of one wavelet.
type feed struct {
	users int // guarded by the hub
	room  *room
	end   context.CancelFunc // of the room's keeper

	mu      sync.Mutex
	entries []*entry // consecutive versions
	bytes   int
	pulse   chan struct{} // closed at the next commit
}

// entry is one commit as a frame.
type entry struct {
	version wavelet.Version
	id      wavelet.DeltaID
	shared  []byte // the push as everybody gets it but the client that published
	removed []wavelet.Participant
	added   []wavelet.Participant
}

func newHub(log read) *hub { return &hub{log: log, feeds: map[wavelet.Name]*feed{}} }

// Committed takes note of a commit. It never blocks.
func (h *hub) Committed(c wavelet.Commit) {
	h.mu.Lock()
	f := h.feeds[c.Wavelet]
	h.mu.Unlock()
	if f != nil {
		f.add(newEntry(c))
	}
}

// join returns the feed of a wavelet, which from now on misses nothing until
// leave.
func (h *hub) join(name wavelet.Name) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[name]
	if f == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f = &feed{pulse: make(chan struct{}), room: newRoom(name, &h.presence), end: cancel}
		h.feeds[name] = f
		h.keepers.Go(func() { f.room.keep(ctx, h.log) })
	}
	f.users++
	return f
}

func (h *hub) leave(name wavelet.Name, f *feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.users--
	if f.users == 0 {
		delete(h.feeds, name)
		f.end()
	}
}

// room is where the people are who have a wavelet open; an empty one of its own
// if nobody has.
func (h *hub) room(name wavelet.Name) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.feeds[name]; f != nil {
		return f.room
	}
	return newRoom(name, &h.presence)
}

func (f *feed) add(e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, e)
	f.bytes += len(e.shared)
	drop := 0
	for drop < len(f.entries)-1 && (f.bytes > feedBytes || len(f.entries)-drop > feedEntries) {
		f.bytes -= len(f.entries[drop].shared)
		drop++
	}
	clear(f.entries[:drop])
	f.entries = f.entries[drop:]
	close(f.pulse)
	f.pulse = make(chan struct{})
}

// after returns the remembered commits after version v, and the channel that
// is closed at the next one. It reports false if the feed does not reach back
// to v.
func (f *feed) after(v wavelet.Version) (es []*entry, next <-chan struct{}, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.entries) == 0 {
		return nil, f.pulse, true
	}
	first := f.entries[0].version
	if first > v+1 {
		return nil, f.pulse, false
	}
	if skip := int(v + 1 - first); skip < len(f.entries) {
		return append([]*entry(nil), f.entries[skip:]...), f.pulse, true
	}
	return nil, f.pulse, true
}

func newEntry(c wavelet.Commit) *entry {
	e := &entry{version: c.Version, id: c.Delta.ID}
	for _, op := range c.Delta.Ops {
		switch op := op.(type) {
		case wavelet.RemoveParticipant:
			e.removed = append(e.removed, op.Who)
		case wavelet.AddParticipant:
			e.added = append(e.added, op.Who)
		}
	}
	f := client.Frame{Push: client.PushCommit, Wave: c.Wavelet.Wave, Wavelet: c.Wavelet.Wavelet}
	s := shown(c)
	f.Version, f.Author, f.At, f.Kind, f.Depth, f.Ops = s.Version, s.Author, s.At, s.Kind, s.Depth, s.Ops
	e.shared = encode(f)
	return e
}

// frame is the push for one client: the sequence number is only for the one
// that published the delta.
func (e *entry) frame(clientID string) []byte {
	seq, ok := seqOf(e.id, clientID)
	if !ok {
		return e.shared
	}
	open := e.shared[: len(e.shared)-1 : len(e.shared)-1]
	return append(strconv.AppendUint(append(open, `,"seq":`...), seq, 10), '}')
}

// deltaID names the delta seq of a client.
func deltaID(clientID string, seq uint64) wavelet.DeltaID {
	return wavelet.DeltaID(clientID + "/" + strconv.FormatUint(seq, 10))
}

// seqOf undoes deltaID for that client's own deltas.
func seqOf(id wavelet.DeltaID, clientID string) (uint64, bool) {
	digits, ok := strings.CutPrefix(string(id), clientID+"/")
	if !ok || clientID == "" {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil
}

// shown is a commit as the protocol shows it to anybody.
func shown(c wavelet.Commit) client.Committed {
	return client.Committed{
		Version: c.Version, Author: string(c.Delta.Author), At: c.At,
		Kind: c.Delta.Cause.Kind.String(), Depth: c.Delta.Cause.Depth, Ops: encodeOps(c.Delta.Ops),
	}
}

// encodeOps writes ops that were decoded or made by this server.
func encodeOps(ops []wavelet.Op) json.RawMessage {
	if len(ops) == 0 {
		return json.RawMessage("[]")
	}
	b, err := wavelet.MarshalOps(ops)
	if err != nil {
		panic("web: committed ops cannot be encoded: " + err.Error())
	}
	return b
}

// encode writes one of the protocol's own types.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("web: frame cannot be encoded: " + err.Error())
	}
	return b
}
