package testbots

import (
	"fmt"

	"weir/robots/kit"
)

// echo repeats what it hears, whoever said it, in one blip of its own. The
// running number makes each answer a real change. It is honest and useful until
// a second one like it joins the wavelet.
func echo() kind {
	return kind{
		name:  "echo",
		about: "repeats what anybody writes, robots too, in one blip of its own",
		hears: writing(),
		hear: func(b *Bot, in *kit.Bundle, out *kit.Reply) {
			if text, ok := b.heard(in); ok {
				own, _ := in.Own()
				out.Say(own.ID, text)
			}
		},
	}
}

// heard is the line that repeats the last thing written, numbered.
func (b *Bot) heard(in *kit.Bundle) (string, bool) {
	for e, blip := range in.Written() {
		return fmt.Sprintf("#%d %s: %s", b.count.Add(1), local(e.ModifiedBy), tail(blip.Content, 60)), true
	}
	return "", false
}
