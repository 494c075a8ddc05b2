package store

import "iter"

// A scan reads this much ahead at most: few enough to be quick, enough that the
// cost of starting a read is spread thin.
const (
	pageRecords = 256
	pageBytes   = 256 << 10
)

// page collects the records of one step of a scan.
type page struct {
	records []Record
	bytes   int
}

// add copies a record into the page.
func (p *page) add(key, value []byte) {
	b := make([]byte, len(key)+len(value))
	n := copy(b, key)
	copy(b[n:], value)
	p.records = append(p.records, Record{Key: b[:n:n], Value: b[n:]})
	p.bytes += len(b)
}

func (p *page) full() bool {
	return len(p.records) >= pageRecords || p.bytes >= pageBytes
}

// scan yields the records of page after page. Read fills p with the records of
// its store with from <= key < to, until the page is full or the range is at an
// end; with an error it leaves those before the failure.
func scan(from []byte, read func(from []byte, p *page) error) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		next := from
		for {
			var p page
			err := read(next, &p)
			if n := len(p.records); n > 0 {
				last := p.records[n-1].Key
				next = append(last[:len(last):len(last)], 0) // the least key above
			}
			for _, r := range p.records {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !p.full() {
				return
			}
		}
	}
}
