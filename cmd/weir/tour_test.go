package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/robots"
	"weir/wavelet"
	"weir/wavelet/host"
)

// dialect writes operations as one of the old clients does.
type dialect struct {
	name, sep, temporary, wave string
	java                       bool
}

func dialects() []dialect {
	return []dialect{
		{name: "Python", sep: "!", temporary: "TBD_weir.local!conv+root_0x1b2cdab1414a%04x", wave: "weir.local!TBD_0x3f2a"},
		{name: "Java", sep: "/", temporary: "TBD_weir.local/conv+root_-%d99", wave: "weir.local/TBD_-12345", java: true},
	}
}

// temp is the n-th temporary id of a blip.
func (d dialect) temp(n int) string { return fmt.Sprintf(d.temporary, n) }

// at names a wavelet.
func (d dialect) at(name wavelet.Name, rest fields) fields {
	out := maps.Clone(rest)
	if out == nil {
		out = fields{}
	}
	if _, given := out["waveId"]; !given {
		out["waveId"] = strings.Replace(name.Wave, "!", d.sep, 1)
	}
	out["waveletId"] = strings.Replace(name.Wavelet, "!", d.sep, 1)
	return out
}

type fields = map[string]any

// step is one operation and what is expected of it.
type step struct {
	method string // as the newer dialect has it
	params fields
	code   int    // of its error, 0 if it is to be done
	data   string // a part of its data
}

// oldNames are the methods for which the Python client has other names.
func oldNames() map[string]string {
	return map[string]string{
		"wavelet.addParticipant": "wavelet.participant.add", "wavelet.removeParticipant": "wavelet.participant.remove",
		"wavelet.setDatadoc": "wavelet.datadoc.set", "wavelet.appendDatadoc": "wavelet.datadoc.append",
		"document.insertInlineBlip": "document.inlineBlip.insert", "document.appendInlineBlip": "document.inlineBlip.append",
		"document.insertInlineBlipAfterElement": "document.inlineBlip.insertAfterElement",
		"document.setAnnotation":                "document.annotation.set", "document.deleteAnnotation": "document.annotation.delete",
		"document.appendElement": "document.element.append", "robot.notify": "robot.notifyCapabilitiesHash",
	}
}

// operation is a step as the dialect writes it: Python has old names and only
// what is needed, Java new names and a null for everything else.
func (d dialect) operation(id string, s step) fields {
	method, params := s.method, maps.Clone(s.params)
	if old := oldNames()[method]; old != "" && !d.java {
		method = old
	}
	action, modifies := params["modifyAction"].(fields)
	if d.java && modifies {
		full := fields{"values": nil, "elements": nil, "annotationKey": nil, "bundledAnnotations": nil, "useMarkup": false}
		maps.Copy(full, action)
		if values, ok := action["values"].([]any); ok && action["annotationKey"] == nil {
			full["elements"] = make([]any, len(values))
		}
		if elements, ok := action["elements"].([]any); ok && action["modifyHow"] != "UPDATE_ELEMENT" {
			full["values"] = make([]any, len(elements))
		}
		params["modifyAction"] = full
		for _, key := range []string{"range", "index", "modifyQuery", "proxyingFor"} {
			if _, given := params[key]; !given {
				params[key] = nil
			}
		}
		if query, ok := params["modifyQuery"].(fields); ok {
			full := fields{"textMatch": nil, "elementMatch": nil, "maxRes": -1, "restrictions": fields{}}
			maps.Copy(full, query)
			params["modifyQuery"] = full
		}
	}
	return fields{"method": "wave." + method, "id": id, "params": params}
}

// tourist is a program that calls with a key.
type tourist struct {
	t       *testing.T
	url     string
	key     string
	dialect dialect
	calls   int
}

