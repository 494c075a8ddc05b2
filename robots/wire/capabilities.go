package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"weir/events"
)

// namespace is that of capabilities.xml.
const namespace = "http://wave.google.com/extensions/robots/1.0"

// Bounds of a capabilities file. What lies beyond them is refused or left out.
const (
	maxCapabilities = 256 << 10 // bytes of the file
	maxWants        = 256       // capability lines
	maxFilter       = 1 << 10   // bytes of a filter
	maxVersion      = 256       // bytes of version and protocolversion
)

// ErrCapabilities says that a capabilities file is not one.
var ErrCapabilities = errors.New("not a capabilities file")

// Capabilities is what a robot declares about itself. It is a plain value that
// can be stored as JSON. The zero Capabilities wants nothing but to hear that
// the robot was added.
type Capabilities struct {
	Hash     string `json:"hash"`     // opaque; it may change at each start of the robot
	Protocol string `json:"protocol"` // as the robot wrote it; "" if it did not
	Wants    []Want `json:"wants"`    // one for each event type
}

// Want is the wish for one type of event.
type Want struct {
	Event    events.Type `json:"event"`
	Contexts Contexts    `json:"contexts"`          // as the comma list of the file
	Filters  []string    `json:"filters,omitempty"` // regular expressions of which one must match; none: no condition
}

// Contexts is events.Contexts, stored by name.
type Contexts events.Contexts

// contextNames are the names of the contexts, in the order of their bits.
func contextNames() []string {
	return []string{"ROOT", "PARENT", "SIBLINGS", "CHILDREN", "SELF", "ALL"}
}

// MarshalText writes the comma list.
func (c Contexts) MarshalText() ([]byte, error) {
	var words []string
	for bit, name := range contextNames() {
		if c&(1<<bit) != 0 {
			words = append(words, name)
		}
	}
	return []byte(strings.Join(words, ",")), nil
}

// UnmarshalText reads a comma list.
func (c *Contexts) UnmarshalText(text []byte) error {
	*c = parseContexts(string(text))
	return nil
}

// Dialect is the one the robot speaks: V021 for protocol 0.21 and all before it,
// and for a file that names none; V022 for everything else.
func (c Capabilities) Dialect() events.Dialect {
	switch c.Protocol {
	case "", "0.1", "0.2", "0.21":
		return events.V021
	}
	return events.V022
}

// beforeAttachments reports whether the robot's protocol is older than the
// ATTACHMENT element.
func (c Capabilities) beforeAttachments() bool {
	return c.Protocol == "" || c.Protocol == "0.1" || c.Protocol == "0.2"
}

// ParseCapabilities reads a capabilities.xml. A type that is listed several
// times gets the union of its contexts, and any of its filters admits an event;
// types that nobody knows are skipped. Errors wrap ErrCapabilities.
func ParseCapabilities(r io.Reader) (Capabilities, error) {
	limited := &io.LimitedReader{R: r, N: maxCapabilities + 1}
	dec := xml.NewDecoder(limited)
	dec.Strict = false // a filter may hold a bare "&": the clients do not escape it
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	c := Capabilities{Wants: []Want{}}
	err := c.read(dec)
	if limited.N <= 0 {
		err = fmt.Errorf("longer than %d bytes", maxCapabilities)
	}
	if err != nil {
		return Capabilities{}, fmt.Errorf("%w: %w", ErrCapabilities, err)
	}
	return c, nil
}

// read takes the tokens of the file, element by element.
func (c *Capabilities) read(dec *xml.Decoder) error {
	rooted := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && rooted {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !rooted {
			if start.Name.Space != namespace || start.Name.Local != "robot" {
				return fmt.Errorf("the root element is <%s> of namespace %q; want <robot> of %q", start.Name.Local, start.Name.Space, namespace)
			}
			rooted = true
			continue
		}
		if start.Name.Space != namespace {
			continue
		}
		if err := c.element(dec, start); err != nil {
			return err
		}
	}
}

