package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/events"
)

// capabilitiesXML is a file with the given body, in the namespace of the
// protocol.
func capabilitiesXML(body string) string {
	return `<?xml version="1.0"?><w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">` + body + `</w:robot>`
}

func TestParseCapabilities(t *testing.T) {
	tests := []struct {
		name, file string
		want       Capabilities
		dialect    events.Dialect
	}{
		{"Python", `<?xml version="1.0"?>
<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">
<w:version>0xd67016bL</w:version>
<w:consumer_key>KEY</w:consumer_key>
<w:protocolversion>0.21</w:protocolversion>
<w:capabilities>
  <w:capability name="BLIP_SUBMITTED" context="SELF,PARENT"/>
  <w:capability name="ANNOTATED_TEXT_CHANGED" filter="regex"/>
</w:capabilities>
</w:robot>
`, Capabilities{"0xd67016bL", "0.21", []Want{
			{events.BlipSubmitted, Contexts(events.Self | events.Parent), nil},
			{events.AnnotatedTextChanged, Contexts(events.DefaultContexts), []string{"regex"}},
		}}, events.V021},
		{"Java", `<?xml version="1.0"?>
<w:robot xmlns:w="http://wave.google.com/extensions/robots/1.0">
  <w:version>2dc2bdf697e881</w:version>
  <w:protocolversion>0.22</w:protocolversion>
  <w:capabilities>
    <w:capability name="DOCUMENT_CHANGED" context="SELF,SIBLINGS"/>
  </w:capabilities>
  <w:consumer_keys><w:consumer_key for="http://example.com/robot/rpc">KEY</w:consumer_key></w:consumer_keys>
</w:robot>`, Capabilities{"2dc2bdf697e881", "0.22", []Want{{events.DocumentChanged, Contexts(events.Self | events.Siblings), nil}}}, events.V022},
		{"another prefix, no version", `<robot xmlns="http://wave.google.com/extensions/robots/1.0"><capabilities><capability name="blip_submitted" context=" all , self "/></capabilities></robot>`,
			Capabilities{"", "", []Want{{events.BlipSubmitted, Contexts(events.All | events.Self), nil}}}, events.V021},
		{"repeated lines are a union", capabilitiesXML(`<w:capability name="DOCUMENT_CHANGED" context="SELF" filter="a"/>
			<w:capability name="DOCUMENT_CHANGED" context="ROOT" filter="b"/>`),
			Capabilities{"", "", []Want{{events.DocumentChanged, Contexts(events.Self | events.Root), []string{"a", "b"}}}}, events.V021},
		{"one line without a filter admits everything", capabilitiesXML(`<w:capability name="DOCUMENT_CHANGED" context="SELF" filter="a"/>
			<w:capability name="DOCUMENT_CHANGED" context="SELF"/><w:capability name="DOCUMENT_CHANGED" context="SELF" filter="c"/>`),
			Capabilities{"", "", []Want{{events.DocumentChanged, Contexts(events.Self), nil}}}, events.V021},
		{"unknown events, contexts and elements", capabilitiesXML(`<w:protocolversion> 9 </w:protocolversion><w:capability name="DOORBELL_RANG"/>
			<w:capability name="OPERATION_ERROR" context="SELF,EVERYWHERE"/><w:capability name="ROBOT_LIMIT_WARNING"/><x:y xmlns:x="z">q</x:y><w:extra>1</w:extra>`),
			Capabilities{"", "9", []Want{{events.OperationError, Contexts(events.DefaultContexts), nil}, {events.RobotLimitWarning, Contexts(events.DefaultContexts), nil}}}, events.V022},
		{"a bare ampersand in a filter", capabilitiesXML(`<w:capability name="DOCUMENT_CHANGED" context="SELF" filter="a&b"/>`),
			Capabilities{"", "", []Want{{events.DocumentChanged, Contexts(events.Self), []string{"a&b"}}}}, events.V021},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCapabilities(strings.NewReader(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if got.Dialect() != tt.dialect {
				t.Errorf("dialect is %v, want %v", got.Dialect(), tt.dialect)
			}
			raw, err := json.Marshal(got)
			var back Capabilities
			if err != nil || json.Unmarshal(raw, &back) != nil || !cmp.Equal(got, back) {
				t.Errorf("stored as %s (%v) it reads %+v", raw, err, back)
			}
		})
	}
}

// TestContextsAreTheProtocols holds the names to the bits of package events.
func TestContextsAreTheProtocols(t *testing.T) {
	for word, want := range map[string]events.Contexts{"ROOT": events.Root, "PARENT": events.Parent, "SIBLINGS": events.Siblings,
		"CHILDREN": events.Children, "SELF": events.Self, "ALL": events.All, "root , all": events.Root | events.All, "": events.DefaultContexts} {
		if got := events.Contexts(parseContexts(word)); got != want {
			t.Errorf("%q is %b, want %b", word, got, want)
		}
	}
}

func TestParseCapabilitiesRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":           "",
		"no XML":            "hello",
		"a web page":        "<!DOCTYPE html><html><body>404</body></html>",
		"another namespace": `<robot xmlns="urn:x"><capabilities/></robot>`,
		"cut off":           capabilitiesXML("")[:80],
		"too long":          capabilitiesXML(strings.Repeat(" ", maxCapabilities)),
		"long filter":       capabilitiesXML(`<w:capability name="DOCUMENT_CHANGED" filter="` + strings.Repeat("a", maxFilter+1) + `"/>`),
		"long version":      capabilitiesXML("<w:version>" + strings.Repeat("a", maxVersion+1) + "</w:version>"),
		"many filters":      capabilitiesXML(strings.Repeat(`<w:capability name="DOCUMENT_CHANGED" filter="a"/>`, maxWants+1)),
	} {
		if _, err := ParseCapabilities(strings.NewReader(file)); !errors.Is(err, ErrCapabilities) {
			t.Errorf("%s: error is %v, want ErrCapabilities", name, err)
		}
	}
}

func FuzzCapabilities(f *testing.F) {
	f.Add([]byte(capabilitiesXML(`<w:version>1</w:version><w:capability name="DOCUMENT_CHANGED" context="SELF" filter="(a|b"/>`)))
	f.Add([]byte(`<robot xmlns="http://wave.google.com/extensions/robots/1.0"><version>&amp;<![CDATA[x]]></version>`))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := ParseCapabilities(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, ErrCapabilities) {
				t.Errorf("error %v does not wrap ErrCapabilities", err)
			}
			return
		}
		for _, w := range c.Wants {
			w.admits("some text")
		}
		if len(c.Wants) > len(known()) {
			t.Errorf("%d wants for %d events", len(c.Wants), len(known()))
		}
	})
}
