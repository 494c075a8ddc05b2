package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/host"
	"weir/wavelet/sharing"
)

// This file is what people do with share links, whichever door they came
// through. Who may share is who has the full role: that of a link's maker is
// looked at each time that the link is used.

// view returns the head state of a wavelet for a person who takes part in it,
// or else reads it by the token of a link. A participant's link is zero.
func (s *Server) view(ctx context.Context, user wavelet.Participant, name wavelet.Name, token string) (*wavelet.State, wavelet.Role, sharing.Link, error) {
	state, role, err := s.read(ctx, user, name)
	if e, ok := errors.AsType[*client.Error](err); token == "" || err == nil || !ok || e.Code != client.CodeNotParticipant {
		return state, role, sharing.Link{}, err
	}
	if state, err = s.d.Host.Snapshot(ctx, name, host.Head); err != nil {
		return nil, 0, sharing.Link{}, err
	}
	link, err := s.linkTo(state, token)
	return state, wavelet.Read, link, err
}

// linkTo is the link of a token, if it is good for a wavelet in this state.
func (s *Server) linkTo(state *wavelet.State, token string) (sharing.Link, error) {
	if s.d.Links == nil {
		return sharing.Link{}, badLink()
	}
	link, err := s.d.Links.Find(state.Name(), token)
	switch {
	case errors.Is(err, sharing.ErrExpired):
		return link, linkExpired()
	case err != nil:
		return link, badLink()
	}
	if role, in := state.Role(link.Creator); !in || role != wavelet.Full {
		return sharing.Link{}, badLink()
	}
	return link, nil
}

func badLink() *client.Error {
	return refuse(client.CodeForbidden, "bad_link", "link", "the share link is no link to this wavelet, or was revoked", "ask a participant for another link")
}

func linkExpired() *client.Error {
	return refuse(client.CodeExpired, "link_expired", "link", "the share link has expired", "ask a participant for another link")
}

// sharer returns the state of a wavelet that a person may share; "" is an
// operator, who may see and revoke links.
func (s *Server) sharer(ctx context.Context, user wavelet.Participant, name wavelet.Name) (*wavelet.State, error) {
	if user == "" {
		return s.d.Host.Snapshot(ctx, name, host.Head)
	}
	state, role, err := s.read(ctx, user, name)
	if err == nil && role != wavelet.Full {
		err = refuse(client.CodeForbidden, "no_access", "wavelet", "your role does not allow you to share the wavelet", "ask a participant with the full role")
	}
	return state, err
}

// createLink makes a link that lasts so many seconds; 0 is the usual.
func (s *Server) createLink(ctx context.Context, user wavelet.Participant, name wavelet.Name, role wavelet.Role, seconds int64) (client.ShareLink, error) {
	if _, err := s.sharer(ctx, user, name); err != nil {
		return client.ShareLink{}, err
	}
	if seconds < 0 || seconds > int64(sharing.MaxLife/time.Second) {
		return client.ShareLink{}, refuse(client.CodeBadField, "bad_field", "expires_in", sharing.ErrLife.Error(), "give seconds from 1 to 31536000")
	}
	link, token, err := s.d.Links.Make(ctx, name, user, role, time.Duration(seconds)*time.Second)
	if errors.Is(err, sharing.ErrFull) {
		err = refuse(client.CodeLimit, string(wavelet.CodeLimit), "wavelet", err.Error(), "revoke one that is not needed")
	}
	if err != nil {
		return client.ShareLink{}, err
	}
	if _, err := s.sharer(ctx, user, name); err != nil { // lost the role in between, before there was a link to end
		return client.ShareLink{}, errors.Join(err, s.d.Links.Revoke(ctx, name, link.ID))
	}
	s.d.Logger.Info("shared by link", "wavelet", name.String(), "link", link.ID, "by", user, "role", role.String(), "until", link.Expires)
	shown := shownLink(link)
	shown.Token = token
	return shown, nil
}

