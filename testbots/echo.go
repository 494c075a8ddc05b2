package testbots

import "fmt"

// echo repeats what it hears, whoever said it, in one blip of its own. The
// running number makes each answer a real change. It is honest and useful until
// a second one like it joins the wavelet.
func echo() kind {
	return kind{
		name:   "echo",
		about:  "repeats what anybody writes, robots too, in one blip of its own",
		events: []string{"WAVELET_SELF_ADDED", "WAVELET_BLIP_CREATED", "DOCUMENT_CHANGED"},
		hear: func(b *Bot, in *Bundle, out *Reply) error {
			if text, ok := b.heard(in); ok {
				own, _ := in.Own()
				out.Say(own, text)
			}
			return nil
		},
	}
}

// heard is the line that repeats the last thing written, numbered.
func (b *Bot) heard(in *Bundle) (string, bool) {
	e, blip, ok := in.Heard()
	if !ok {
		return "", false
	}
	return fmt.Sprintf("#%d %s: %s", b.count.Add(1), local(e.ModifiedBy), tail(blip.Content, 60)), true
}
