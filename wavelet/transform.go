package wavelet

import "weir/wavelet/richtext"

// Transform returns the client's delta as it applies after the server's, when
// both were made for the same version. The server's was committed first and has
// priority. The result may have fewer ops, or none: what the server's delta has
// already done, or has made impossible, is left out. What must be refused is
// not decided here but by Check on the state the result is applied to: an
// author who was removed, an id that is taken by now.
//
// A delta that missed several others is transformed against them one by one;
// composing those first does not give the same result.
func Transform(server, client Delta) Delta {
	for _, s := range server.Ops {
		_, client.Ops = cross(s, client.Ops, false)
	}
	return client
}

// TransformPair returns both lists of ops as they apply after the other one:
// server and then client2 gives the same wavelet as client and then server2.
// Three things may differ: the order of blips, threads, participants and tags
// that both add; the text of blips that one side deleted; the role of somebody
// whom both add although they take part already. Whoever needs these as the
// server has them applies client2 to a clone of the server's state. Client must
// not hold a SetTitle: Resolve it first.
func TransformPair(server, client []Op) (server2, client2 []Op) {
	for _, s := range server {
		if s, client = cross(s, client, true); s != nil {
			server2 = append(server2, s)
		}
	}
	return server2, client
}

// cross moves an op of the server's past a list of the client's, op by op,
// each changing the other on the way. It returns what becomes of both; the list
// it was given stays as it is. Unless whole is set nobody asks what becomes of
// the op, and the last, unneeded step of that is saved.
func cross(s Op, client []Op, whole bool) (Op, []Op) {
	out, copied := client, false
	for i, c := range client {
		late, changed := after(s, c)
		if changed && !copied {
			out, copied = append(make([]Op, 0, len(client)), client[:i]...), true
		}
		if copied && late != nil {
			out = append(out, late)
		}
		if whole || i+1 < len(client) {
			s = before(s, c)
		}
		if s == nil {
			if copied {
				out = append(out, client[i+1:]...)
			}
			break
		}
	}
	return s, out
}

// after returns the client's op as it applies after the server's, nil if
// nothing is left of it, and whether it differs from c.
func after(s, c Op) (late Op, changed bool) {
	switch s := s.(type) {
	case EditBlip:
		if c, ok := c.(EditBlip); ok && c.Blip == s.Blip {
			return editOrNil(c.Blip, richtext.Transform(s.Delta, c.Delta, true)), true
		}
	case DeleteBlip:
		if blipOf(c) == s.Blip {
			return nil, true
		}
	case AddParticipant:
		if c, ok := c.(AddParticipant); ok && c.Who == s.Who {
			return nil, true
		}
	case RemoveParticipant:
		if _, adds := c.(AddParticipant); !adds && memberOf(c) == s.Who {
			return nil, true
		}
	case SetRole:
		_, adds := c.(AddParticipant)
		if adds && memberOf(c) == s.Who || c == Op(s) {
			return nil, true
		}
	case SetTag:
		if c, ok := c.(SetTag); ok && c == s {
			return nil, true
		}
	case SetData:
		if c, ok := c.(SetData); ok && c == s {
			return nil, true
		}
	}
	return c, false
}

// before returns the server's op as it applies after the client's, nil if
// nothing is left of it. Where both set the same thing the client's stays, since
// in the history it is the later one.
func before(s, c Op) Op {
	switch s := s.(type) {
	case EditBlip:
		if c, ok := c.(EditBlip); ok && c.Blip == s.Blip {
			return editOrNil(s.Blip, richtext.Transform(c.Delta, s.Delta, false))
		}
		if deletes(c, s.Blip) {
			return nil
		}
	case DeleteBlip:
		if deletes(c, s.Blip) {
			return nil
		}
	case ClickForm:
		if deletes(c, s.Blip) {
			return nil
		}
	case AddParticipant, RemoveParticipant, SetRole:
		if memberOf(s) == memberOf(c) {
			return memberBefore(s, c)
		}
	case SetTag:
		if c, ok := c.(SetTag); ok && c.Tag == s.Tag {
			return nil
		}
	case SetData:
		if c, ok := c.(SetData); ok && c.Name == s.Name {
			return nil
		}
	}
	return s
}

// memberBefore is before for two ops about the same participant.
func memberBefore(s, c Op) Op {
	switch s := s.(type) {
	case AddParticipant:
		// The client's add came first at the client, the server's in the history.
		if c, ok := c.(AddParticipant); ok && c.Role != s.Role {
			return SetRole(s)
		}
		return nil
	case RemoveParticipant:
		switch c := c.(type) {
		case AddParticipant: // removed and let in again: as new, with the client's role
			return SetRole(c)
		case RemoveParticipant:
			return nil
		}
	case SetRole:
		if _, adds := c.(AddParticipant); !adds {
			return nil
		}
	}
	return s
}

// editOrNil is the edit, nil if it is empty.
func editOrNil(blip BlipID, d richtext.Delta) Op {
	if len(d) == 0 {
		return nil
	}
	return EditBlip{blip, d}
}

// blipOf is the blip that an op changes or presses a button in, "" if none.
func blipOf(op Op) BlipID {
	switch op := op.(type) {
	case EditBlip:
		return op.Blip
	case DeleteBlip:
		return op.Blip
	case ClickForm:
		return op.Blip
	}
	return ""
}

func deletes(op Op, id BlipID) bool {
	d, ok := op.(DeleteBlip)
	return ok && d.Blip == id
}

// memberOf is the participant that an op is about, "" if none.
func memberOf(op Op) Participant {
	switch op := op.(type) {
	case AddParticipant:
		return op.Who
	case RemoveParticipant:
		return op.Who
	case SetRole:
		return op.Who
	}
	return ""
}
