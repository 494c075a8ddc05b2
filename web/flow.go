package web

import (
	"bytes"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// flow is what operators are told of a socket: where it comes from, since when,
// and how much has gone through it.
type flow struct {
	id    string // a UUIDv7, so that they sort by age
	from  netip.Addr
	since time.Time

	framesIn, bytesIn, framesOut, bytesOut atomic.Uint64
}

// begin fills in what is known when a socket is opened.
func (f *flow) begin(from netip.Addr) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	f.id, f.since, f.from = id.String(), time.Now().UTC(), from
	return nil
}

// heard counts a frame that the client sent.
func (f *flow) heard(frame []byte) {
	f.framesIn.Add(1)
	f.bytesIn.Add(uint64(len(frame)))
}

// said counts frames that were written to the client, as one message.
func (f *flow) said(message []byte) {
	f.framesOut.Add(uint64(1 + bytes.Count(message, []byte{'\n'})))
	f.bytesOut.Add(uint64(len(message)))
}
