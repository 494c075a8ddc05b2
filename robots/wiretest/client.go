package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"weir/robots/oauth"
)

// Dialect is a client library with its generation of the protocol.
type Dialect string

// The two of them.
const (
	Python Dialect = "Python" // 0.21
	Java   Dialect = "Java"   // 0.22
)

// Client is a robot. Give it what it does with On before it is served.
type Client struct {
	Dialect Dialect
	Hash    string // of its capabilities
	// OAuth is what bundles must be signed with, and the RPC URL that they must
	// name; without a secret a robot does not look.
	OAuth  oauth.Credentials
	RPCURL string
	// Profile is what it answers when asked for its profile.
	Name, ImageURL, ProfileURL string

	mu      sync.Mutex
	wants   []want
	next    int // of the ids of operations and of temporary ids
	crashes []string
	bundles []*Bundle
}

type want struct {
	event, contexts, filter string
	f                       func(*Answer, Event)
}

// On has f called for events of a type. Contexts is a comma list and filter a
// regular expression; "" leaves them out.
func (c *Client) On(event, contexts, filter string, f func(*Answer, Event)) *Client {
	c.wants = append(c.wants, want{event, contexts, filter, f})
	return c
}

// Crashes is what the client has failed on.
func (c *Client) Crashes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.crashes)
}

// Bundles is what the client has read.
func (c *Client) Bundles() []*Bundle {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.bundles)
}

// ServeHTTP serves the paths below /_wave.
func (c *Client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "GET /_wave/capabilities.xml":
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, c.capabilities())
	case "GET /_wave/robot/profile":
		profile := map[string]string{"name": c.Name, "imageUrl": c.ImageURL, "profileUrl": c.ProfileURL}
		if c.Dialect == Java {
			profile["address"] = ""
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		json.NewEncoder(w).Encode(profile)
	case "POST /_wave/robot/jsonrpc":
		ops, err := c.receive(r)
		if err != nil {
			c.crashes = append(c.crashes, err.Error())
			http.Error(w, "Traceback: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.Encode(ops)
	default:
		http.NotFound(w, r)
	}
}

// capabilities is the file as the client writes it.
func (c *Client) capabilities() string {
	const indent = "  "
	version, key := "0.21", ""
	if c.Dialect == Java {
		version = "0.22"
		if c.OAuth.Key != "" {
			key = fmt.Sprintf("%s<w:consumer_keys>\n%s%s<w:consumer_key for=%q>%s</w:consumer_key>\n%s</w:consumer_keys>\n", indent, indent, indent, c.RPCURL, c.OAuth.Key, indent)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<?xml version=\"1.0\"?>\n<w:robot xmlns:w=\"http://wave.google.com/extensions/robots/1.0\">\n<w:version>%s</w:version>\n", c.Hash)
	if c.Dialect == Python && c.OAuth.Key != "" {
		fmt.Fprintf(&out, "<w:consumer_key>%s</w:consumer_key>\n", c.OAuth.Key)
	}
	fmt.Fprintf(&out, "<w:protocolversion>%s</w:protocolversion>\n<w:capabilities>\n", version)
	for _, want := range c.wants {
		fmt.Fprintf(&out, "%s<w:capability name=%q", indent, want.event)
		if want.contexts != "" {
			fmt.Fprintf(&out, " context=%q", want.contexts)
		}
		if want.filter != "" {
			fmt.Fprintf(&out, " filter=\"%s\"", want.filter)
		}
		out.WriteString("/>\n")
	}
	fmt.Fprintf(&out, "</w:capabilities>\n%s</w:robot>\n", key)
	return out.String()
}

// receive reads a bundle and answers it.
func (c *Client) receive(r *http.Request) ([]any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		return nil, fmt.Errorf("the body comes as %q", r.Header.Get("Content-Type"))
	}
	if c.OAuth.Secret != "" && c.Dialect == Java {
		joined := bytes.ReplaceAll(body, []byte("\n"), nil) // as it reads lines
		req := oauth.Request{Method: r.Method, URL: "http://" + r.Host + r.URL.Path, Params: r.URL.Query(), Body: joined, Hashed: true}
		if err := req.Verify(c.OAuth); err != nil {
			return nil, err
		}
	}
	b, err := c.Dialect.Read(body)
	if err != nil {
		return nil, err
	}
	if c.OAuth.Secret != "" && c.Dialect == Java && b.RPCServerURL != c.RPCURL {
		return nil, fmt.Errorf("no consumer key was set up for %q", b.RPCServerURL)
	}
	c.bundles = append(c.bundles, b)
	return c.answer(b)
}

// answer calls what is to be done for each event.
func (c *Client) answer(b *Bundle) (ops []any, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crash:
			err = fmt.Errorf("%s robot: %s", c.Dialect, string(r))
		default:
			panic(r)
		}
	}()
	a := &Answer{Bundle: b, client: c}
	a.notify()
	for _, e := range b.Events {
		for _, w := range c.wants {
			if w.event == e.Type && w.f != nil {
				w.f(a, e)
			}
		}
	}
	return a.ops, nil
}
