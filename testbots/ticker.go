package testbots

import (
	"context"
	"fmt"
	"time"

	"weir/robots/kit"
)

// ticker writes unasked: every few seconds the level of the river, through the
// active API, into each wavelet it was added to. What it says is set off by
// nobody.
func ticker() kind {
	return kind{
		name:     "ticker",
		about:    "writes a river level every few seconds through the active API; needs the robot's key",
		hears:    []kit.EventType{kit.WaveletSelfAdded},
		needsKey: true,
		run: func(b *Bot, ctx context.Context) error {
			every := b.options.Every
			if every == 0 {
				every = 5 * time.Second
			}
			t := time.NewTicker(every)
			defer t.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-t.C:
					b.tick(ctx)
				}
			}
		},
	}
}

// tick writes one line everywhere.
func (b *Bot) tick(ctx context.Context) {
	n := b.count.Add(1)
	for _, p := range b.visited() {
		b.try(ctx, note{p, fmt.Sprintf("reading %d: %.2f m over the sill", n, 1.2+float64(n*7%13)/20)})
	}
}