// element takes one element below the root.
func (c *Capabilities) element(dec *xml.Decoder, start xml.StartElement) error {
	var err error
	switch start.Name.Local {
	case "version":
		c.Hash, err = text(dec, start)
	case "protocolversion":
		c.Protocol, err = text(dec, start)
	case "capability":
		err = c.want(start)
	}
	return err
}

// text is the content of a short element.
func text(dec *xml.Decoder, start xml.StartElement) (string, error) {
	var s string
	if err := dec.DecodeElement(&s, &start); err != nil {
		return "", err
	}
	if s = strings.TrimSpace(s); len(s) > maxVersion {
		return "", fmt.Errorf("<%s> is longer than %d bytes", start.Name.Local, maxVersion)
	}
	return s, nil
}

// want adds a capability line.
func (c *Capabilities) want(line xml.StartElement) error {
	var name, context, filter string
	for _, a := range line.Attr {
		switch a.Name.Local {
		case "name":
			name = a.Value
		case "context":
			context = a.Value
		case "filter":
			filter = a.Value
		}
	}
	return c.add(name, context, filter)
}

// add adds what one line asks for.
func (c *Capabilities) add(name, context, filter string) error {
	name = strings.ToUpper(strings.TrimSpace(name))
	if len(filter) > maxFilter {
		return fmt.Errorf("the filter of %s is longer than %d bytes", name, maxFilter)
	}
	event := events.Type(name)
	if !slices.Contains(known(), event) {
		return nil
	}
	i := slices.IndexFunc(c.Wants, func(w Want) bool { return w.Event == event })
	if i < 0 {
		w := Want{Event: event, Contexts: parseContexts(context)}
		if filter != "" {
			w.Filters = []string{filter}
		}
		c.Wants = append(c.Wants, w)
		return nil
	}
	w := &c.Wants[i]
	w.Contexts |= parseContexts(context)
	switch {
	case filter == "" || len(w.Filters) == 0:
		w.Filters = nil // one line without a condition admits everything
	case len(w.Filters) >= maxWants:
		return fmt.Errorf("%s is listed more than %d times", name, maxWants)
	default:
		w.Filters = append(w.Filters, filter)
	}
	return nil
}

// known is every event type that a robot can be sent.
func known() []events.Type {
	return []events.Type{
		events.WaveletSelfAdded, events.WaveletSelfRemoved, events.WaveletParticipantsChanged,
		events.WaveletBlipCreated, events.WaveletBlipRemoved, events.WaveletTitleChanged, events.WaveletTagsChanged,
		events.WaveletCreated, events.WaveletFetched, events.BlipSubmitted, events.BlipContributorsChanged,
		events.DocumentChanged, events.AnnotatedTextChanged, events.FormButtonClicked, events.GadgetStateChanged,
		events.OperationError, events.RobotLimitWarning,
	}
}

// parseContexts reads a comma list. An empty one and one with a word that
// nobody knows stand for the default.
func parseContexts(list string) Contexts {
	var c Contexts
	for word := range strings.SplitSeq(list, ",") {
		bit := slices.Index(contextNames(), strings.ToUpper(strings.TrimSpace(word)))
		if bit < 0 {
			return Contexts(events.DefaultContexts)
		}
		c |= 1 << bit
	}
	return c
}

// Listens reports whether the robot wants to hear of what is written.
func (c Capabilities) Listens() bool {
	return slices.ContainsFunc(c.Wants, func(w Want) bool {
		return slices.Contains([]events.Type{events.WaveletBlipCreated, events.BlipSubmitted, events.DocumentChanged}, w.Event)
	})
}

// contexts is what [events.Blips] needs to know of the capabilities.
func (c Capabilities) contexts() map[events.Type]events.Contexts {
	m := make(map[events.Type]events.Contexts, len(c.Wants))
	for _, w := range c.Wants {
		m[w.Event] = events.Contexts(w.Contexts)
	}
	return m
}

// admits reports whether one of the filters matches text. A filter that is no
// regular expression here, such as one with a Java lookahead, admits everything.
func (w Want) admits(text string) bool {
	if len(w.Filters) == 0 {
		return true
	}
	return slices.ContainsFunc(w.Filters, func(f string) bool {
		re, err := regexp.Compile(f)
		return err != nil || re.MatchString(text)
	})
}
