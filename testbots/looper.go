package testbots

// looper repeats what it hears as echo does, but never in its answer: it calls
// the active API and does not say which bundle it answers. Two of them are a
// loop that hides what sets it off.
func looper() kind {
	return kind{
		name:     "looper",
		about:    "repeats what anybody writes, but by unmarked calls of the active API; needs the robot's key",
		events:   []string{"WAVELET_SELF_ADDED", "WAVELET_BLIP_CREATED", "DOCUMENT_CHANGED"},
		needsKey: true,
		hear: func(b *Bot, in *Bundle, out *Reply) error {
			text, ok := b.heard(in)
			if !ok {
				return nil
			}
			own, _ := in.Own()
			b.later(place{wavelet: in.Wavelet, server: in.RPCServerURL, blip: own.ID}, text)
			return nil
		},
		run: (*Bot).writeLater,
	}
}