// call sends steps in one request and holds the answer against what is
// expected: one entry for each, in order. It returns their data.
func (r *tourist) call(steps ...step) []json.RawMessage {
	r.t.Helper()
	ops := []fields{}
	if r.dialect.java {
		ops = append(ops, r.dialect.operation("op999", step{method: "robot.notify", params: fields{"protocolVersion": "0.22", "capabilitiesHash": "2dc2bdf697e881"}}))
	}
	for _, s := range steps {
		r.calls++
		ops = append(ops, r.dialect.operation(fmt.Sprint("op", r.calls), s))
	}
	body, err := json.Marshal(ops)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/robot/rpc", bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var answers []struct {
		ID    string
		Data  json.RawMessage
		Error *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(raw, &answers); err != nil || resp.StatusCode != http.StatusOK || len(answers) != len(ops) {
		r.t.Fatalf("%d operations are answered with %s: %.2000s", len(ops), resp.Status, raw)
	}
	if r.dialect.java {
		if answers[0].ID != "op999" || string(answers[0].Data) != "{}" {
			r.t.Errorf("the notice is answered with %+v", answers[0])
		}
		answers, ops = answers[1:], ops[1:] // as that client does
	}
	var data []json.RawMessage
	for i, a := range answers {
		s, code, message := steps[i], 0, ""
		if a.Error != nil {
			code, message = a.Error.Code, a.Error.Message
		}
		switch {
		case a.ID != ops[i]["id"]:
			r.t.Errorf("%s has the answer of %s", ops[i]["id"], a.ID)
		case code != s.code || (a.Error == nil) == (a.Data == nil) || code != 0 && message == "":
			r.t.Errorf("%s: %d %q %s, want %d", s.method, code, message, a.Data, s.code)
		case !strings.Contains(string(a.Data), s.data):
			r.t.Errorf("%s: %s, want %s", s.method, a.Data, s.data)
		}
		data = append(data, a.Data)
	}
	return data
}

