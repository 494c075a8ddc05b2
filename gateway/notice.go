package gateway

import (
	"encoding/json"
	"strings"

	"weir/governor"
	"weir/wavelet/richtext"
)

// The annotations that run over the whole of a notice, so that programs can read
// it: the robot's address, under what was done to it, the rule, and the decision
// as JSON.
const (
	annotationEvicted   = "robot/evicted"
	annotationCut       = "robot/cut"
	annotationSuspended = "robot/suspended"
	annotationRule      = "robot/rule"
	annotationDecision  = "robot/decision"
)

// notice is the blip that tells the participants what was done to a robot, and
// why.
func notice(d governor.Decision) richtext.Delta {
	act := annotationEvicted
	switch governor.Kind(d.Action) {
	case governor.Cut:
		act = annotationCut
	case governor.Suspend:
		act = annotationSuspended
	}
	marks := map[string]any{
		act:                string(d.Robot),
		annotationRule:     d.Rule,
		annotationDecision: inBrief(d),
	}
	body, err := richtext.NewAttributes(marks)
	if err != nil {
		panic("gateway: the notice's annotations are invalid: " + err.Error())
	}
	var text richtext.Delta
	for i, sentence := range d.Sentences() {
		if sentence = strings.TrimSpace(sentence) + "\n"; i == 0 {
			text = text.Insert(sentence, body.Compose(richtext.Attr("bold", true), false))
		} else {
			text = text.Insert(sentence, body)
		}
	}
	return text
}

// maxAnnotation is how long the decision may be as an annotation, well within
// what an attribute may hold.
const maxAnnotation = 4 << 10

// inBrief is a decision as JSON, without its longest lists if they make it too
// long. The decision log keeps the whole.
func inBrief(d governor.Decision) string {
	text, err := json.Marshal(d)
	if err == nil && len(text) > maxAnnotation {
		d.Evidence.Chain, d.Evidence.Exchanges = first(d.Evidence.Chain, 4), first(d.Evidence.Exchanges, 4)
		text, err = json.Marshal(d)
	}
	if err == nil && len(text) > maxAnnotation {
		d.Evidence.Chain, d.Evidence.Exchanges, d.Evidence.Partners = nil, nil, first(d.Evidence.Partners, 4)
		text, err = json.Marshal(d)
	}
	if err != nil {
		panic("gateway: a decision does not encode: " + err.Error())
	}
	return string(text)
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
