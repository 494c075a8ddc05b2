package main

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// person is somebody of the demo at a keyboard: a client of the live protocol
// like any other, that types into one blip. Others may correct that blip; the
// person goes on where the text has moved to.
type person struct {
	client *client.Client
	wave   *client.Wavelet
	blip   wavelet.BlipID
	margin margin
	left   richtext.Delta // the blip as the last stroke left it
	typed  atomic.Int64   // strokes, each published as one delta

	notices map[wavelet.BlipID]string // the server's messages that were told; of the narrator
}

// join connects somebody to the wavelet, to type into the blip, which the first
// stroke makes.
func join(ctx context.Context, url string, who wavelet.Participant, name wavelet.Name, blip wavelet.BlipID) (*person, error) {
	c, err := client.Dial(ctx, url, client.Options{User: who})
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", who, err)
	}
	p := &person{client: c, blip: blip, notices: map[wavelet.BlipID]string{}}
	if p.wave, err = c.Open(ctx, name); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("connect %s: %w", who, err)
	}
	return p, nil
}

// press makes one stroke. It is merged into what the person sees at that
// moment.
func (p *person) press(ctx context.Context, s stroke) error {
	err := p.wave.Update(ctx, func(state *wavelet.State) ([]wavelet.Op, error) {
		var ops []wavelet.Op
		blip, ok := state.Blip(p.blip)
		doc := richtext.Delta{}.Insert("\n", richtext.Attributes{})
		if ok {
			doc = blip.Doc.Delta()
		} else {
			ops = append(ops, wavelet.CreateBlip{Blip: p.blip})
		}
		if p.left != nil && !p.left.Equal(doc) {
			p.margin.foreign(richtext.Diff(p.left, doc))
		}
		d := p.margin.own(s.delta())
		p.left = richtext.Compose(doc, d)
		if len(d) > 0 {
			ops = append(ops, wavelet.EditBlip{Blip: p.blip, Delta: d})
		}
		return ops, nil
	})
	if err != nil {
		return fmt.Errorf("%s types: %w", p.client.User(), err)
	}
	p.typed.Add(1)
	return nil
}

// typeAll types strokes with their gaps, scale times as fast, until they or ctx
// end.
func (p *person) typeAll(ctx context.Context, strokes iter.Seq[stroke], scale float64) error {
	due := time.Now()
	for s := range strokes {
		due = due.Add(time.Duration(float64(s.gap) / scale)) // an appointment, so that slow strokes do not add up
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil
		}
		if err := p.press(ctx, s); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// close disconnects.
func (p *person) close() { _ = p.client.Close() }
