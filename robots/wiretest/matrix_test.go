package wiretest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"weir/robots/wiretest"
)

// sample is a bundle that works with both clients.
const sample = `{"events":[{"type":"DOCUMENT_CHANGED","modifiedBy":"user@example.com","timestamp":1242079611004,"properties":{"blipId":"b+two"}}],
	"wavelet":{"creationTime":1242079608457,"lastModifiedTime":1242079611003,"version":5,"participants":["user@example.com","echoey@example.com"],
		"participantRoles":{},"dataDocuments":{},"tags":[],"creator":"user@example.com","rootBlipId":"b+root","title":"A title",
		"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","rootThread":{"id":"","location":-1,"blipIds":["b+root","b+two"]}},
	"blips":{"b+two":{"annotations":[],"elements":{"0":{"type":"LINE","properties":{}}},"blipId":"b+two","childBlipIds":[],"contributors":["user@example.com"],
		"creator":"user@example.com","content":"\nsecond blip","lastModifiedTime":1242079611003,"parentBlipId":null,"version":5,
		"waveId":"example.com!w+abc123","waveletId":"example.com!conv+root","replyThreadIds":["t"],"threadId":""}},
	"threads":{"t":{"id":"t","location":-1,"blipIds":[]}},"robotAddress":"echoey@example.com","rpcServerUrl":"http://127.0.0.1:9898/robot/rpc"}`

// TestWhatClientsCrashOn changes one thing of the sample at a time and tells
// which clients read it still: the table of what the real ones did.
func TestWhatClientsCrashOn(t *testing.T) {
	const both, none = "Python Java", ""
	null, absent := json.RawMessage("null"), json.RawMessage(nil)
	element := func(raw string) json.RawMessage { return json.RawMessage(`{"3":` + raw + `}`) }
	event := func(raw string) json.RawMessage { return json.RawMessage("[" + raw + "]") }
	for _, tt := range []struct {
		path  string
		value json.RawMessage
		reads string
	}{
		{"more", json.RawMessage("1"), both},
		{"events", absent, none}, {"wavelet", absent, none}, {"blips", absent, none}, {"blips", json.RawMessage("{}"), both},
		{"threads", absent, "Python"}, {"robotAddress", absent, "Python"}, {"rpcServerUrl", null, "Python"}, {"rpcServerUrl", absent, both}, {"proxyingFor", null, "Python"},
		{"wavelet.participants", null, none}, {"wavelet.participantRoles", null, "Java"}, {"wavelet.tags", null, none}, {"wavelet.dataDocuments", null, "Python"},
		{"wavelet.title", null, both}, {"wavelet.rootThread", null, both}, {"wavelet.version", null, both}, {"wavelet.participants", absent, both},
		{"blips.b+two.annotations", null, "Java"}, {"blips.b+two.elements", null, none}, {"blips.b+two.childBlipIds", null, none}, {"blips.b+two.contributors", null, none},
		{"blips.b+two.content", null, both}, {"blips.b+two.threadId", null, both}, {"blips.b+two.replyThreadIds", null, both}, {"blips.b+two.annotations", absent, both},
		{"blips.b+two.replyThreadIds", json.RawMessage(`["other"]`), "Python"},
		{"blips.b+two.elements", element(`{"type":"LINE"}`), "Java"},
		{"blips.b+two.elements", element(`{"type":"VIDEO","properties":{}}`), "Python"},
		{"blips.b+two.elements", element(`{"type":"IMAGE","properties":{"alt":"x"}}`), "Java"},
		{"blips.b+two.elements", element(`{"type":"ATTACHMENT","properties":{"mimeType":"x","url":"x"}}`), "Java"},
		{"events", event(`{"modifiedBy":"a","timestamp":1,"properties":{}}`), none},
		{"events", event(`{"type":"BLIP_SUBMITTED"}`), "Python"},
		{"events", event(`{"type":"BLIP_SUBMITTED","modifiedBy":null,"timestamp":1,"properties":{}}`), "Python"},
		{"events", event(`{"type":"WAVELET_TITLE_CHANGED","modifiedBy":"a","timestamp":1,"properties":{}}`), "Java"},
		{"events", event(`{"type":"ROBOT_LIMIT_WARNING","modifiedBy":"a","timestamp":1,"properties":{}}`), "Python"},
	} {
		body := changedAt(t, tt.path, tt.value)
		var reads []string
		for _, d := range []wiretest.Dialect{wiretest.Python, wiretest.Java} {
			if _, err := d.Read(body); err == nil {
				reads = append(reads, string(d))
			}
		}
		if got := strings.Join(reads, " "); got != tt.reads {
			t.Errorf("%s = %s: read by %q, want %q", tt.path, tt.value, got, tt.reads)
		}
	}
}

// changedAt is the sample with another value at a path; nil takes the key away.
func changedAt(t *testing.T, path string, value json.RawMessage) []byte {
	t.Helper()
	var top map[string]any
	if err := json.Unmarshal([]byte(sample), &top); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(path, ".")
	at := top
	for _, key := range keys[:len(keys)-1] {
		at = at[key].(map[string]any)
	}
	last := keys[len(keys)-1]
	at[last] = value
	if value == nil {
		delete(at, last)
	}
	body, err := json.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestOnlyPythonDropsStrangeBlips leaves a blip of another wavelet out.
func TestOnlyPythonDropsStrangeBlips(t *testing.T) {
	body := changedAt(t, "blips.b+two.waveId", json.RawMessage(`"example.com/w+abc123"`))
	for d, want := range map[wiretest.Dialect]int{wiretest.Python: 0, wiretest.Java: 1} {
		b, err := d.Read(body)
		if err != nil || len(b.Blips) != want {
			t.Errorf("%s: %v, %v", d, b, err)
		}
	}
}
