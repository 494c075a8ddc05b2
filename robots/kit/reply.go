package kit

import (
	"fmt"
	"slices"
	"strings"
)

// Operation is one entry of an answer or of a call, as it is sent.
type Operation struct {
	Method string         `json:"method"`
	ID     string         `json:"id"`
	Params map[string]any `json:"params"`
}

// Reply collects what a robot does in a wavelet. New blips and waves have
// temporary ids, which the server replaces; they may be used further on in the
// same Reply.
type Reply struct {
	wave, wavelet, root string
	list                *operations
}

// operations is what the replies of one answer or call share.
type operations struct {
	ops []Operation
	new int
}

// NewReply starts a Reply about a wavelet, for Call.
func NewReply(wave, wavelet string) *Reply {
	return &Reply{wave: wave, wavelet: wavelet, list: &operations{}}
}

// In goes on about another wavelet in the same answer or call.
func (r *Reply) In(wave, wavelet string) *Reply {
	return &Reply{wave: wave, wavelet: wavelet, list: r.list}
}

// Operations is what was collected, in order.
func (r *Reply) Operations() []Operation { return r.list.ops }

// Add adds any operation of the protocol on the wavelet and returns its id.
// Params may be nil.
func (r *Reply) Add(method string, params map[string]any) (id string) {
	if params == nil {
		params = map[string]any{}
	}
	if r.wave != "" {
		params["waveId"], params["waveletId"] = r.wave, r.wavelet
	}
	id = fmt.Sprint("op", len(r.list.ops)+1)
	r.list.ops = append(r.list.ops, Operation{Method: method, ID: id, Params: params})
	return id
}

// Append adds a blip at the end of the conversation and returns its temporary id.
func (r *Reply) Append(text string) (blip string) {
	return r.blip("wavelet.appendBlip", "", text)
}

// Child adds a blip that replies to another one, in a thread of its own.
func (r *Reply) Child(parent, text string) (blip string) {
	return r.blip("blip.createChild", parent, text)
}

// Continue adds a blip behind another one, in the same thread.
func (r *Reply) Continue(before, text string) (blip string) {
	return r.blip("blip.continueThread", before, text)
}

func (r *Reply) blip(method, at, text string) string {
	r.list.new++
	id := fmt.Sprintf("TBD_%s_%d", r.wavelet, r.list.new)
	params := map[string]any{"blipData": map[string]any{"blipId": id, "waveId": r.wave, "waveletId": r.wavelet, "content": "\n" + text}}
	if at != "" {
		params["blipId"] = at
	}
	r.Add(method, params)
	return id
}

// DeleteBlip deletes a blip.
func (r *Reply) DeleteBlip(blip string) { r.Add("blip.delete", map[string]any{"blipId": blip}) }

// Say puts text into the blip own, or appends a blip if own is "": for robots
// that keep to one blip, see [Bundle.Own].
func (r *Reply) Say(own, text string) {
	if own == "" {
		r.Append(text)
		return
	}
	r.Edit(own, Whole()).Replace(text)
}

// Title sets the title.
func (r *Reply) Title(title string) {
	r.Add("wavelet.setTitle", map[string]any{"waveletTitle": title})
}

// Tag adds a tag.
func (r *Reply) Tag(tag string) {
	r.Add("wavelet.modifyTag", map[string]any{"name": tag, "modifyHow": "add"})
}

// Untag takes a tag away.
func (r *Reply) Untag(tag string) {
	r.Add("wavelet.modifyTag", map[string]any{"name": tag, "modifyHow": "remove"})
}

// AddParticipant lets somebody take part.
func (r *Reply) AddParticipant(who string) {
	r.Add("wavelet.addParticipant", map[string]any{"participantId": who})
}

// RemoveParticipant puts somebody out.
func (r *Reply) RemoveParticipant(who string) {
	r.Add("wavelet.removeParticipant", map[string]any{"participantId": who})
}

// SetRole says what a participant may do: FULL, COMMENT or READ_ONLY.
func (r *Reply) SetRole(who, role string) {
	r.Add("wavelet.modifyParticipantRole", map[string]any{"participantId": who, "participantRole": role})
}

