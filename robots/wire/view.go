package wire

import (
	"maps"
	"strconv"
	"time"

	"weir/events"
	"weir/wavelet"
)

// The robot's view of a wavelet, as it travels in bundles and in fetched waves.
// Collections are never null, for clients crash on that; ids are spelt
// "domain!id", which both dialects read.
type (
	waveletData struct {
		CreationTime     int64                          `json:"creationTime"`
		LastModifiedTime int64                          `json:"lastModifiedTime"`
		Version          wavelet.Version                `json:"version"`
		Participants     []wavelet.Participant          `json:"participants"`
		ParticipantRoles map[wavelet.Participant]string `json:"participantRoles"`
		DataDocuments    map[string]string              `json:"dataDocuments"`
		Tags             []string                       `json:"tags"`
		Creator          wavelet.Participant            `json:"creator"`
		RootBlipID       wavelet.BlipID                 `json:"rootBlipId"`
		Title            string                         `json:"title"`
		WaveID           string                         `json:"waveId"`
		WaveletID        string                         `json:"waveletId"`
		RootThread       threadView                     `json:"rootThread"`
	}
	blipView struct {
		Annotations      []Annotation          `json:"annotations"`
		Elements         map[string]Element    `json:"elements"`
		BlipID           wavelet.BlipID        `json:"blipId"`
		ChildBlipIDs     []wavelet.BlipID      `json:"childBlipIds"`
		Contributors     []wavelet.Participant `json:"contributors"`
		Creator          wavelet.Participant   `json:"creator"`
		Content          string                `json:"content"`
		LastModifiedTime int64                 `json:"lastModifiedTime"`
		ParentBlipID     *wavelet.BlipID       `json:"parentBlipId"` // null if there is none
		Version          wavelet.Version       `json:"version"`
		WaveID           string                `json:"waveId"`
		WaveletID        string                `json:"waveletId"`
		ReplyThreadIDs   []wavelet.ThreadID    `json:"replyThreadIds"`
		ThreadID         wavelet.ThreadID      `json:"threadId"`
	}
	threadView struct {
		ID       wavelet.ThreadID `json:"id"`
		Location int              `json:"location"` // offset of the anchor in the parent's text, -1 if it has none
		BlipIDs  []wavelet.BlipID `json:"blipIds"`
	}
)

// The words for roles that are not FULL. READ_ONLY is the protocol's; clients
// take the other one for "unknown".
const (
	roleRead    = "READ_ONLY"
	roleComment = "COMMENT"
)

// view makes the parts of a robot's view of one state.
type view struct {
	state   *wavelet.State
	dialect events.Dialect
	blips   map[wavelet.BlipID]blipView
	threads map[wavelet.ThreadID]threadView
	anchors map[wavelet.ThreadID]int // offsets of anchors, of the blips that were read
}

// maxView is how much text a view has room for, in UTF-16 units.
const maxView = 16 << 20

// newView makes the view of the blips in ids, as many as there is room for, and
// of the threads around them.
func newView(s *wavelet.State, ids []wavelet.BlipID, d events.Dialect) *view {
	v := &view{
		state: s, dialect: d,
		blips:   make(map[wavelet.BlipID]blipView, len(ids)),
		threads: map[wavelet.ThreadID]threadView{},
		anchors: map[wavelet.ThreadID]int{},
	}
	room := maxView
	for _, id := range ids {
		b, ok := s.Blip(id)
		if _, done := v.blips[id]; !ok || b.Deleted || done {
			continue
		}
		if b.Doc.Len() > room {
			continue
		}
		room -= b.Doc.Len()
		v.blips[id] = v.blip(b)
	}
	for id := range v.blips {
		b, _ := s.Blip(id)
		v.thread(b.Thread)
		for _, reply := range b.Replies {
			v.thread(reply)
		}
	}
	return v
}

