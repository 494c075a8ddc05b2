package testbots

import "weir/robots/kit"

// looper repeats what it hears as echo does, but never in its answer: it calls
// the active API and does not say which bundle it answers. Two of them are a
// loop that hides what sets it off.
func looper() kind {
	return kind{
		name:     "looper",
		about:    "repeats what anybody writes, but by unmarked calls of the active API; needs the robot's key",
		hears:    writing(),
		needsKey: true,
		hear: func(b *Bot, in *kit.Bundle, out *kit.Reply) {
			if text, ok := b.heard(in); ok {
				own, _ := in.Own()
				b.later(place{in.Wavelet.WaveID, in.Wavelet.WaveletID, own.ID}, text)
			}
		},
		run: (*Bot).writeLater,
	}
}