// tour is every operation there is, on a wave of ann's; what it expects is the
// same in both dialects.
func (r *tourist) tour(name wavelet.Name, root string) (created wavelet.Name) {
	d := r.dialect
	at := func(rest fields) fields { return d.at(name, rest) }
	one, two := d.temp(1), d.temp(2)
	blip := func(n int, text string) fields {
		return fields{"blipId": d.temp(n), "waveId": "x", "waveletId": "y", "content": text}
	}
	modify := func(on string, where, action fields) step {
		p := fields{"blipId": on, "modifyAction": action}
		maps.Copy(p, where)
		return step{method: "document.modify", params: at(p), data: "{}"}
	}
	where := func(key string, value any) fields { return fields{key: value} }
	element := func(kind string, properties fields) []any {
		return []any{fields{"type": kind, "properties": properties}}
	}
	r.call(
		step{method: "wavelet.appendBlip", params: at(fields{"blipData": blip(1, "\nThe cat sat, the cat ran 😀")}), data: `"newBlipId":"b+`},
		modify(one, where("modifyQuery", fields{"textMatch": "cat", "maxRes": 1}), fields{"modifyHow": "REPLACE", "values": []any{"dog"}}),
		modify(one, where("modifyQuery", fields{"textMatch": "the", "maxRes": -1}), fields{"modifyHow": "INSERT", "values": []any{"<", ">"}}),
		modify(one, where("modifyQuery", fields{"textMatch": "😀"}), fields{"modifyHow": "INSERT_AFTER", "values": []any{"!"}, "bundledAnnotations": []any{fields{"key": "style/fontWeight", "value": "bold"}}}),
		modify(one, where("range", fields{"start": 1, "end": 4}), fields{"modifyHow": "ANNOTATE", "annotationKey": "example.com/mark", "values": []any{"x"}}),
		modify(one, where("range", fields{"start": 3, "end": 4}), fields{"modifyHow": "CLEAR_ANNOTATION", "annotationKey": "example.com/mark"}),
		modify(one, where("range", fields{"start": -1, "end": 0}), fields{"modifyHow": "DELETE"}),
		modify(one, nil, fields{"modifyHow": "INSERT_AFTER", "elements": element("CHECK", fields{"name": "ok", "value": "false"})}),
		modify(one, where("modifyQuery", fields{"elementMatch": "CHECK", "restrictions": fields{"name": "ok"}}), fields{"modifyHow": "UPDATE_ELEMENT", "elements": element("CHECK", fields{"value": "true"})}),
		modify(one, nil, fields{"modifyHow": "INSERT_AFTER", "elements": element("GADGET", fields{"url": "https://example.com/g.xml", "state": "1"})}),
		modify(one, where("modifyQuery", fields{"elementMatch": "GADGET"}), fields{"modifyHow": "UPDATE_ELEMENT", "elements": element("GADGET", fields{"url": nil, "state": nil, "votes": "2"})}),
		modify(one, where("index", 999), fields{"modifyHow": "DELETE"}).failing(400),
		step{method: "document.appendMarkup", params: at(fields{"blipId": one, "content": "<p>Bold: <b>b</b> &amp; <a href=\"https://example.com\">l</a>"}), data: "{}"},
		step{method: "blip.createChild", params: at(fields{"blipId": one, "blipData": blip(2, "\nchild")}), data: `"blipId":"` + root + `"`},
		step{method: "blip.continueThread", params: at(fields{"blipId": two, "blipData": blip(3, "\nnext to it")})},
		step{method: "wavelet.setTitle", params: at(fields{"waveletTitle": "A tour"}), data: "{}"},
		step{method: "document.insertInlineBlip", params: at(fields{"blipId": root, "index": 1, "blipData": blip(4, "\ninline")})},
		step{method: "document.insertInlineBlip", params: at(fields{"blipId": root, "index": 0, "blipData": blip(9, "\nx")}), code: 400},
		step{method: "document.appendInlineBlip", params: at(fields{"blipId": root, "blipData": blip(5, "\nat the end")})},
		step{method: "document.insertInlineBlipAfterElement", params: at(fields{"blipId": one, "element": fields{"type": "CHECK", "properties": fields{"name": "ok"}}, "blipData": blip(6, "\nbehind it")})},
		step{method: "blip.continueThread", params: at(fields{"blipId": one, "blipData": blip(7, "\nto go")})},
		step{method: "blip.delete", params: at(fields{"blipId": d.temp(7)}), data: "{}"},
		step{method: "blip.delete", params: at(fields{"blipId": d.temp(7)}), code: 404},
		step{method: "wavelet.addParticipant", params: at(fields{"participantId": "carl@weir.local"}), data: `"participantsAdded":["carl@weir.local"],"participantsRemoved":[]`},
		step{method: "wavelet.addParticipant", params: at(fields{"participantId": "carl@weir.local"}), code: 400},
		step{method: "wavelet.addParticipant", params: at(fields{"participantId": "nobody"}), code: 400},
		step{method: "wavelet.modifyParticipantRole", params: at(fields{"participantId": "carl@weir.local", "participantRole": "READ_ONLY"}), data: "{}"},
		step{method: "wavelet.addParticipant", params: at(fields{"participantId": "tour+dan@weir.local"})},
		step{method: "wavelet.appendBlip", params: at(fields{"proxyingFor": "dan", "blipData": blip(8, "\nfor dan")})},
		step{method: "wavelet.removeParticipant", params: at(fields{"participantId": "bob@weir.local"}), data: `"participantsRemoved":["bob@weir.local"]`},
		step{method: "wavelet.removeParticipant", params: at(fields{"participantId": "bob@weir.local"}), code: 400},
		step{method: "wavelet.modifyTag", params: at(fields{"name": "one"}), data: "{}"},
		step{method: "wavelet.modifyTag", params: at(fields{"name": "two", "modifyHow": "add"})},
		step{method: "wavelet.modifyTag", params: at(fields{"name": "one", "modifyHow": "remove"})},
		step{method: "wavelet.setDatadoc", params: at(fields{"datadocName": "kept", "datadocValue": "<v/>"}), data: "{}"},
		step{method: "wavelet.appendDatadoc", params: at(fields{"datadocName": "kept", "datadocValue": "<w/>"}), data: "{}"},
		step{method: "wavelet.setDatadoc", params: at(fields{"datadocName": "gone", "datadocValue": "x"})},
		step{method: "wavelet.setDatadoc", params: at(fields{"datadocName": "gone", "datadocValue": nil})},
		step{method: "document.setAnnotation", params: at(fields{"blipId": two, "annotation": fields{"name": "a", "value": "b", "range": fields{"start": 1, "end": 6}}})},
		step{method: "document.appendElement", params: at(fields{"blipId": two, "element": fields{"type": "LINE", "properties": fields{"lineType": "li"}}})},
		step{method: "robot.importAttachment", params: at(fields{"attachmentId": "a+tour", "attachmentData": fields{"fileName": "t.txt", "data": "aGVs\nbG8="}}), data: "{}"},
		modify(two, nil, fields{"modifyHow": "INSERT_AFTER", "elements": element("ATTACHMENT", fields{"attachmentId": "a+tour", "caption": "c"})}),
		step{method: "robot.getLimits", data: `"profile":"unlimited"`},
		step{method: "robot.exportDeltas", params: at(fields{"fromVersion": "AA==", "toVersion": "AA=="}), code: 501},
		step{method: "robot.importDeltas", params: at(fields{"rawDeltas": []any{}}), code: 501},
		step{method: "document.insert", params: at(nil), code: 501},
		step{method: "robot.unheardOf", params: at(nil), code: 404},
	)
	made := r.call(
		step{method: "robot.createWavelet", params: fields{"waveletData": fields{"waveId": d.wave, "waveletId": "weir.local" + d.sep + "conv+root", "rootBlipId": d.temp(20),
			"participants": []any{"ann@weir.local"}}, "message": "m"}, data: `"message":"m"`},
		step{method: "document.modify", params: d.at(name, fields{"waveId": d.wave, "blipId": d.temp(20), "modifyAction": fields{"modifyHow": "REPLACE", "values": []any{"\nA second wave"}}})},
		step{method: "wavelet.addParticipant", params: d.at(name, fields{"waveId": d.wave, "participantId": "bad address"}), code: 400},
		step{method: "wavelet.appendBlip", params: d.at(name, fields{"waveId": "weir.local" + d.sep + "TBD_none", "blipData": blip(21, "x")}), code: 404},
	)
	var ids struct{ WaveID, WaveletID string }
	if err := json.Unmarshal(made[0], &ids); err != nil {
		r.t.Fatal(err)
	}
	created = wavelet.Name{Wave: ids.WaveID, Wavelet: ids.WaveletID}
	r.call(
		step{method: "robot.fetchWave", params: d.at(created, fields{"message": "f"}), data: `"content":"\nA second wave"`},
		step{method: "robot.fetchWave", params: d.at(name, fields{"returnWaveletIds": true}), data: `{"waveletIds":[{"domain":"weir.local","id":"conv+root"}]}`},
		step{method: "robot.search", params: fields{"query": "title:second with:ann", "index": 0, "numResults": 10}, data: `"numResults":1,"digests":[{"title":"A second wave"`},
		step{method: "robot.search", params: fields{"query": "secret"}, data: `"digests":[]`},
		step{method: "robot.folderAction", params: at(fields{"modifyHow": "markAsRead"}), data: "{}"},
		step{method: "robot.folderAction", params: at(fields{"modifyHow": "markAsUnread", "blipId": root}), data: "{}"},
		step{method: "robot.search", params: fields{"query": "title:tour"}, data: `"unreadCount":1`},
		step{method: "robot.fetchProfiles", params: fields{"fetchProfilesRequest": fields{"participantIds": []any{"ann@weir.local"}, "language": "en"}}, data: `"address":"ann@weir.local","name":"ann"`},
		step{method: "robot.exportSnapshot", params: at(nil), data: `{"rawSnapshot":"{\"version\":`},
		step{method: "robot.exportAttachment", params: fields{"attachmentId": "a+tour"}, data: `{"attachmentData":{"fileName":"t.txt","creator":"tour@weir.local","data":"aGVsbG8="}}`},
		step{method: "robot.exportAttachment", params: fields{"attachmentId": "a+secret"}, code: 404},
	)
	return created
}

