package web

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/admission/blocks"
	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/client"
)

// ConnectionFilter says which connections are meant. Its fields are query
// parameters.
type ConnectionFilter struct {
	User    string `query:"user" doc:"Only those of this person."`
	Robot   string `query:"robot" doc:"Only those of this robot."`
	Address string `query:"address" doc:"Only those from this address or network." example:"192.0.2.0/24"`
}

type connectionsInput struct {
	ConnectionFilter
	Cursor string `query:"cursor" doc:"The next of the page before. None: the oldest."`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

// connectionList tells of people's sockets one by one. Robots keep none: of
// them it tells how many connections each has now, of either side's making.
type connectionList struct {
	Sockets []socketLine     `json:"sockets" doc:"The oldest first."`
	Robots  []robotPlaces    `json:"robots" doc:"Robots with connections now, or the one asked for."`
	Next    string           `json:"next,omitzero" doc:"The cursor of the next page. None: this is the last one."`
	Open    connectionTotals `json:"open"`
}

type socketLine struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Address    string    `json:"address"`
	Since      time.Time `json:"since"`
	Wavelets   int       `json:"wavelets" doc:"Wavelets that are open on it."`
	FramesIn   uint64    `json:"framesIn"`
	BytesIn    uint64    `json:"bytesIn"`
	FramesOut  uint64    `json:"framesOut"`
	BytesOut   uint64    `json:"bytesOut"`
	QueueBytes int       `json:"queueBytes" doc:"Waiting to be written."`
}

type robotPlaces struct {
	Robot   string `json:"robot"`
	Active  int    `json:"active"`
	Maximum int    `json:"maximum" doc:"0: any number."`
}

type connectionTotals struct {
	Connections int `json:"connections" doc:"To the server, of any kind."`
	Maximum     int `json:"maximum" doc:"How many there may be. 0: any number."`
	Sockets     int `json:"sockets"`
	Users       int `json:"users" doc:"People with a socket."`
	Addresses   int `json:"addresses" doc:"Where connections come from; of IPv6 a /64 is one."`
}

type closedReport struct {
	Closed int `json:"closed" doc:"How many were closed."`
}

// SocketPath names a socket in the path of a call.
type SocketPath struct {
	ID string `path:"id" doc:"The socket's id."`
}

// connectionRoutes are the operators' calls about who is connected.
func (s *Server) connectionRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/connections", "list-connections", "List the open sockets, and how many connections robots have", "admin"),
		asAdmin(s, s.connections))
	huma.Register(api, operation(http.MethodDelete, "/connections/{id}", "close-connection", "Close a socket; its client may come back", "admin"),
		asAdmin(s, func(_ context.Context, in *SocketPath) (*body[closedReport], error) {
			n := s.sockets.end(func(k *socket) bool { return k.flow.id == in.ID }, endedByOperator())
			if n == 0 {
				return nil, refuse(client.CodeBadField, "not_found", "id", "no socket "+in.ID+" is open", "list those that are")
			}
			return answer(closedReport{n}, nil)
		}))
	huma.Register(api, operation(http.MethodDelete, "/connections", "close-connections", "Close a person's sockets, or those from an address; the clients may come back", "admin"),
		asAdmin(s, func(_ context.Context, in *struct{ ConnectionFilter }) (*body[closedReport], error) {
			fits, err := in.fits()
			switch {
			case err != nil:
				return nil, err
			case in.Robot != "":
				return nil, refuse(client.CodeBadField, "bad_field", "robot", "a robot keeps no socket that could be closed", "suspend or block the robot")
			case in.User == "" && in.Address == "":
				return nil, missing("user")
			}
			return answer(closedReport{s.sockets.end(fits, endedByOperator())}, nil)
		}))
}

// endedByOperator closes a socket without anybody being at fault.
func endedByOperator() *disconnect {
	return &disconnect{client.CloseEnded, "closed by an operator"}
}

// fits tells which sockets the filter means.
func (f ConnectionFilter) fits() (func(*socket) bool, error) {
	var network netip.Prefix
	if f.Address != "" {
		var err error
		if network, err = blocks.Network(f.Address); err != nil {
			return nil, badField("address", "give an address like 192.0.2.7, or a network like 192.0.2.0/24")
		}
	}
	return func(k *socket) bool {
		return f.Robot == "" && (f.User == "" || string(k.login.User) == f.User) && (f.Address == "" || network.Contains(k.flow.from))
	}, nil
}

// connections is a page of the list.
func (s *Server) connections(_ context.Context, in *connectionsInput) (*body[connectionList], error) {
	fits, err := in.fits()
	if err != nil {
		return nil, err
	}
	found := s.sockets.list(func(k *socket) bool { return k.flow.id > in.Cursor && fits(k) })
	list := connectionList{Sockets: []socketLine{}, Robots: []robotPlaces{}, Open: connectionTotals{
		Connections: s.gate.total.Active(), Maximum: s.gate.total.Maximum(), Sockets: s.sockets.count(),
		Users: s.gate.people.Len(), Addresses: s.gate.addresses.Len(),
	}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		list.Next = found[in.Limit-1].flow.id
	}
	for _, k := range found {
		list.Sockets = append(list.Sockets, k.line())
	}
	if in.Cursor == "" && in.User == "" && in.Address == "" {
		list.Robots = s.robotPlaces(wavelet.Participant(in.Robot))
	}
	return answer(list, nil)
}

// robotPlaces is how many connections robots have: those that have any, or the
// one that is asked for.
func (s *Server) robotPlaces(only wavelet.Participant) []robotPlaces {
	places := []robotPlaces{}
	add := func(id wavelet.Participant) {
		if active, most := s.d.Robots.Connections(id); active > 0 || only != "" {
			places = append(places, robotPlaces{string(id), active, most})
		}
	}
	if only != "" {
		if _, program := robots.PersonOf(only); program || s.d.Robots.Registered(only) {
			add(only)
		}
		return places
	}
	for _, r := range s.d.Robots.List() {
		add(r.Address)
	}
	return places
}

// line is what is told of a socket.
func (k *socket) line() socketLine {
	k.mu.Lock()
	open := len(k.subs)
	k.mu.Unlock()
	f := &k.flow
	return socketLine{
		ID: f.id, User: string(k.login.User), Address: f.from.String(), Since: f.since, Wavelets: open,
		FramesIn: f.framesIn.Load(), BytesIn: f.bytesIn.Load(), FramesOut: f.framesOut.Load(), BytesOut: f.bytesOut.Load(),
		QueueBytes: k.queue.waiting(),
	}
}

// list is the open sockets that fit, the oldest first.
func (ss *sockets) list(fits func(*socket) bool) []*socket {
	ss.mu.Lock()
	var found []*socket
	for k := range ss.all {
		if fits(k) {
			found = append(found, k)
		}
	}
	ss.mu.Unlock()
	slices.SortFunc(found, func(a, b *socket) int { return cmp.Compare(a.flow.id, b.flow.id) })
	return found
}

// end closes the sockets that fit and are not being closed already, and tells how
// many they are. It does not wait until they are gone.
func (ss *sockets) end(fits func(*socket) bool, why *disconnect) int {
	found := ss.list(func(k *socket) bool { return k.ctx.Err() == nil && fits(k) })
	for _, k := range found {
		k.close(why)
	}
	return len(found)
}
