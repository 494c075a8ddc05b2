package wiretest

// echoeyAnnotation marks a shadow with the id of the blip that it shadows.
const echoeyAnnotation = "www.waveprotocol.org/echoey"

// Echoey is the robot that shadows every new blip with one of its own, which
// follows what is written and annotated there.
func Echoey() *Client {
	c := &Client{Dialect: Java, Hash: "2dc2bdf697e881", Name: "Echoey", ImageURL: "http://example.com/echoey.png", ProfileURL: "http://example.com/echoey"}
	const contexts = "SELF,SIBLINGS"
	shadows := map[string]string{} // temporary ids, kept for longer than they hold
	shadow := func(a *Answer, id string) string {
		for _, b := range a.Bundle.Blips {
			for _, n := range b.Annotations {
				if n.Name == echoeyAnnotation && n.Value == id {
					return b.ID
				}
			}
		}
		return shadows[id]
	}
	follow := func(a *Answer, b *Blip) {
		to := shadow(a, b.ID)
		if to == "" {
			return
		}
		a.Modify(to, map[string]any{"modifyHow": "REPLACE", "values": []string{b.Content}}, nil)
		a.Modify(to, map[string]any{"modifyHow": "ANNOTATE", "annotationKey": echoeyAnnotation, "values": []string{b.ID}}, nil)
	}
	c.On("WAVELET_BLIP_CREATED", contexts, "", func(a *Answer, e Event) {
		b := a.Bundle.Blips[e.Text("newBlipId")]
		need(b != nil, "the new blip is null")
		shadows[b.ID] = a.NewBlip("blip.continueThread", b.ID, "", nil)
		follow(a, b)
	})
	c.On("DOCUMENT_CHANGED", contexts, "", func(a *Answer, e Event) {
		if b := a.Bundle.Blips[e.Text("blipId")]; b != nil {
			follow(a, b)
		}
	})
	c.On("ANNOTATED_TEXT_CHANGED", contexts, "", func(a *Answer, e Event) {
		b := a.Bundle.Blips[e.Text("blipId")]
		to := shadow(a, e.Text("blipId"))
		if b == nil || to == "" {
			return
		}
		for _, n := range b.Annotations {
			if n.Name == e.Text("name") {
				a.Modify(to, map[string]any{"modifyHow": "ANNOTATE", "annotationKey": n.Name, "values": []string{n.Value}},
					map[string]any{"range": map[string]int{"start": n.Start, "end": n.End}})
			}
		}
	})
	return c
}
