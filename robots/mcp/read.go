package mcp

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/gateway"
	"weir/policies"
	"weir/wavelet"
)

// maxPage is how many bytes of text a page has.
const maxPage = 24 << 10

// read is read_wavelet.
func (h *Handler) read(ctx context.Context, robot wavelet.Participant, a arguments) (found, policies.Limits, *fault) {
	var in gateway.Reading
	var err error
	reply := h.calls.Look(ctx, h.call(robot), func(ctx context.Context) {
		in, err = h.gateway.Read(ctx, wavelet.Seat{Wavelet: a.wavelet, Robot: robot})
	})
	if wrong := turnedAway(reply); wrong != nil {
		return found{}, reply.Limits, wrong
	}
	if err != nil {
		wrong := faultOf(err)
		wrong.Field = waveletParam
		if wrong.Code == string(wavelet.CodeNotFound) {
			wrong.Remedy = "list_wavelets shows where you take part"
		}
		return found{}, reply.Limits, wrong
	}
	p := page{state: in.State, since: wavelet.Version(a.number["since"]), blips: []blip{}}
	if wrong := p.fill(a.text["from"]); wrong != nil {
		return found{}, reply.Limits, wrong
	}
	data := map[string]any{
		"wavelet": a.wavelet.String(), "title": in.State.Title(), "version": in.State.Version(), "participants": members(in.State), "blips": p.blips, "news": in.News,
	}
	if p.next != "" {
		data["next"] = p.next
	}
	if in.Held > 0 {
		data["heldMs"] = in.Held.Milliseconds()
	}
	return found{p.text(a, in), data}, reply.Limits, nil
}

// blip is a message, or the part of it that is on a page.
type blip struct {
	ID       wavelet.BlipID        `json:"id"`
	Under    wavelet.BlipID        `json:"under,omitempty"` // the blip below which its thread is
	By       wavelet.Participant   `json:"by"`
	Others   []wavelet.Participant `json:"contributors,omitempty"` // who wrote in it too
	Modified time.Time             `json:"modified"`
	Version  wavelet.Version       `json:"version"` // that changed it last
	Text     string                `json:"text"`
	Part     bool                  `json:"part,omitempty"` // the text is not all of it
}

// page is a part of a wavelet, in order.
type page struct {
	state *wavelet.State
	since wavelet.Version
	blips []blip
	next  string // where the next page begins, "" if there is none
}

// fill puts on the page what there is room for, from a place on. A place is a
// blip's id and an offset in bytes, "b+abc:24576"; an id may have colons of its
// own. Without an offset it is the beginning of the blip.
func (p *page) fill(from string) *fault {
	id, offset, begun := wavelet.BlipID(from), 0, from == ""
	if at := strings.LastIndexByte(from, ':'); at >= 0 {
		n, err := strconv.Atoi(from[at+1:])
		if err != nil || n < 0 {
			return bad("from", fmt.Sprintf("%q is no place in this wavelet", brief(from)), "give next of the page before, or leave it out")
		}
		id, offset = wavelet.BlipID(from[:at]), n
	}
	room := maxPage
	for b := range p.state.Blips() {
		begun = begun || b.ID == id
		if !begun || b.Deleted || b.Version <= p.since {
			continue
		}
		text := strings.TrimSuffix(b.Doc.Text(), "\n")
		start := 0
		if b.ID == id {
			start = bound(text, offset)
		}
		if room <= 0 || len(p.blips) > 0 && len(text)-start > room {
			p.next = place(b.ID, 0)
			break
		}
		end := bound(text, start+room)
		p.blips = append(p.blips, p.blip(b, text[start:end], end-start < len(text)))
		if room -= end - start + 100; end < len(text) {
			p.next = place(b.ID, end)
			break
		}
	}
	if !begun {
		return bad("from", fmt.Sprintf("there is no blip %q", brief(from)), "give next of the page before, or leave it out")
	}
	return nil
}

// place is where the page after this one begins.
func place(id wavelet.BlipID, offset int) string { return fmt.Sprintf("%s:%d", id, offset) }

// bound is the last place up to n at which a text may be parted.
func bound(text string, n int) int {
	if n >= len(text) {
		return len(text)
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

func (p *page) blip(b *wavelet.Blip, text string, part bool) blip {
	out := blip{ID: b.ID, By: b.Creator, Modified: b.Modified.UTC(), Version: b.Version, Text: text, Part: part}
	for _, who := range b.Contributors {
		if who != b.Creator {
			out.Others = append(out.Others, who)
		}
	}
	if t, ok := p.state.Thread(b.Thread); ok {
		out.Under = t.Parent
	}
	return out
}

func members(s *wavelet.State) []wavelet.Participant {
	list := []wavelet.Participant{}
	for _, m := range s.Participants() {
		list = append(list, m.Address)
	}
	return slices.Clip(list)
}

// mark begins each line that others wrote, so that nobody can write what looks
// like a message of somebody else, or like the server's word.
const mark = "| "

func quoted(text string) string {
	var ends []string
	for _, end := range []string{"\r\n", "\n", "\v", "\f", "\r", "\u0085", "\u2028", "\u2029"} { // what may be taken for the end of a line
		ends = append(ends, end, end+mark)
	}
	return mark + strings.NewReplacer(ends...).Replace(text)
}

// text is the page as a model reads it.
func (p *page) text(a arguments, in gateway.Reading) string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "%s, version %d, titled %q. Participants: ", a.wavelet, p.state.Version(), p.state.Title())
	for i, who := range members(p.state) {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(string(who))
	}
	text.WriteString(".\n")
	for _, b := range p.blips {
		fmt.Fprintf(text, "\n[%s] %s", b.ID, b.By)
		for _, who := range b.Others {
			fmt.Fprintf(text, " and %s", who)
		}
		if b.Under != "" {
			fmt.Fprintf(text, ", under %s", b.Under)
		}
		if b.Part {
			text.WriteString(", in part")
		}
		fmt.Fprintf(text, ":\n%s\n", quoted(b.Text))
	}
	if len(p.blips) == 0 {
		text.WriteString("\nNothing to show: no blip has changed since then.\n")
	}
	if p.next != "" {
		fmt.Fprintf(text, "\nThere is more: read on from %q.\n", p.next)
	}
	if in.Held > 0 {
		fmt.Fprintf(text, "\nWhat robots have written is held back from you for %s.\n", in.Held.Round(100*time.Millisecond))
	}
	return strings.TrimSuffix(text.String(), "\n")
}
