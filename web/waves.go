package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/admission"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
	"weir/wavelet/search"
)

// This file is what people do with wavelets, whichever door they came through:
// the socket's rpc and the REST API both call it. The host checks access again,
// at the head, for everything that writes.

// Bounds of one history answer.
const (
	historyCommits = 1000
	historyBytes   = 512 << 10
)

// read returns the head state of a wavelet that user takes part in.
func (s *Server) read(ctx context.Context, user wavelet.Participant, name wavelet.Name) (*wavelet.State, wavelet.Role, error) {
	state, err := s.d.Host.Snapshot(ctx, name, host.Head)
	if err != nil {
		return nil, 0, err
	}
	role, in := state.Role(user)
	if !in {
		return nil, 0, refuse(client.CodeNotParticipant, "not_participant", "wavelet", "you do not take part in this wavelet", "ask a participant to let you in")
	}
	return state, role, nil
}

// submit commits ops of a person against version base, under an id that is not
// used again.
func (s *Server) submit(ctx context.Context, user wavelet.Participant, name wavelet.Name, base wavelet.Version, ops ...wavelet.Op) (wavelet.Version, error) {
	c, err := s.d.Host.SubmitHuman(ctx, name, wavelet.Delta{ID: newDeltaID(), Author: user, Base: base, Ops: ops})
	return c.Version, err
}

// change commits ops against the head.
func (s *Server) change(ctx context.Context, user wavelet.Participant, name wavelet.Name, ops ...wavelet.Op) (wavelet.Version, error) {
	state, _, err := s.read(ctx, user, name)
	if err != nil {
		return 0, err
	}
	return s.submit(ctx, user, name, state.Version(), ops...)
}

// createWave makes a wavelet with its author and others in it.
func (s *Server) createWave(ctx context.Context, user wavelet.Participant, title string, others []wavelet.Participant) (wavelet.Name, wavelet.Version, error) {
	for _, who := range others {
		if err := who.Check(); err != nil {
			return wavelet.Name{}, 0, refuse(client.CodeBadField, "bad_field", "participants", err.Error(), "use addresses like ann@example.com")
		}
	}
	name := wavelet.NewName(s.d.Domain)
	c, err := s.d.Host.Create(ctx, name, user, others...)
	if err != nil || title == "" {
		return name, c.Version, err
	}
	v, err := s.submit(ctx, user, name, c.Version, wavelet.SetTitle{Title: title})
	return name, v, err
}

// addParticipant lets somebody in. A robot that was put out of the wavelet may
// come back when its cooldown is over, or at once with an override.
func (s *Server) addParticipant(ctx context.Context, user wavelet.Participant, name wavelet.Name, who wavelet.Participant, role wavelet.Role, override bool) (wavelet.Version, error) {
	if err := who.Check(); err != nil {
		return 0, refuse(client.CodeBadField, "bad_field", "who", err.Error(), "use an address like ann@example.com")
	}
	state, mine, err := s.read(ctx, user, name)
	if err != nil {
		return 0, err
	}
	if s.d.Robots.Registered(who.Robot()) {
		if mine != wavelet.Full {
			return 0, refuse(client.CodeForbidden, "no_access", "who", "your role does not allow you to invite", "ask a participant with the full role")
		}
		seat := wavelet.Seat{Wavelet: name, Robot: who.Robot()}
		if err := s.d.Gateway.Readmit(ctx, seat, user, override); err != nil {
			return 0, err
		}
	}
	return s.submit(ctx, user, name, state.Version(), wavelet.AddParticipant{Who: who, Role: role})
}

// inbox is the answer to a list.
type inbox struct {
	Wavelets []client.Summary `json:"wavelets"`
}

