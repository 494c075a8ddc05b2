package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/events"
	"weir/policies"
	"weir/robots/rpc"
	"weir/wavelet"
	"weir/wavelet/host"
)

// Bounds of what is sent and answered.
const (
	maxName     = 1024     // bytes of a wavelet's name, a blip's id or a place to read on from
	maxWritten  = 64 << 10 // bytes of what is written
	maxQuoted   = 16 << 10 // bytes of the text that an edit looks for
	maxWavelets = 100      // listed at once
)

// waveletParam is the parameter that names a wavelet.
const waveletParam = "wavelet"

// The words for whom an agent answers.
const (
	people = "people"
	robots = "robots"
	nobody = "nobody"
)

// tools is what an agent can do.
func (h *Handler) tools() []tool {
	where := param{name: waveletParam, required: true, most: maxName, about: "the wavelet's name, as list_wavelets shows it"}
	answers := param{name: "answers", words: []string{people, robots, nobody},
		about: "whose words set this off: of people if a person has written since you last read, else of robots, or nobody's. " +
			"Left out, it counts as an answer to robots, if they have written what you have not answered"}
	return []tool{
		{name: "list_wavelets", title: "List wavelets", about: "List the wavelets in which you take part, the one that changed last first.", do: h.list, params: []param{
			{name: "limit", number: true, most: maxWavelets, about: "how many to list at most; 20 if it is left out"},
		}},
		{name: "read_wavelet", title: "Read a wavelet", do: h.read,
			about: "Read a wavelet: its blips (messages) with their ids, in order. Each line of what somebody wrote begins with \"" + mark + "\", which he did not write. " +
				"What is long comes in pages. What robots have written may be held back for a moment.",
			params: []param{where,
				{name: "since", number: true, most: 1 << 40, about: "a version: only blips that changed after it are shown. The version is in every result"},
				{name: "from", most: maxName, about: "where to read on: next of the page before"},
			}},
		{name: "reply", title: "Write a message", writes: true, do: h.reply,
			about: "Write a message of your own: at the end of the conversation, behind a blip in its thread, or in a new thread under it.",
			params: []param{where,
				{name: "text", required: true, most: maxWritten, about: "what to write, as plain text"},
				{name: "blip", most: maxName, about: "the id of the blip whose thread is continued. Left out: the conversation itself"},
				{name: "under", most: maxName, about: "the id of the blip below which a new thread begins, instead of blip"},
				answers,
			}},
		{name: "edit_text", title: "Edit text", writes: true, do: h.edit,
			about: "Replace text in a blip. The text to find has to occur there exactly once, letter for letter.",
			params: []param{where,
				{name: "blip", required: true, most: maxName, about: "the id of the blip"},
				{name: "find", required: true, most: maxQuoted, about: "the text to replace, with enough around it to occur only once"},
				{name: "replace", most: maxWritten, about: "the text in its place; nothing, to delete it"},
				answers,
			}},
		{name: "my_limits", title: "My limits", about: "Show how you stand: each limit, what is used and left of it, and what was decided about you.", do: h.limits},
	}
}

// list is list_wavelets.
func (h *Handler) list(ctx context.Context, robot wavelet.Participant, a arguments) (found, policies.Limits, *fault) {
	most, ok := a.number["limit"]
	if !ok || most == 0 {
		most = 20
	}
	var all []host.Summary
	var err error
	reply := h.calls.Look(ctx, h.call(robot), func(ctx context.Context) {
		for s, e := range h.o.Waves(ctx, robot) {
			if err = e; err != nil {
				return
			}
			all = append(all, s)
		}
	})
	if wrong := turnedAway(reply); wrong != nil {
		return found{}, reply.Limits, wrong
	}
	if err != nil {
		return found{}, reply.Limits, faultOf(err)
	}
	slices.SortFunc(all, func(x, y host.Summary) int { return y.Modified.Compare(x.Modified) })
	rows, text := []map[string]any{}, &strings.Builder{}
	for _, s := range all[:min(most, len(all))] {
		rows = append(rows, map[string]any{
			"wavelet": s.Name.String(), "title": s.Title, "version": s.Version, "blips": s.Blips, "participants": s.Participants, "modified": s.Modified.UTC(),
		})
		fmt.Fprintf(text, "%s  %q, %d blips, %d participants, changed %s\n", s.Name, s.Title, s.Blips, s.Participants, s.Modified.UTC().Format(time.DateTime))
	}
	fmt.Fprintf(text, "%d of the %d wavelets in which you take part.", len(rows), len(all))
	return found{text.String(), map[string]any{"wavelets": rows, "total": len(all)}}, reply.Limits, nil
}

// reply is the tool that writes a message.
func (h *Handler) reply(ctx context.Context, robot wavelet.Participant, a arguments) (found, policies.Limits, *fault) {
	method, params := "wavelet.appendBlip", map[string]any{"blipData": map[string]any{"blipId": "TBD_reply", "content": a.text["text"]}}
	switch blip, under := a.text["blip"], a.text["under"]; {
	case blip != "" && under != "":
		return h.turn(ctx, robot, bad("under", "it excludes blip", "give one of the two"))
	case blip != "":
		method, params["blipId"] = "blip.continueThread", blip
	case under != "":
		method, params["blipId"] = "blip.createChild", under
	}
	data, limits, wrong := h.write(ctx, robot, a, method, params)
	if wrong != nil {
		return found{}, limits, wrong
	}
	var made struct{ NewBlipID string }
	if err := json.Unmarshal(data, &made); err != nil {
		return found{}, limits, faultOf(err)
	}
	return found{"Written, as blip " + made.NewBlipID + ".", map[string]any{"blip": made.NewBlipID}}, limits, nil
}

