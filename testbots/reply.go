package testbots

import "strconv"

// Operation is one entry of a bot's answer, or of a call to the active API.
type Operation struct {
	Method string         `json:"method"`
	ID     string         `json:"id"`
	Params map[string]any `json:"params"`
}

// Reply collects the operations of an answer. Ids of new blips are temporary:
// the server replaces them.
type Reply struct {
	wavelet Wavelet
	ops     []Operation
}

// NewReply starts an answer about the wavelet w.
func NewReply(w Wavelet) *Reply { return &Reply{wavelet: w} }

// Operations is what was collected, in order.
func (r *Reply) Operations() []Operation { return r.ops }

// Append adds a blip with the given text at the end of the conversation.
func (r *Reply) Append(text string) {
	r.add("wavelet.appendBlip", map[string]any{
		"blipData": map[string]any{
			"blipId":    "TBD_" + r.wavelet.WaveletID + "_" + strconv.Itoa(len(r.ops)),
			"waveId":    r.wavelet.WaveID,
			"waveletId": r.wavelet.WaveletID,
			"content":   "\n" + text,
		},
	})
}

// Replace gives a blip a new text.
func (r *Reply) Replace(blip, text string) {
	r.add("document.modify", map[string]any{
		"blipId":       blip,
		"modifyAction": map[string]any{"modifyHow": "REPLACE", "values": []string{"\n" + text}},
	})
}

// ReplaceRange gives the UTF-16 units from start up to end of a blip a new
// text.
func (r *Reply) ReplaceRange(blip string, start, end int, text string) {
	r.add("document.modify", map[string]any{
		"blipId":       blip,
		"range":        map[string]any{"start": start, "end": end},
		"modifyAction": map[string]any{"modifyHow": "REPLACE", "values": []string{text}},
	})
}

// Say puts text into the bot's own blip, own, or appends a blip if it has none
// yet.
func (r *Reply) Say(own Blip, text string) {
	if own.ID == "" {
		r.Append(text)
		return
	}
	r.Replace(own.ID, text)
}

func (r *Reply) add(method string, params map[string]any) {
	params["waveId"] = r.wavelet.WaveID
	params["waveletId"] = r.wavelet.WaveletID
	r.ops = append(r.ops, Operation{Method: method, ID: "op" + strconv.Itoa(len(r.ops)+1), Params: params})
}
