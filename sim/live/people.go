package live

import (
	"encoding/json"
	"fmt"
	"time"

	"weir/sim"
	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// quick is how soon people come back after a restart, in real time.
var quick = client.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}

// pen is what somebody writes with: line by line into a few blips, and key by key
// into another one.
type pen struct {
	lines []wavelet.BlipID
	long  map[wavelet.BlipID]int // what each of them holds, without the final newline
	n     int
	page  wavelet.BlipID // for keys
}

// line makes the ops that write a line.
func (p *pen) line(text string) []wavelet.Op {
	if p.long == nil {
		p.long = map[wavelet.BlipID]int{}
	}
	length := richtext.Delta{}.Insert(text, richtext.Attributes{}).Len()
	if len(p.lines) < personBlips {
		id := wavelet.NewBlipID()
		p.lines = append(p.lines, id)
		p.long[id] = length
		return []wavelet.Op{wavelet.CreateBlip{Blip: id, Content: richtext.Delta{}.Insert(text+"\n", richtext.Attributes{})}}
	}
	id := p.lines[p.n%personBlips]
	p.n++
	d := richtext.Delta{}.Insert(text, richtext.Attributes{}).Delete(p.long[id])
	p.long[id] = length
	return []wavelet.Op{wavelet.EditBlip{Blip: id, Delta: d}}
}

// key makes the ops that write a letter.
func (p *pen) key() []wavelet.Op {
	if p.page == "" {
		p.page = wavelet.NewBlipID()
		return []wavelet.Op{wavelet.CreateBlip{Blip: p.page, Content: richtext.Delta{}.Insert("x\n", richtext.Attributes{})}}
	}
	return []wavelet.Op{wavelet.EditBlip{Blip: p.page, Delta: richtext.Delta{}.Insert("x", richtext.Attributes{})}}
}

// write has a person write until the run ends.
func (r *run) write(p *sim.Person) error {
	publish, done, err := r.desk(p)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer done()
	pens := map[string]*pen{}
	for due := p.First(); r.until(due); {
		u, ok := p.Write(due)
		if !ok {
			return nil
		}
		if pens[u.In] == nil {
			pens[u.In] = &pen{}
		}
		var ops []wavelet.Op
		if u.Key {
			ops = pens[u.In].key()
		} else {
			ops = pens[u.In].line(r.number(nil))
		}
		r.sending(p.Address)
		if err := publish(u.In, ops); err != nil {
			return fmt.Errorf("%s writes: %w", p.Name, err)
		}
		if u.Last {
			break
		}
		due += u.Next
	}
	<-r.ctx.Done() // what is on its way should arrive
	return nil
}

// sending notes when somebody sends a delta.
func (r *run) sending(who wavelet.Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, waits := r.sent[who]; !waits {
		r.sent[who] = r.at()
	}
}

// desk connects a person, and is how the person writes.
func (r *run) desk(p *sim.Person) (publish func(in string, ops []wavelet.Op) error, done func(), err error) {
	if p.Remote {
		return func(in string, ops []wavelet.Op) error { return r.bringIn(r.rooms[in], p.Address, ops) }, func() {}, nil
	}
	c, err := client.Dial(r.ctx, r.url(), client.Options{User: p.Address, Backoff: quick})
	if err != nil {
		return nil, nil, err
	}
	open := map[string]*client.Wavelet{}
	for _, name := range p.In {
		if open[name] != nil {
			continue
		}
		if open[name], err = c.Open(r.ctx, r.rooms[name].name); err != nil {
			_ = c.Close()
			return nil, nil, err
		}
	}
	return func(in string, ops []wavelet.Op) error { return open[in].Publish(r.ctx, ops...) }, func() { _ = c.Close() }, nil
}

// imports is how often a delta from elsewhere is sent before it is given up, and
// importPause how long, by the scenario's clock, until it is sent again.
const (
	imports     = 20
	importPause = time.Second
)

// bringIn brings a delta of somebody elsewhere in by the import door.
func (r *run) bringIn(to *room, author wavelet.Participant, ops []wavelet.Op) error {
	raw, err := wavelet.MarshalOps(ops)
	if err != nil {
		return err
	}
	in := map[string]any{"wavelet": to.name.String(), "deltas": []map[string]any{{
		"id": string(wavelet.NewBlipID()), "author": string(author), "ops": json.RawMessage(raw),
	}}}
	for range imports {
		var report struct {
			Results []struct{ Err *client.Error }
		}
		if err = r.ask(r.admin, "/api/v1/import/deltas", in, &report); err == nil && report.Results[0].Err != nil {
			err = report.Results[0].Err
		}
		if err == nil || !r.until(r.at()+importPause) {
			return nil
		}
	}
	return fmt.Errorf("import: %w", err)
}
