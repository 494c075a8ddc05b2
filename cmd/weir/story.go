package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"weir/wavelet"
)

// width is how wide prose is printed, in characters.
const width = 110

// narrate tells what happens until ctx ends.
func (s *stage) narrate(ctx context.Context) {
	s.tell("%s", heading())
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	due := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			s.row()
			s.catchUp()
			return
		case <-tick.C:
		}
		if own := s.watch.own(); own >= due {
			s.row()
			due = own + rowGap(own)
		}
		s.catchUp()
	}
}

// catchUp tells what has happened since the last time.
func (s *stage) catchUp() {
	s.watch.tell(s.story, s.said)
	for _, p := range s.people {
		s.tellNotice(p)
	}
}

// rowGap is the time between two rows of counts: the longer it lasts the rarer
// they come.
func rowGap(own time.Duration) time.Duration {
	switch {
	case own < 30*time.Second:
		return 2 * time.Second
	case own < 3*time.Minute:
		return 10 * time.Second
	}
	return time.Minute
}

// shown is the robots in the order of the columns.
func shown() []wavelet.Participant { return []wavelet.Participant{echoA, echoB, spelly} }

// heading is the two lines above the rows.
func heading() string {
	first, second := "             people ", "   own time   typed "
	for _, r := range shown() {
		first += fmt.Sprintf("| %-30s", short(r))
		second += "| deltas bundles answers depth  "
	}
	return strings.TrimRight(first, " ") + "\n" + strings.TrimRight(second, " ")
}

// row is one line of counts.
func (s *stage) row() {
	var b strings.Builder
	fmt.Fprintf(&b, "%6d ", s.typed())
	for _, r := range shown() {
		t := s.watch.of(r)
		depth := fmt.Sprintf("%5d", t.deepest)
		if t.evicted != nil {
			depth = "  out"
		}
		fmt.Fprintf(&b, "| %6d %7d %7d %s  ", t.deltas, t.bundles, t.answers, depth)
	}
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	s.watch.say("%s", strings.TrimRight(b.String(), " "))
}

// typed is how many strokes people have made.
func (s *stage) typed() int64 {
	var n int64
	for _, p := range s.people {
		n += p.typed.Load()
	}
	return n
}

// said is what a robot's own blip says, as ann sees it.
func (s *stage) said(robot wavelet.Participant) string {
	text := "…"
	for b := range s.people[0].wave.State().Blips() {
		if b.Creator == robot {
			text = fmt.Sprintf("%q", strings.TrimSpace(b.Doc.Text()))
		}
	}
	return text
}

// tellNotice tells once what a person sees of the server's own messages.
func (s *stage) tellNotice(p *person) {
	for b := range p.wave.State().Blips() {
		if b.Creator != s.house.self() || p.notices[b.ID] != "" {
			continue
		}
		text := strings.TrimSpace(b.Doc.Text())
		p.notices[b.ID] = text
		who := short(p.client.User())
		if p != s.people[0] {
			s.tell("%7.1f s  %s sees it too", s.watch.own().Seconds(), who)
			continue
		}
		s.tell("%7.1f s  %s sees a new message, from %s:", s.watch.own().Seconds(), who, b.Creator)
		s.tell("%s", wrapped(text, "             ┃ "))
	}
}

// wrapped breaks a text into lines of the usual width, each behind a margin.
func wrapped(text, margin string) string {
	var out strings.Builder
	for paragraph := range strings.Lines(text) {
		room := 0
		for word := range strings.FieldsSeq(paragraph) {
			if n := len([]rune(word)) + 1; room < n {
				if out.Len() > 0 {
					out.WriteByte('\n')
				}
				out.WriteString(margin)
				room = width - len([]rune(margin))
			} else {
				out.WriteByte(' ')
			}
			out.WriteString(word)
			room -= len([]rune(word)) + 1
		}
	}
	return out.String()
}
