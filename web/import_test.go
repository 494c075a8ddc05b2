package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/web"
)

// importReport is the answer to an import.
type importReport struct {
	Taken   int
	Results []struct {
		ID      string
		Version wavelet.Version
		Err     *client.Error
	}
}

// bringIn imports deltas, which are written as JSON.
func (h *house) bringIn(name wavelet.Name, deltas ...string) (report importReport) {
	h.t.Helper()
	h.want(200, "admin", "POST", "/api/v1/import/deltas", fmt.Sprintf(`{"wavelet":%q,"deltas":[%s]}`, name.String(), strings.Join(deltas, ",")), &report)
	return report
}

const carol = wavelet.Participant("carol@elsewhere.example")

func TestImport(t *testing.T) {
	h := build(t, nil)
	name := h.wave(carol)
	root := h.state(name).Root()
	first := []string{
		`{"id":"mail/1","author":"carol@elsewhere.example","text":"one"}`,
		fmt.Sprintf(`{"id":"mail/2","author":"carol@elsewhere.example","base":1,"ops":[{"edit":{"blip":%q,"ops":[{"insert":"Minutes"}]}}]}`, root),
		`{"author":"carol@elsewhere.example","text":"three"}`,
	}
	got := h.bringIn(name, first...)
	if got.Taken != 3 || len(got.Results) != 3 {
		t.Fatalf("report: %+v", got)
	}
	for i, r := range got.Results {
		if r.Err != nil || r.Version != wavelet.Version(i)+2 {
			t.Errorf("delta %d: %+v", i, r)
		}
	}
	if text := h.state(name).Text(); text != "Minutes\none\nthree\n" {
		t.Errorf("the wavelet says %q", text)
	}
	causes := map[string]bool{}
	for c, err := range h.host.Read(t.Context(), name, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if d := c.Delta; d.Author != carol || d.Cause.Kind != wavelet.Unknown || d.Cause.Depth != 0 || d.Cause.ID == "" {
			t.Errorf("version %d: %s, %+v", c.Version, d.Author, d.Cause)
		}
		causes[c.Delta.Cause.ID] = true
	}
	if len(causes) != 3 {
		t.Errorf("%d causes of three deltas", len(causes))
	}

	again := h.bringIn(name, first[:2]...)
	if again.Taken != 2 || again.Results[0].Version != 2 || again.Results[1].Version != 3 || h.state(name).Version() != 4 {
		t.Errorf("sent again: %+v, at version %d", again, h.state(name).Version())
	}
}

func TestImportSaysWhatDidNotGoIn(t *testing.T) {
	h := build(t, nil)
	name := h.wave(carol)
	const by = `"author":"carol@elsewhere.example"`
	bad := []struct{ delta, field, reason string }{
		{`{"author":"carol","text":"x"}`, "author", "bad_field"},
		{`{"author":"ann@example.com","text":"x"}`, "author", "no_access"},
		{`{"author":"ann@EXAMPLE.com","text":"x"}`, "author", "no_access"},
		{`{"author":"dave@elsewhere.example","text":"x"}`, "author", "not_participant"},
		{`{` + by + `}`, "text", "missing_field"},
		{`{` + by + `,"text":"x","ops":[]}`, "text", "missing_field"},
		{`{` + by + `,"text":"x","base":1}`, "base", "bad_field"},
		{`{` + by + `,"ops":[{"dance":{}}]}`, "ops[0].dance", "bad_delta"},
		{`{` + by + `,"base":99,"ops":[{"tag":{"tag":"x"}}]}`, "base", "past_head"},
		{`{"id":"two words",` + by + `,"text":"x"}`, "id", "bad_delta"},
	}
	var deltas []string
	for _, b := range bad {
		deltas = append(deltas, b.delta)
	}
	got := h.bringIn(name, append(deltas, `{"id":"last",`+by+`,"text":"last"}`)...)
	for i, b := range bad {
		if e := got.Results[i].Err; e == nil || e.Field != b.field || e.Reason != b.reason || e.Message == "" {
			t.Errorf("%s: %+v, want %s in %s", b.delta, e, b.reason, b.field)
		}
	}
	if last := got.Results[len(bad)]; got.Taken != 1 || last.ID != "last" || last.Version != 2 {
		t.Errorf("the good one: %+v of %d taken", last, got.Taken)
	}

	const path = "/api/v1/import/deltas"
	good := fmt.Sprintf(`{"wavelet":%q,"deltas":[{%s,"text":"x"}]}`, name.String(), by)
	h.want(401, "ann@example.com", "POST", path, good, nil)
	h.want(404, "admin", "POST", path, strings.Replace(good, "!w+", "!w+none", 1), nil)
	h.want(400, "admin", "POST", path, strings.Replace(good, "!w+", "", 1), nil)
	h.want(422, "admin", "POST", path, strings.Replace(good, `"text"`, `"txt"`, 1), nil)
	h.want(422, "admin", "POST", path, fmt.Sprintf(`{"wavelet":%q,"deltas":[]}`, name.String()), nil)
	if v := h.state(name).Version(); v != 2 {
		t.Errorf("the wavelet is at version %d", v)
	}
}

// fullOnce is a host whose disk is full at the second import.
type fullOnce struct {
	web.Host
	imports *int
}

func (f fullOnce) Import(ctx context.Context, name wavelet.Name, d wavelet.Delta) (wavelet.Commit, error) {
	if *f.imports++; *f.imports == 2 {
		return wavelet.Commit{}, &wavelet.Refusal{Code: wavelet.CodeDiskFull, Op: -1, Reason: "the disk is full"}
	}
	return f.Host.Import(ctx, name, d)
}

func TestImportKeepsTheOrderWhenTheServerFails(t *testing.T) {
	n := 0
	h := build(t, func(inner web.Host) web.Host { return fullOnce{inner, &n} })
	name := h.wave(carol)
	var deltas []string
	for _, text := range []string{"one", "two", "three"} {
		deltas = append(deltas, fmt.Sprintf(`{"id":%q,"author":"carol@elsewhere.example","text":%q}`, text, text))
	}
	got := h.bringIn(name, deltas...)
	if r := got.Results; got.Taken != 1 || r[1].Err == nil || r[1].Err.Reason != "disk_full" || r[2].Err == nil || r[2].Err.Reason != "not_tried" || !r[2].Err.Temporary {
		t.Fatalf("with a full disk: %+v", got)
	}
	if got = h.bringIn(name, deltas...); got.Taken != 3 {
		t.Fatalf("sent again: %+v", got)
	}
	if text := h.state(name).Text(); text != "\none\ntwo\nthree\n" {
		t.Errorf("the wavelet says %q", text)
	}
}