// millis is a time as the protocol has it; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// wavelet is the wavelet without its blips.
func (v *view) wavelet() waveletData {
	s := v.state
	w := waveletData{
		CreationTime:     millis(s.Created()),
		LastModifiedTime: millis(s.Modified()),
		Version:          s.Version(),
		Participants:     []wavelet.Participant{},
		ParticipantRoles: map[wavelet.Participant]string{},
		DataDocuments:    map[string]string{},
		Tags:             append([]string{}, s.Tags()...),
		Creator:          s.Creator(),
		RootBlipID:       s.Root(),
		Title:            s.Title(),
		WaveID:           s.Name().Wave,
		WaveletID:        s.Name().Wavelet,
		RootThread:       threadView{ID: wavelet.RootThread, Location: -1, BlipIDs: v.living(wavelet.RootThread)},
	}
	for _, m := range s.Participants() {
		w.Participants = append(w.Participants, m.Address)
		switch m.Role {
		case wavelet.Read:
			w.ParticipantRoles[m.Address] = roleRead
		case wavelet.Comment:
			w.ParticipantRoles[m.Address] = roleComment
		}
	}
	for _, name := range s.DataNames() {
		w.DataDocuments[name], _ = s.Data(name)
	}
	return w
}

// living is the blips of a thread that are not deleted; never nil.
func (v *view) living(id wavelet.ThreadID) []wavelet.BlipID {
	ids := []wavelet.BlipID{}
	t, ok := v.state.Thread(id)
	if !ok {
		return ids
	}
	for _, id := range t.Blips {
		if b, ok := v.state.Blip(id); ok && !b.Deleted {
			ids = append(ids, id)
		}
	}
	return ids
}

// first is the id under which a robot looks for a thread's anchor: that of the
// thread's first blip.
func (v *view) first(id wavelet.ThreadID) string { return firstBlip(v.state, id) }

func firstBlip(s *wavelet.State, id wavelet.ThreadID) string {
	if t, ok := s.Thread(id); ok && len(t.Blips) > 0 {
		return string(t.Blips[0])
	}
	return string(id)
}

// blip is one blip.
func (v *view) blip(b *wavelet.Blip) blipView {
	c := read(b.Doc.Delta())
	c.first = v.first
	out := blipView{
		Annotations:      c.annotations(),
		Elements:         make(map[string]Element, len(c.lines)+len(c.embeds)),
		BlipID:           b.ID,
		ChildBlipIDs:     append([]wavelet.BlipID{}, events.ChildrenOf(v.state, b.ID, v.dialect)...),
		Contributors:     append([]wavelet.Participant{}, b.Contributors...),
		Creator:          b.Creator,
		Content:          c.text,
		LastModifiedTime: millis(b.Modified),
		Version:          b.Version,
		WaveID:           v.state.Name().Wave,
		WaveletID:        v.state.Name().Wavelet,
		ReplyThreadIDs:   append([]wavelet.ThreadID{}, b.Replies...),
		ThreadID:         b.Thread,
	}
	if parent := events.ParentOf(v.state, b.ID, v.dialect); parent != "" {
		out.ParentBlipID = &parent
	}
	for _, el := range c.elements() {
		out.Elements[strconv.Itoa(el.at)] = el.Element
	}
	maps.Copy(v.anchors, c.anchors())
	return out
}

// click shows a button as one that was pressed. Where the bundle ends with the
// click the button is not marked yet.
func (v *view) click(id wavelet.BlipID, button string) {
	b, ok := v.state.Blip(id)
	if _, shown := v.blips[id]; !ok || !shown {
		return
	}
	for _, e := range read(b.Doc.Delta()).embeds {
		var form formEmbed
		if e.embed.Key() == "form" && e.embed.Decode(&form) == nil && form.ID == button && form.Type == typeButton {
			v.blips[id].Elements[strconv.Itoa(e.at)].Properties["value"] = clicked
		}
	}
}

// thread adds a thread below a blip, once.
func (v *view) thread(id wavelet.ThreadID) {
	if _, done := v.threads[id]; done || id == wavelet.RootThread {
		return
	}
	t, ok := v.state.Thread(id)
	if !ok {
		return
	}
	parent, ok := v.state.Blip(t.Parent)
	_, seen := v.blips[t.Parent]
	if ok && !seen {
		maps.Copy(v.anchors, read(parent.Doc.Delta()).anchors())
	}
	at, anchored := v.anchors[id]
	if !anchored {
		at = -1
	}
	v.threads[id] = threadView{ID: id, Location: at, BlipIDs: v.living(id)}
}

// anchors are the offsets of the threads that have an anchor in the text. Of two
// anchors the first one counts.
func (c content) anchors() map[wavelet.ThreadID]int {
	m := map[wavelet.ThreadID]int{}
	for _, e := range c.embeds {
		var r replyEmbed
		if e.embed.Key() != "reply" || e.embed.Decode(&r) != nil {
			continue
		}
		if _, ok := m[r.Thread]; !ok {
			m[r.Thread] = e.at
		}
	}
	return m
}
