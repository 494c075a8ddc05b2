package host

import (
	"fmt"
	"maps"
	"slices"

	"weir/wavelet"
	"weir/wavelet/richtext"
)

// stateFormat is the number of the stored form of a state.
const stateFormat = 1

// encodeState returns the stored form of s, without its name.
func encodeState(s *wavelet.State) []byte {
	p := s.Parts()
	e := encoder{buf: make([]byte, 0, 4096)}
	e.byte(stateFormat)
	e.uint(uint64(p.Version))
	e.time(p.Created)
	e.time(p.Modified)
	e.participant(p.Creator)
	e.int(len(p.Members))
	for _, m := range p.Members {
		e.participant(m.Address)
		e.byte(byte(m.Role))
	}
	e.int(len(p.Tags))
	for _, tag := range p.Tags {
		e.string(tag)
	}
	e.int(len(p.Data))
	for _, name := range slices.Sorted(maps.Keys(p.Data)) {
		e.string(name)
		e.string(p.Data[name])
	}
	e.int(len(p.Threads))
	for _, t := range p.Threads {
		e.string(string(t.ID))
		e.string(string(t.Parent))
		e.int(len(t.Blips))
		for _, id := range t.Blips {
			e.string(string(id))
		}
	}
	e.int(len(p.Blips))
	for _, b := range p.Blips {
		e.blip(b)
	}
	return e.buf
}

func (e *encoder) blip(b *wavelet.Blip) {
	e.string(string(b.ID))
	e.string(string(b.Thread))
	e.participant(b.Creator)
	e.int(len(b.Contributors))
	for _, p := range b.Contributors {
		e.participant(p)
	}
	e.time(b.Created)
	e.time(b.Modified)
	e.uint(uint64(b.Version))
	e.bool(b.Deleted)
	e.int(len(b.Replies))
	for _, id := range b.Replies {
		e.string(string(id))
	}
	e.delta(b.Doc.Delta())
}

// decodeState reads the stored form of a state of the wavelet.
func decodeState(name wavelet.Name, raw []byte) (*wavelet.State, error) {
	d := decoder{buf: raw}
	d.format(stateFormat, "a state")
	p := wavelet.Parts{Name: name, Version: wavelet.Version(d.uint()), Created: d.time(), Modified: d.time(), Creator: d.participant()}
	for range d.count() {
		p.Members = append(p.Members, wavelet.Member{Address: d.participant(), Role: wavelet.Role(d.byte())})
	}
	for range d.count() {
		p.Tags = append(p.Tags, d.string())
	}
	for n := d.count(); n > 0; n-- {
		if p.Data == nil {
			p.Data = make(map[string]string, n)
		}
		name := d.string()
		p.Data[name] = d.string()
	}
	for range d.count() {
		t := &wavelet.Thread{ID: d.thread(), Parent: d.blip()}
		for range d.count() {
			t.Blips = append(t.Blips, d.blip())
		}
		p.Threads = append(p.Threads, t)
	}
	for range d.count() {
		p.Blips = append(p.Blips, d.wholeBlip())
	}
	if err := d.end(fmt.Sprintf("snapshot of %s", name)); err != nil {
		return nil, err
	}
	s, err := wavelet.Assemble(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return s, nil
}

func (d *decoder) wholeBlip() *wavelet.Blip {
	b := &wavelet.Blip{ID: d.blip(), Thread: d.thread(), Creator: d.participant()}
	for range d.count() {
		b.Contributors = append(b.Contributors, d.participant())
	}
	b.Created, b.Modified = d.time(), d.time()
	b.Version = wavelet.Version(d.uint())
	b.Deleted = d.byte() != 0
	for range d.count() {
		b.Replies = append(b.Replies, d.thread())
	}
	doc, err := richtext.NewDoc(d.delta())
	if err != nil {
		d.fail(err)
		doc = new(richtext.Doc)
	}
	b.Doc = doc
	return b
}