// list is user's inbox, the wavelets changed last first, of those that match
// the query.
func (s *Server) list(ctx context.Context, user wavelet.Participant, query string, limit int) ([]client.Summary, error) {
	if limit <= 0 || limit > 200 {
		limit = 50
	}
	wanted, err := search.Parse(query)
	if err != nil {
		return nil, refuse(client.CodeBadField, "bad_field", "query", err.Error(), "ask for less at once")
	}
	ctx, leave, err := s.d.Work.Enter(ctx, admission.WorkSearch)
	if err != nil {
		return nil, err
	}
	defer leave()
	var all []host.Summary
	for line, err := range s.d.Host.Summaries(ctx, user) {
		if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
	slices.SortFunc(all, func(a, b host.Summary) int { return b.Modified.Compare(a.Modified) })
	found := []client.Summary{}
	for _, line := range all {
		state, _, err := s.read(ctx, user, line.Name)
		if err != nil {
			continue // left, or gone, since it was listed
		}
		if wanted.Match(state, user, nil) {
			found = append(found, summarize(state))
		}
		if len(found) == limit || ctx.Err() != nil {
			break
		}
	}
	return found, context.Cause(ctx)
}

func summarize(state *wavelet.State) client.Summary {
	line := client.Summary{
		Wave: state.Name().Wave, Wavelet: state.Name().Wavelet, Title: state.Title(), Version: state.Version(),
		Modified: state.Modified().UTC(), Participants: []string{}, Tags: state.Tags(),
	}
	for _, m := range state.Participants() {
		line.Participants = append(line.Participants, string(m.Address))
	}
	words := strings.Join(strings.Fields(state.Text()), " ")
	if runes := []rune(words); len(runes) > 120 {
		words = string(runes[:120])
	}
	line.Snippet = words
	return line
}

// history answers a history request: the commits after From up to To, or the
// state at Version or Time. Seqs of clientID's own deltas are shown.
func (s *Server) history(ctx context.Context, user wavelet.Participant, name wavelet.Name, r client.Request, clientID string) (client.HistoryOK, error) {
	ctx, leave, err := s.d.Work.Enter(ctx, admission.WorkHistory)
	if err != nil {
		return client.HistoryOK{}, err
	}
	defer leave()
	state, _, _, err := s.view(ctx, user, name, r.Link)
	if err != nil {
		return client.HistoryOK{}, err
	}
	ok := client.HistoryOK{Head: state.Version()}
	switch {
	case r.Version != nil && r.From == nil && r.To == nil && r.Time.IsZero():
		return s.stateAt(ctx, name, *r.Version, ok)
	case !r.Time.IsZero() && r.Version == nil && r.From == nil && r.To == nil:
		v, err := s.versionAt(ctx, state, r.Time)
		if err != nil {
			return ok, err
		}
		return s.stateAt(ctx, name, v, ok)
	case r.From == nil || r.Version != nil || !r.Time.IsZero():
		return ok, refuse(client.CodeBadField, "bad_field", "from", "want from and perhaps to, or version, or time", "give one of the three")
	}
	to := state.Version()
	if r.To != nil {
		to = min(to, *r.To)
	}
	ok.Commits = []client.Committed{}
	size := 0
	for c, err := range s.d.Host.Read(ctx, name, *r.From) {
		if err = cmp.Or(err, context.Cause(ctx)); err != nil {
			return ok, err
		}
		if c.Version > to {
			break
		}
		if len(ok.Commits) == historyCommits || size > historyBytes {
			ok.Next = c.Version - 1
			break
		}
		line := shown(c)
		line.Seq, _ = seqOf(c.Delta.ID, clientID)
		ok.Commits = append(ok.Commits, line)
		size += len(line.Ops)
	}
	return ok, nil
}

func (s *Server) stateAt(ctx context.Context, name wavelet.Name, v wavelet.Version, ok client.HistoryOK) (client.HistoryOK, error) {
	if v > ok.Head {
		return ok, refuse(client.CodePastHead, "past_head", "version", fmt.Sprintf("the wavelet is at version %d", ok.Head), "ask for that or less")
	}
	state, err := s.d.Host.Snapshot(ctx, name, v)
	if err != nil {
		return ok, err
	}
	ok.Snapshot = client.NewSnapshot(state)
	return ok, nil
}

// versionAt is the last version committed at or before t, found by halving:
// commit times never go back.
func (s *Server) versionAt(ctx context.Context, state *wavelet.State, t time.Time) (wavelet.Version, error) {
	low, high := wavelet.Version(0), state.Version() // low is at or before t; high+1 is after it
	for low < high {
		mid := low + (high-low+1)/2
		at, err := s.committedAt(ctx, state.Name(), mid)
		if err != nil {
			return 0, err
		}
		if at.After(t) {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return low, nil
}

func (s *Server) committedAt(ctx context.Context, name wavelet.Name, v wavelet.Version) (time.Time, error) {
	for c, err := range s.d.Host.Read(ctx, name, v-1) {
		return c.At, err
	}
	return time.Time{}, fmt.Errorf("read %s: no version %d", name, v)
}

// newDeltaID is the id of a delta that came by no client's sequence.
func newDeltaID() wavelet.DeltaID { return wavelet.DeltaID(newID()) }

func newClientID() string { return "s-" + newID() }

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic("web: no randomness: " + err.Error())
	}
	return id.String()
}