// listLinks is a wavelet's links.
func (s *Server) listLinks(ctx context.Context, user wavelet.Participant, name wavelet.Name) (client.ShareLinks, error) {
	if _, err := s.sharer(ctx, user, name); err != nil {
		return client.ShareLinks{}, err
	}
	list := client.ShareLinks{Links: []client.ShareLink{}}
	for _, link := range s.d.Links.List(name) {
		list.Links = append(list.Links, shownLink(link))
	}
	return list, nil
}

func shownLink(l sharing.Link) client.ShareLink {
	shown := client.ShareLink{ID: l.ID, Role: l.Role.String(), Creator: string(l.Creator), Created: l.Created, Expires: l.Expires, Joined: []client.ShareJoin{}}
	for _, j := range l.Joined {
		shown.Joined = append(shown.Joined, client.ShareJoin{Who: string(j.Who), At: j.At})
	}
	return shown
}

// revokeLink ends a link and what is read by it.
func (s *Server) revokeLink(ctx context.Context, user wavelet.Participant, name wavelet.Name, id string) error {
	if _, err := s.sharer(ctx, user, name); err != nil {
		return err
	}
	err := s.d.Links.Revoke(ctx, name, id)
	if errors.Is(err, sharing.ErrUnknown) {
		return refuse(client.CodeUnknownLink, "unknown_link", "id", "the wavelet has no link "+id, "list those that there are")
	}
	if err == nil {
		s.leases.end(id, badLink())
		s.d.Logger.Info("share link revoked", "wavelet", name.String(), "link", id, "by", user)
	}
	return err
}

// joinByLink makes a person a participant with the role of a link. It is who
// made the link that adds her: the host looks at his role again, at the head.
func (s *Server) joinByLink(ctx context.Context, user wavelet.Participant, name wavelet.Name, token string) (wavelet.Version, error) {
	state, _, link, err := s.view(ctx, user, name, token)
	switch {
	case err != nil:
		return 0, err
	case link.ID == "": // takes part already
		return state.Version(), nil
	case link.Role == wavelet.Read:
		return 0, refuse(client.CodeForbidden, "no_access", "link", "this link lets people read, not join", "ask a participant to add you")
	}
	v, err := s.submit(ctx, link.Creator, name, state.Version(), wavelet.AddParticipant{Who: user, Role: link.Role})
	if err != nil {
		return 0, err
	}
	s.d.Logger.Info("joined by link", "wavelet", name.String(), "link", link.ID, "who", user, "by", link.Creator, "role", link.Role.String())
	if err := s.d.Links.Join(ctx, link, user); err != nil {
		s.d.Logger.Error("who joined by a link is not noted in it", "wavelet", name.String(), "link", link.ID, "who", user, "error", err)
	}
	return v, nil
}

// disown ends the links of those who a commit takes the full role from. It is
// called with every commit and does not wait for the store.
func (s *Server) disown(c wavelet.Commit) {
	if s.d.Links == nil {
		return
	}
	for _, op := range c.Delta.Ops {
		var who wavelet.Participant
		switch op := op.(type) {
		case wavelet.RemoveParticipant:
			who = op.Who
		case wavelet.SetRole:
			if op.Role == wavelet.Full {
				continue
			}
			who = op.Who
		default:
			continue
		}
		gone := s.d.Links.Disown(c.Wavelet, who)
		if len(gone) == 0 {
			continue
		}
		for _, link := range gone {
			s.leases.end(link.ID, badLink())
		}
		s.chores.do(func() {
			if err := s.d.Links.Forget(context.WithoutCancel(s.ctx), gone); err != nil {
				s.d.Logger.Error("links of somebody who may not share any more are still stored", "wavelet", c.Wavelet.String(), "who", who, "error", err)
			}
		})
	}
}

// chores are what is done behind the back of who must not wait, until close.
// After that it is waited for.
type chores struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (c *chores) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		f()
		return
	}
	c.wg.Go(f)
}

// close waits for what is under way.
func (c *chores) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wg.Wait()
}
