package sim

import (
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// The page of a plot, in pixels.
const (
	pageWidth  = 1000.0
	plotLeft   = 70.0
	plotRight  = 830.0 // the legend stands to the right of it
	panelTall  = 120.0
	panelGap   = 34.0
	panelsFrom = 60.0
	rowTall    = 18.0
)

// palette is the robots' colours, in turn.
var palette = []string{"#d9480f", "#1971c2", "#2f9e44", "#9c36b5", "#e8590c", "#0b7285", "#5f3dc4", "#a61e4d"}

const (
	inkPeople = "#868e96"
	inkAxis   = "#adb5bd"
	inkText   = "#343a40"
)

// markInk is the colours of what is done to robots, in the order of the legend.
var markInk = []struct{ what, ink string }{
	{"warn", "#f59f00"}, {"hold", "#4dabf7"}, {"slow", "#228be6"}, {"refuse", "#e64980"}, {"cut-off", "#be4bdb"},
	{"cut", "#7048e8"}, {"suspend", "#862e9c"}, {"evict", "#c92a2a"}, {"ignore", "#495057"}, {"readmit", "#37b24d"}, {"restart", "#212529"},
}

// plot draws one trace.
type plot struct {
	*Trace
	b strings.Builder
}

// WriteSVG draws the run: events, depth, ratio, pace and what was done to
// robots, all over the same time.
func (t *Trace) WriteSVG(w io.Writer) error {
	p := &plot{Trace: t}
	rows := float64(len(t.robots))
	bottom := panelsFrom + 4*(panelTall+panelGap) + rows*rowTall
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="system-ui, sans-serif" font-size="11" fill="%s">`,
		pageWidth, bottom+40, pageWidth, bottom+40, inkText)
	p.put(`<rect width="100%%" height="100%%" fill="white"/>`)
	p.put(`<text x="%.0f" y="28" font-size="16" font-weight="600">%s</text>`, plotLeft, html.EscapeString(t.title))
	p.events(panelsFrom)
	p.depths(panelsFrom + panelTall + panelGap)
	p.shares(panelsFrom + 2*(panelTall+panelGap))
	p.paces(panelsFrom + 3*(panelTall+panelGap))
	p.actions(panelsFrom+4*(panelTall+panelGap), rows*rowTall)
	p.times(bottom)
	p.legend()
	p.put(`</svg>`)
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *plot) put(format string, a ...any) { fmt.Fprintf(&p.b, format+"\n", a...) }

// x is where an instant lies.
func (p *plot) x(at time.Duration) float64 {
	return plotLeft + (plotRight-plotLeft)*float64(at)/float64(max(p.length, 1))
}

// ink is a robot's colour.
func (p *plot) ink(robot string) string {
	i := slices.Index(p.robots, robot)
	if i < 0 {
		return inkPeople
	}
	return palette[i%len(palette)]
}

// panel draws the frame of a panel that shows values from 0 to top, and gives
// where a value lies.
func (p *plot) panel(y float64, title string, top float64, label func(float64) string) func(float64) float64 {
	p.put(`<text x="%.0f" y="%.1f" font-weight="600">%s</text>`, plotLeft, y-7, title)
	at := func(v float64) float64 { return y + panelTall - panelTall*min(v, top)/top }
	for _, v := range []float64{0, top / 2, top} {
		p.put(`<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="0.5"/>`, plotLeft, plotRight, at(v), at(v), inkAxis)
		p.put(`<text x="%.0f" y="%.1f" text-anchor="end">%s</text>`, plotLeft-6, at(v)+4, label(v))
	}
	return at
}

// bins is how many columns the events are counted in.
const bins = 190

// events draws how many deltas people and robots wrote.
func (p *plot) events(y float64) {
	var people, robots [bins]float64
	for _, d := range p.deltas {
		i := min(bins-1, int(bins*float64(d.at)/float64(max(p.length, 1))))
		if d.robot == "" {
			people[i]++
		} else {
			robots[i]++
		}
	}
	per := p.length.Seconds() / bins
	top := 0.0
	for i := range bins {
		people[i], robots[i] = people[i]/per, robots[i]/per
		top = max(top, people[i]+robots[i])
	}
	at := p.panel(y, "deltas per second, of people (grey) and robots", nice(top), short)
	wide := (plotRight - plotLeft) / bins
	for i := range bins {
		x := plotLeft + wide*float64(i)
		p.bar(x, wide, at(people[i]), at(0), inkPeople)
		p.bar(x, wide, at(people[i]+robots[i]), at(people[i]), palette[0])
	}
}

func (p *plot) bar(x, wide, from, to float64, ink string) {
	if to-from > 0.05 {
		p.put(`<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`, x, from, wide*0.9, to-from, ink)
	}
}

// depths draws how many robots since a person each robot's delta is.
func (p *plot) depths(y float64) {
	top := 16.0
	var robots []dot
	for _, d := range p.deltas {
		if d.robot != "" {
			robots = append(robots, d)
			top = max(top, d.value)
		}
	}
	p.dots(robots, p.panel(y, "depth: robots since a person, of each robot's delta", nice(top), short))
}

// shares draws what share of its bundles each robot answers.
func (p *plot) shares(y float64) {
	at := p.panel(y, "ratio: bundles answered, of those of the last two minutes", 1, func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) })
	for _, robot := range p.robots {
		var points []string
		last := -1.0
		for _, d := range p.ratios {
			if x := p.x(d.at); d.robot == robot && x-last >= 1 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x, at(d.value)))
				last = x
			}
		}
		if len(points) > 1 {
			p.put(`<polyline fill="none" stroke="%s" stroke-width="1.2" points="%s"/>`, p.ink(robot), strings.Join(points, " "))
		}
	}
}

// paces draws how far apart the bundles to each robot are.
func (p *plot) paces(y float64) {
	var gaps []dot
	var all []float64
	for _, d := range p.bundles {
		if d.value > 0 {
			gaps = append(gaps, d)
			all = append(all, d.value)
		}
	}
	top := 1.0
	if slices.Sort(all); len(all) > 0 {
		top = max(top, all[len(all)*95/100])
	}
	p.dots(gaps, p.panel(y, "pace: seconds between two bundles to a robot", nice(top), short))
}

// mostDots keeps a plot of a long run small.
const mostDots = 4000

func (p *plot) dots(list []dot, at func(float64) float64) {
	step := len(list)/mostDots + 1
	for i := 0; i < len(list); i += step {
		d := list[i]
		p.put(`<circle cx="%.1f" cy="%.1f" r="1.6" fill="%s" fill-opacity="0.75"/>`, p.x(d.at), at(d.value), p.ink(d.robot))
	}
}

// actions draws what was done to each robot, a row for each.
func (p *plot) actions(y, tall float64) {
	p.put(`<text x="%.0f" y="%.1f" font-weight="600">what was done to whom</text>`, plotLeft, y-7)
	for i, robot := range p.robots {
		row := y + rowTall*(float64(i)+0.5)
		p.put(`<text x="%.0f" y="%.1f" text-anchor="end" fill="%s">%s</text>`, plotLeft-6, row+4, p.ink(robot), html.EscapeString(clip(robot)))
		p.put(`<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="0.5"/>`, plotLeft, plotRight, row, row, inkAxis)
	}
	drawn := map[string]float64{}
	for _, m := range p.marks {
		x := p.x(m.at)
		i := slices.Index(p.robots, m.robot)
		if last, ok := drawn[m.robot+m.what]; ok && x-last < 1.5 {
			continue
		}
		drawn[m.robot+m.what] = x
		name := html.EscapeString(strings.TrimSpace(m.what + " " + m.rule))
		switch {
		case m.what == "restart":
			p.put(`<line x1="%.1f" x2="%.1f" y1="%.0f" y2="%.1f" stroke="%s" stroke-dasharray="2 3"><title>%s</title></line>`, x, x, panelsFrom, y+tall, markOf(m.what), name)
		case i < 0:
		case decisive(m.what):
			p.put(`<line x1="%.1f" x2="%.1f" y1="%.0f" y2="%.1f" stroke="%s" stroke-dasharray="4 2"/>`, x, x, panelsFrom, y+tall, markOf(m.what))
			fallthrough
		default:
			row := y + rowTall*(float64(i)+0.5)
			p.put(`<rect x="%.1f" y="%.1f" width="5" height="11" fill="%s"><title>%s at %s</title></rect>`, x-2.5, row-5.5, markOf(m.what), name, m.at.Round(100*time.Millisecond))
		}
	}
}

func decisive(what string) bool {
	return slices.Contains([]string{"evict", "cut", "suspend", "cut-off"}, what)
}

func markOf(what string) string {
	for _, m := range markInk {
		if m.what == what {
			return m.ink
		}
	}
	return inkText
}

// times draws the axis of time.
func (p *plot) times(y float64) {
	for i := range 6 {
		at := p.length * time.Duration(i) / 5
		p.put(`<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, p.x(at), y+18, at.Round(100*time.Millisecond))
	}
}

// legend tells the colours apart.
func (p *plot) legend() {
	y := panelsFrom
	entry := func(ink, what string) {
		p.put(`<rect x="%.0f" y="%.1f" width="10" height="10" fill="%s"/><text x="%.0f" y="%.1f">%s</text>`, plotRight+20, y, ink, plotRight+36, y+9, html.EscapeString(what))
		y += 16
	}
	entry(inkPeople, "people")
	for _, robot := range p.robots[:min(len(p.robots), 16)] {
		entry(p.ink(robot), clip(robot))
	}
	y += 12
	for _, m := range markInk {
		if slices.ContainsFunc(p.marks, func(x mark) bool { return x.what == m.what }) {
			entry(m.ink, m.what)
		}
	}
}

// clip shortens a name to what fits beside the rows.
func clip(name string) string {
	if len(name) <= 14 {
		return name
	}
	return name[:13] + "…"
}

// nice is a round number not below v.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 4, 5, 10} {
		if v <= m*unit {
			return m * unit
		}
	}
	return 10 * unit
}

func short(v float64) string { return fmt.Sprintf("%.3g", v) }