// edit is edit_text.
func (h *Handler) edit(ctx context.Context, robot wavelet.Participant, a arguments) (found, policies.Limits, *fault) {
	action := map[string]any{"modifyHow": "REPLACE", "values": []string{a.text["replace"]}}
	if a.text["replace"] == "" {
		action = map[string]any{"modifyHow": "DELETE"}
	}
	_, limits, wrong := h.write(ctx, robot, a, "document.modify", map[string]any{
		"blipId": a.text["blip"], "modifyQuery": map[string]any{"textMatch": a.text["find"], "exactRes": 1}, "modifyAction": action,
	})
	if wrong != nil {
		return found{}, limits, wrong
	}
	return found{"Replaced in blip " + a.text["blip"] + ".", map[string]any{"blip": a.text["blip"]}}, limits, nil
}

// limits is my_limits.
func (h *Handler) limits(ctx context.Context, robot wavelet.Participant, _ arguments) (found, policies.Limits, *fault) {
	data, limits, wrong := h.operate(ctx, h.call(robot), "robot.getLimits", map[string]any{})
	if wrong != nil {
		return found{}, limits, wrong
	}
	text := &strings.Builder{}
	fmt.Fprintf(text, "You are %s, under the profile %s. You stand: %s.\n", robot, limits.Profile, limits.Status)
	for _, l := range limits.Limits {
		fmt.Fprintf(text, "%s: %g of %g used", l.Name, tenths(l.Used), tenths(l.Max))
		if l.Window > 0 {
			fmt.Fprintf(text, " in %s", time.Duration(l.Window))
		}
		if l.Wavelet != "" {
			fmt.Fprintf(text, ", in %s", l.Wavelet)
		}
		text.WriteString("\n")
	}
	for _, d := range limits.Decisions {
		fmt.Fprintf(text, "%s: %s\n", d.At.UTC().Format(time.DateTime), d.Reason)
	}
	return found{strings.TrimSpace(text.String()), map[string]any{"details": data}}, limits, nil
}

// turn counts a call that makes no sense, and gives what is wrong with it.
func (h *Handler) turn(ctx context.Context, robot wavelet.Participant, wrong *fault) (found, policies.Limits, *fault) {
	reply := h.calls.Look(ctx, h.call(robot), func(context.Context) {})
	if refused := turnedAway(reply); refused != nil {
		wrong = refused
	}
	return found{}, reply.Limits, wrong
}

// write carries out an operation on a wavelet, and names what it answers.
func (h *Handler) write(ctx context.Context, robot wavelet.Participant, a arguments, method string, params map[string]any) (json.RawMessage, policies.Limits, *fault) {
	seat := wavelet.Seat{Wavelet: a.wavelet, Robot: robot}
	c := h.call(robot)
	switch a.text["answers"] {
	case people:
		c.Token = h.gateway.Answering(seat, events.HumanLane)
	case robots:
		c.Token = h.gateway.Answering(seat, events.RobotLane)
	case "":
		c.Token = h.gateway.Answering(seat)
	}
	params["waveId"], params["waveletId"] = a.wavelet.Wave, a.wavelet.Wavelet
	return h.operate(ctx, c, method, params)
}

// outcome is what an operation came to, as package rpc tells it.
type outcome struct {
	Data  json.RawMessage
	Error *struct {
		Code    int
		Message string
		Data    struct {
			Code         string
			Limit        string
			RetryAfterMS int64
		}
	}
}

// operate carries out one operation.
func (h *Handler) operate(ctx context.Context, c rpc.Call, method string, params map[string]any) (json.RawMessage, policies.Limits, *fault) {
	var err error
	c.Body, err = json.Marshal([]any{map[string]any{"id": "1", "method": method, "params": params}})
	if err != nil {
		return nil, policies.Limits{}, faultOf(err)
	}
	reply := h.calls.Serve(ctx, c)
	if wrong := turnedAway(reply); wrong != nil {
		return nil, reply.Limits, wrong
	}
	raw, err := json.Marshal(reply.Body)
	var out []outcome
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil || len(out) != 1 {
		return nil, reply.Limits, faultOf(fmt.Errorf("%d results: %w", len(out), err))
	}
	if out[0].Error != nil {
		return nil, reply.Limits, out[0].fault()
	}
	return out[0].Data, reply.Limits, nil
}

// fault is why an operation was not done, in the words of the tools.
func (o outcome) fault() *fault {
	e := o.Error
	f := &fault{Code: e.Data.Code, Message: e.Message, Limit: e.Data.Limit, RetryAfterMS: e.Data.RetryAfterMS}
	if code, _, ok := strings.Cut(e.Message, ": "); ok && f.Code == "" && code == string(wavelet.CodeEvicted) {
		f.Code = code
	}
	if f.Code == "" {
		f.Code = map[int]string{400: "bad_argument", 403: "no_access", 404: "not_found", 409: "no_single_match"}[e.Code]
	}
	switch f.Code {
	case "no_single_match":
		f.Field, f.Message = "find", strings.NewReplacer("the query has", "the text has", ", and exactRes asks for 1", "").Replace(f.Message)
		f.Remedy = "quote it letter for letter as read_wavelet shows it, but without the \"" + mark + "\" that each line begins with, and with enough around it to occur exactly once"
	case "not_found":
		f.Remedy = "list_wavelets shows the wavelets, read_wavelet the blips"
	case "no_access":
		f.Field, f.Remedy = waveletParam, "have a participant add you; list_wavelets shows where you take part"
	case "":
		f.Code = "failed"
	}
	return f
}