// failing is a step that is to fail.
func (s step) failing(code int) step {
	s.code, s.data = code, ""
	return s
}

// TestARobotToursEveryOperation takes a robot of each dialect through every
// operation on a server with a store on disk, and compares what they leave.
func TestARobotToursEveryOperation(t *testing.T) {
	h := running(t)
	_, key, err := h.robots.Register(t.Context(), robots.Registration{Address: "tour@weir.local", Profile: "unlimited"})
	if err != nil {
		t.Fatal(err)
	}
	secret := wavelet.NewName("weir.local")
	if _, err := h.host.Create(t.Context(), secret, "ann@weir.local"); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, d := range dialects() {
		name := wavelet.NewName("weir.local")
		if _, err := h.host.Create(t.Context(), name, "ann@weir.local", "bob@weir.local", "tour@weir.local"); err != nil {
			t.Fatal(err)
		}
		before, err := h.host.Snapshot(t.Context(), name, host.Head)
		if err != nil {
			t.Fatal(err)
		}
		r := &tourist{t: t, url: h.url(), key: key, dialect: d}
		created := r.tour(name, string(before.Root()))
		left = append(left, laidOut(t, r, name, before.Root()))
		resp := h.get(t, "/api/v1/waves/"+name.Wave+"/"+name.Wavelet+"/attachments/a+tour", key)
		if resp != "hello" {
			t.Errorf("%s fetches the attachment and gets %q", d.name, resp)
		}
		r.call(step{method: "wavelet.removeParticipant", params: d.at(created, fields{"participantId": "tour@weir.local"})})
		r.call(step{method: "robot.fetchWave", params: d.at(created, nil), code: 403}, step{method: "robot.fetchWave", params: d.at(secret, nil), code: 403})
	}
	if diff := cmp.Diff(left[0], left[1]); diff != "" {
		t.Errorf("the two dialects leave different waves (-Python +Java):\n%s", diff)
	}
	for _, want := range []string{
		"title A tour; tags [two]; data map[kept:<v/><w/>]; people [ann@weir.local tour@weir.local carl@weir.local tour+dan@weir.local] map[carl@weir.local:READ_ONLY]",
		`"\n A tour\n\n "`, `"\nThe dog sat, <the cat ran 😀   \nBold: b & l"`, `"\nchild\n "`, `"\nnext to it"`, `"\ninline"`, `"\nat the end"`, `"\nbehind it"`, `"\nfor dan" by tour+dan@weir.local`,
		"CHECK map[name:ok value:true]", "GADGET map[url:https://example.com/g.xml votes:2]", "LINE map[lineType:li]", "ATTACHMENT map[attachmentId:a+tour attachmentUrl:",
		"{a b [1 6]}", "{example.com/mark x [1 3]}", "{link/manual https://example.com",
	} {
		if !strings.Contains(left[0], want) {
			t.Errorf("the tour leaves\n%s\nwant %s", left[0], want)
		}
	}
}

