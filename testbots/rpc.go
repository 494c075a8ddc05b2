package testbots

import (
	"context"
	"errors"

	"weir/robots/kit"
)

// place is a wavelet that a bot writes to unasked.
type place struct {
	wave, wavelet string
	blip          string // the bot's own blip there, "" before it has one
}

// note is something a bot means to write at a place.
type note struct {
	at   place
	text string
}

// visit remembers or forgets the wavelet that a bundle comes from.
func (b *Bot) visit(in *kit.Bundle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := place{wave: in.Wavelet.WaveID, wavelet: in.Wavelet.WaveletID}
	name := p.wave + "/" + p.wavelet
	if in.Has(kit.WaveletSelfRemoved) {
		delete(b.places, name)
		return
	}
	if b.places[name] == nil {
		b.places[name] = &p
	}
	if own, ok := in.Own(); ok {
		b.places[name].blip = own.ID
	}
}

// visited are copies of the places the bot is in.
func (b *Bot) visited() []place {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []place
	for _, p := range b.places {
		list = append(list, *p)
	}
	return list
}

// write says text at a place through the active API. The context is not that of a
// bundle: what is said sets itself off.
func (b *Bot) write(ctx context.Context, at place, text string) error {
	out := kit.NewReply(at.wave, at.wavelet)
	out.Say(at.blip, text)
	results, err := b.robot.Call(ctx, out)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range results {
		if p := b.places[at.wave+"/"+at.wavelet]; p != nil && r.NewBlip() != "" {
			p.blip = r.NewBlip()
		}
	}
	return err
}

// later queues a note for writeLater; one too many is dropped.
func (b *Bot) later(at place, text string) {
	select {
	case b.notes <- note{at, text}:
	default:
		b.log.Warn("too much to say, dropped", "bot", b.kind.name)
	}
}

// writeLater writes what is queued, one note at a time, until ctx ends.
func (b *Bot) writeLater(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-b.notes:
			b.try(ctx, n)
		}
	}
}

// try writes a note. What fails is logged and lost: the next one is newer.
func (b *Bot) try(ctx context.Context, n note) {
	err := b.write(ctx, n.at, n.text)
	if refused, ok := errors.AsType[*kit.Refusal](err); ok {
		b.log.Warn("refused", "bot", b.kind.name, "code", refused.Code, "reason", refused.Message)
	} else if err != nil && ctx.Err() == nil {
		b.log.Warn("call failed", "bot", b.kind.name, "error", err)
	}
}
