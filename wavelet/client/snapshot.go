package client

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// Snapshot is a whole wavelet at one version, as the protocol shows it.
type Snapshot struct {
	Version      wavelet.Version   `json:"version"`
	Title        string            `json:"title"`
	Creator      string            `json:"creator"`
	Created      time.Time         `json:"created"`
	Modified     time.Time         `json:"modified"`
	Participants []SnapshotMember  `json:"participants"`
	Tags         []string          `json:"tags"`
	Data         map[string]string `json:"data"`
	Threads      []SnapshotThread  `json:"threads"` // in order of creation, the root thread (id "") first
	Blips        []SnapshotBlip    `json:"blips"`   // in order of creation
}

// SnapshotMember is a participant with the role's word.
type SnapshotMember struct {
	Address string `json:"address"`
	Role    string `json:"role"`
}

// SnapshotThread lists the blips of a thread in their order.
type SnapshotThread struct {
	ID     string   `json:"id"`
	Parent string   `json:"parent"`
	Blips  []string `json:"blips"`
}

// SnapshotBlip is a message; Ops is its document. A deleted one is a tombstone.
type SnapshotBlip struct {
	ID           string          `json:"id"`
	Thread       string          `json:"thread"`
	Creator      string          `json:"creator"`
	Contributors []string        `json:"contributors"`
	Created      time.Time       `json:"created"`
	Modified     time.Time       `json:"modified"`
	Version      wavelet.Version `json:"version"`
	Deleted      bool            `json:"deleted,omitzero"`
	Replies      []string        `json:"replies,omitzero"`
	Ops          json.RawMessage `json:"ops"`
}

// NewSnapshot writes a state down.
func NewSnapshot(state *wavelet.State) *Snapshot {
	p := state.Parts()
	s := &Snapshot{
		Version: p.Version, Title: state.Title(), Creator: string(p.Creator), Created: p.Created.UTC(), Modified: p.Modified.UTC(),
		Participants: []SnapshotMember{}, Tags: append([]string{}, p.Tags...), Data: map[string]string{},
		Threads: []SnapshotThread{}, Blips: []SnapshotBlip{},
	}
	for _, m := range p.Members {
		s.Participants = append(s.Participants, SnapshotMember{Address: string(m.Address), Role: m.Role.String()})
	}
	maps.Copy(s.Data, p.Data)
	for _, t := range p.Threads {
		s.Threads = append(s.Threads, SnapshotThread{ID: string(t.ID), Parent: string(t.Parent), Blips: words[string](t.Blips)})
	}
	for _, b := range p.Blips {
		s.Blips = append(s.Blips, SnapshotBlip{
			ID: string(b.ID), Thread: string(b.Thread), Creator: string(b.Creator), Contributors: words[string](b.Contributors),
			Created: b.Created.UTC(), Modified: b.Modified.UTC(), Version: b.Version, Deleted: b.Deleted,
			Replies: words[string](b.Replies), Ops: b.Doc.Delta().AppendOps(nil),
		})
	}
	return s
}

// State is the wavelet that the snapshot shows.
func (s *Snapshot) State(name wavelet.Name) (*wavelet.State, error) {
	p := wavelet.Parts{
		Name: name, Version: s.Version, Creator: wavelet.Participant(s.Creator), Created: s.Created, Modified: s.Modified,
		Tags: s.Tags, Data: s.Data,
	}
	for _, m := range s.Participants {
		role, err := wavelet.ParseRole(m.Role)
		if err != nil {
			return nil, fmt.Errorf("snapshot of %s: %w", name, err)
		}
		p.Members = append(p.Members, wavelet.Member{Address: wavelet.Participant(m.Address), Role: role})
	}
	for _, t := range s.Threads {
		p.Threads = append(p.Threads, &wavelet.Thread{
			ID: wavelet.ThreadID(t.ID), Parent: wavelet.BlipID(t.Parent), Blips: words[wavelet.BlipID](t.Blips),
		})
	}
	for _, b := range s.Blips {
		ops, err := richtext.Limits{}.DecodeOps(b.Ops)
		if err != nil {
			return nil, fmt.Errorf("snapshot of %s: blip %s: %w", name, b.ID, err)
		}
		doc, err := richtext.NewDoc(ops)
		if err != nil {
			return nil, fmt.Errorf("snapshot of %s: blip %s: %w", name, b.ID, err)
		}
		p.Blips = append(p.Blips, &wavelet.Blip{
			ID: wavelet.BlipID(b.ID), Thread: wavelet.ThreadID(b.Thread), Creator: wavelet.Participant(b.Creator),
			Contributors: words[wavelet.Participant](b.Contributors), Created: b.Created, Modified: b.Modified,
			Version: b.Version, Deleted: b.Deleted, Replies: words[wavelet.ThreadID](b.Replies), Doc: doc,
		})
	}
	state, err := wavelet.Assemble(p)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return state, nil
}

// words turns one list of names into another; it is never nil.
func words[To, From ~string](from []From) []To {
	to := make([]To, 0, len(from))
	for _, w := range from {
		to = append(to, To(w))
	}
	return to
}
