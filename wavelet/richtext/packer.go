package richtext

import "unicode/utf8"

// packer fills leaves one after the other.
type packer struct {
	owner *owner
	done  []*leaf
	open  *leaf // is being filled; may be nil
}

// leaf adds a complete leaf. If it or the one before it is small, and they fit
// into one, they become one.
func (p *packer) leaf(l *leaf) {
	p.close()
	n := len(p.done)
	if n == 0 || !joinable(p.done[n-1], l) {
		p.done = append(p.done, l)
		return
	}
	if p.done[n-1].owner != p.owner {
		p.done[n-1] = p.done[n-1].copy(p.owner)
	}
	p.done[n-1].append(l)
}

// joinable reports whether two leaves that follow each other are better one.
func joinable(a, b *leaf) bool {
	return (small(a.text.len(), len(a.runs)) || small(b.text.len(), len(b.runs))) &&
		fit(a.text.len()+b.text.len(), len(a.runs)+len(b.runs))
}

// close completes the open leaf.
func (p *packer) close() {
	if l := p.open; l != nil {
		p.open = nil
		p.leaf(l)
	}
}

// leaves returns all leaves.
func (p *packer) leaves() []*leaf {
	p.close()
	return p.done
}

// room returns the open leaf, a new one if there is none or it is full.
func (p *packer) room() *leaf {
	if p.open != nil && (p.open.text.len() >= leafTarget || len(p.open.runs) >= runsTarget) {
		p.close()
	}
	if p.open == nil {
		p.open = &leaf{owner: p.owner, text: gapText{buf: make([]byte, 0, leafTarget)}}
	}
	return p.open
}

// text adds text of equal attributes, cut to the size of leaves.
func (p *packer) text(text []byte, units int, attrs Attributes) {
	for len(text) > 0 {
		l := p.room()
		n, head := len(text), units
		if space := leafTarget - l.text.len(); n > space {
			for n = space; n > 0 && !utf8.RuneStart(text[n]); n-- {
			}
			if n == 0 {
				_, n = utf8.DecodeRune(text)
			}
			if head = n; units != len(text) {
				head = unitsOf(text[:n])
			}
		}
		l.add(run{units: head, bytes: n, attrs: attrs}, text[:n])
		text, units = text[n:], units-head
	}
}

// embed adds one embed.
func (p *packer) embed(e Embed, attrs Attributes) {
	p.room().add(run{units: 1, bytes: len(string(EmbedRune)), attrs: attrs, embed: e}, []byte(string(EmbedRune)))
}

// run adds text or an embed, whichever r says.
func (p *packer) run(r run, text []byte) {
	if r.embed.IsZero() {
		p.text(text, r.units, r.attrs)
	} else {
		p.embed(r.embed, r.attrs)
	}
}