// SetData sets a data document, which programs read and people do not see.
func (r *Reply) SetData(name, value string) {
	r.Add("wavelet.setDatadoc", map[string]any{"datadocName": name, "datadocValue": value})
}

// CreateWavelet makes a wave with the robot and others in it. What is done by the
// Reply that it returns is done there, in the same answer or call.
func (r *Reply) CreateWavelet(participants ...string) *Reply {
	domain, _, _ := strings.Cut(r.wavelet, "!")
	r.list.new++
	made := r.In(fmt.Sprintf("%s!TBD_%d", domain, r.list.new), domain+"!conv+root")
	made.root = fmt.Sprintf("TBD_%s_root_%d", made.wavelet, r.list.new)
	made.Add("robot.createWavelet", map[string]any{"waveletData": map[string]any{
		"waveId": made.wave, "waveletId": made.wavelet, "rootBlipId": made.root, "participants": append([]string{}, participants...)}})
	return made
}

// Root is the temporary id of the first blip of a wave that CreateWavelet made,
// "" of other wavelets.
func (r *Reply) Root() string { return r.root }

// Where is a part of a blip.
type Where struct{ params map[string]any }

// Whole is the whole blip.
func Whole() Where { return Where{} }

// Match is each place where text stands: safer than offsets while others write.
func Match(text string) Where {
	return Where{map[string]any{"modifyQuery": map[string]any{"textMatch": text}}}
}

// First is the first place where text stands.
func First(text string) Where {
	return Where{map[string]any{"modifyQuery": map[string]any{"textMatch": text, "maxRes": 1}}}
}

// Between is the UTF-16 units from start up to end of the blip's content, in which
// the newline at its beginning counts. Negative ones count from the end.
func Between(start, end int) Where {
	return Where{map[string]any{"range": Range{start, end}}}
}

// Edit is a change of parts of a blip.
type Edit struct {
	reply *Reply
	blip  string
	where Where
}

// Edit begins a change of a part of a blip, which one of the methods of Edit does.
func (r *Reply) Edit(blip string, where Where) Edit { return Edit{r, blip, where} }

// Replace gives the part a new text.
func (e Edit) Replace(text string) {
	if e.where.params == nil {
		text = "\n" + text // the whole content begins with a newline
	}
	e.do(map[string]any{"modifyHow": "REPLACE", "values": []string{text}})
}

// Insert puts text before the part.
func (e Edit) Insert(text string) {
	e.do(map[string]any{"modifyHow": "INSERT", "values": []string{text}})
}

// InsertAfter puts text behind the part.
func (e Edit) InsertAfter(text string) {
	e.do(map[string]any{"modifyHow": "INSERT_AFTER", "values": []string{text}})
}

// Delete deletes the part.
func (e Edit) Delete() { e.do(map[string]any{"modifyHow": "DELETE"}) }

// Annotate sets an annotation over the part, such as style/fontWeight to bold or
// link/manual to an address.
func (e Edit) Annotate(name, value string) {
	e.do(map[string]any{"modifyHow": "ANNOTATE", "annotationKey": name, "values": []string{value}})
}

// ClearAnnotation takes an annotation away from the part.
func (e Edit) ClearAnnotation(name string) {
	e.do(map[string]any{"modifyHow": "CLEAR_ANNOTATION", "annotationKey": name})
}

func (e Edit) do(action map[string]any) {
	params := map[string]any{"blipId": e.blip, "modifyAction": action}
	for name, value := range e.where.params {
		params[name] = value
	}
	e.reply.Add("document.modify", params)
}

// writes reports whether operations change anything.
func writes(ops []Operation) bool {
	reads := []string{"robot.notify", "robot.getLimits", "robot.fetchWave", "robot.search", "robot.fetchProfiles", "robot.folderAction",
		"robot.exportSnapshot", "robot.exportAttachment"}
	return slices.ContainsFunc(ops, func(op Operation) bool { return !slices.Contains(reads, op.Method) })
}
