package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"
)

type connectionsCmd struct {
	List  connectionsListCmd  `cmd:"" help:"List who is connected."`
	Close connectionsCloseCmd `cmd:"" help:"Close sockets; their clients may come back."`
}

func (connectionsCmd) Help() string {
	return `The commands call a running server, which is found by its data directory.

Examples:

  weir connections list
  weir connections list --user ann@example.com
  weir connections close --address 192.0.2.0/24`
}

// connection is a person's socket.
type connection struct {
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Address    string    `json:"address"`
	Since      time.Time `json:"since"`
	Wavelets   int       `json:"wavelets"`
	FramesIn   uint64    `json:"framesIn"`
	BytesIn    uint64    `json:"bytesIn"`
	FramesOut  uint64    `json:"framesOut"`
	BytesOut   uint64    `json:"bytesOut"`
	QueueBytes int       `json:"queueBytes"`
}

// connections is what the API tells of who is connected.
type connections struct {
	Sockets []connection `json:"sockets"`
	Robots  []struct {
		Robot   string `json:"robot"`
		Active  int    `json:"active"`
		Maximum int    `json:"maximum"`
	} `json:"robots"`
	Next string `json:"next,omitzero"`
	Open struct {
		Connections int `json:"connections"`
		Maximum     int `json:"maximum"`
		Sockets     int `json:"sockets"`
		Users       int `json:"users"`
		Addresses   int `json:"addresses"`
	} `json:"open"`
}

type connectionsListCmd struct {
	remote
	User    string `help:"Only those of this person." placeholder:"ADDRESS"`
	Robot   string `help:"Only those of this robot." placeholder:"ADDRESS"`
	Address string `help:"Only those from this network address, or network." placeholder:"ADDRESS|CIDR"`
	Limit   int    `default:"100" help:"How many sockets, the oldest first; 0: all."`
	JSON    bool   `help:"Print JSON."`
}

func (connectionsListCmd) Help() string {
	return `People's sockets are listed one by one. Robots keep none; of each it is shown how many connections it has now, those that weir
makes to it included, and how many it may have.

Examples:

  weir connections list
  weir connections list --robot echo-a@weir.local --json`
}

func (c connectionsListCmd) Run(ctx context.Context, s streams) error {
	a, err := c.admin()
	if err != nil {
		return err
	}
	all, err := a.connections(ctx, filterOf("user", c.User, "robot", c.Robot, "address", c.Address), c.Limit)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(s.out, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tUSER\tADDRESS\tSINCE\tWAVELETS\tIN\tOUT\tWAITING")
	for _, k := range all.Sockets {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d (%d B)\t%d (%d B)\t%d B\n",
			k.ID, k.User, k.Address, k.Since.Local().Format(time.DateTime), k.Wavelets, k.FramesIn, k.BytesIn, k.FramesOut, k.BytesOut, k.QueueBytes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range all.Robots {
		fmt.Fprintf(s.out, "robot %s: %d of %s\n", r.Robot, r.Active, orAny(r.Maximum))
	}
	fmt.Fprintf(s.out, "%d of %s connections, from %d addresses; %d sockets of %d people\n",
		all.Open.Connections, orAny(all.Open.Maximum), all.Open.Addresses, all.Open.Sockets, all.Open.Users)
	return nil
}

// orAny is a maximum, of which 0 is none.
func orAny(n int) string {
	if n == 0 {
		return "any number of"
	}
	return strconv.Itoa(n)
}

// filterOf is a query of the names whose value is not empty.
func filterOf(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// connections reads the sockets page by page; limit 0 stands for all.
func (a api) connections(ctx context.Context, query url.Values, limit int) (all connections, err error) {
	const most = 1000 // of a page
	for page := 0; ; page++ {
		size := most
		if limit > 0 {
			size = min(limit-len(all.Sockets), most)
		}
		query.Set("limit", strconv.Itoa(size))
		var got connections
		if err := a.call(ctx, http.MethodGet, "/api/v1/connections?"+query.Encode(), nil, &got); err != nil {
			return all, err
		}
		if page == 0 {
			all = got
		} else {
			all.Sockets = append(all.Sockets, got.Sockets...)
		}
		if all.Next = got.Next; got.Next == "" || limit > 0 && len(all.Sockets) >= limit {
			return all, nil
		}
		query.Set("cursor", got.Next)
	}
}

type connectionsCloseCmd struct {
	remote
	ID      string `arg:"" optional:"" help:"The socket, as weir connections list shows it."`
	User    string `help:"Or all sockets of this person." placeholder:"ADDRESS"`
	Address string `help:"Or all from this network address, or network." placeholder:"ADDRESS|CIDR"`
}

func (connectionsCloseCmd) Help() string {
	return `Who is not to come back is blocked: weir block add.

Examples:

  weir connections close 019a0c3e-7c1e-7f00-8000-3f1d5a2b9c44
  weir connections close --user ann@example.com`
}

func (c connectionsCloseCmd) Run(ctx context.Context, s streams) error {
	query := filterOf("user", c.User, "address", c.Address)
	path := "/api/v1/connections?" + query.Encode()
	switch {
	case c.ID == "" && len(query) == 0:
		return errors.New("say which: give the ID of a socket, --user or --address")
	case c.ID != "" && len(query) > 0:
		return errors.New("give either the ID of a socket, or --user and --address")
	case c.ID != "":
		path = "/api/v1/connections/" + url.PathEscape(c.ID)
	}
	a, err := c.admin()
	if err != nil {
		return err
	}
	var done struct{ Closed int }
	if err := a.call(ctx, http.MethodDelete, path, nil, &done); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "closed %d\n", done.Closed)
	return nil
}