// get fetches a page with a robot's key.
func (h *house) get(t *testing.T, path, key string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// laidOut is a wave as the robot fetches it, in text that holds no id made by
// chance and no time.
func laidOut(t *testing.T, r *tourist, name wavelet.Name, root wavelet.BlipID) string {
	t.Helper()
	raw := r.call(step{method: "robot.fetchWave", params: r.dialect.at(name, nil)})[0]
	var wave struct {
		WaveletData struct {
			Title            string
			Tags             []string
			DataDocuments    map[string]string
			Participants     []string
			ParticipantRoles map[string]string
			RootThread       struct{ BlipIDs []string }
		}
		Blips map[string]struct {
			Content, Creator string
			Annotations      []struct {
				Name, Value string
				Range       struct{ Start, End int }
			}
			Elements map[string]struct {
				Type       string
				Properties map[string]string
			}
			ReplyThreadIDs []string
		}
		Threads map[string]struct {
			Location int
			BlipIDs  []string
		}
	}
	if err := json.Unmarshal(raw, &wave); err != nil {
		t.Fatal(err)
	}
	w := wave.WaveletData
	var b strings.Builder
	fmt.Fprintf(&b, "title %s; tags %v; data %v; people %v %v\n", w.Title, w.Tags, w.DataDocuments, w.Participants, w.ParticipantRoles)
	var show func(ids []string, in string)
	show = func(ids []string, in string) {
		for _, id := range ids {
			blip := wave.Blips[id]
			fmt.Fprintf(&b, "%s%q by %s\n", in, blip.Content, blip.Creator)
			for _, a := range blip.Annotations {
				fmt.Fprintf(&b, "%s  {%s %s [%d %d]}\n", in, a.Name, a.Value, a.Range.Start, a.Range.End)
			}
			for _, at := range slices.Sorted(maps.Keys(blip.Elements)) {
				fmt.Fprintf(&b, "%s  %s %s %v\n", in, at, blip.Elements[at].Type, blip.Elements[at].Properties)
			}
			for _, thread := range blip.ReplyThreadIDs {
				fmt.Fprintf(&b, "%s  thread at %d\n", in, wave.Threads[thread].Location)
				show(wave.Threads[thread].BlipIDs, in+"    ")
			}
		}
	}
	show(w.RootThread.BlipIDs, "")
	return regexp.MustCompile(`[bw]\+[\w-]{16}`).ReplaceAllString(strings.ReplaceAll(b.String(), string(root), "ROOT"), "ID")
}
