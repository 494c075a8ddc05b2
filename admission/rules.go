package admission

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Rules are Commands made ready for deciding. They are immutable; nil limits
// nothing.
type Rules struct {
	dryRun  bool
	since   time.Time // in force from then on
	nodes   float64   // that the limits are shared out among
	buckets []rule
	ops     [Ops]span // of an operation's own buckets, or its default ones
	total   span
	methods map[string]span
	classes []class
	groups  map[string]span // all of them by name, to find them again in other Rules
}

// rule is what one bucket holds.
type rule struct {
	rate  float64 // tokens a nanosecond
	burst float64
}

// span is a run of buckets.
type span struct{ from, to int32 }

// class is what holds for some documents.
type class struct {
	wave, wavelet string // patterns
	ops           [Ops]span
	has           [Ops]bool
}

// NewRules makes limits ready, to be in force from now on. Nil if there are
// none.
func NewRules(c *Commands, now time.Time) *Rules {
	if c == nil || !c.Enabled {
		return nil
	}
	r := &Rules{dryRun: c.DryRun, since: now, nodes: 1, groups: map[string]span{}, methods: map[string]span{}}
	r.total = r.group("total", c.Total.buckets())
	has := [Ops]bool{Unsubscribe: true, Ping: true}
	for op, buckets := range c.own() {
		r.ops[op], has[op] = r.group(op.String(), buckets), true
	}
	for op := range Op(Ops) {
		if !has[op] {
			r.ops[op] = r.group(op.String(), c.Default.buckets())
		}
	}
	if c.RPC != nil {
		for _, o := range c.RPC.Override {
			r.methods[o.Method] = r.group("rpc "+o.Method, o.Buckets)
		}
	}
	for i := range c.Classes {
		r.class(&c.Classes[i])
	}
	return r
}

// Share is what one of so many nodes may spend by itself of limits that hold over
// all of them: the same rates, shared out, and room for one token at least.
func (r *Rules) Share(nodes int) *Rules {
	if r == nil || nodes <= 1 {
		return r
	}
	s := *r
	s.nodes = float64(nodes)
	s.buckets = slices.Clone(r.buckets)
	for i := range s.buckets {
		k := &s.buckets[i]
		k.rate /= s.nodes
		k.burst = max(1, k.burst/s.nodes)
	}
	return &s
}

// NewErrorRules makes the limits of errors ready, each error being a command.
func NewErrorRules(e *Errors, now time.Time) *Rules {
	if e == nil {
		return nil
	}
	return NewRules(&Commands{Enabled: e.Enabled, DryRun: e.DryRun, Total: e.Total}, now)
}

func (r *Rules) class(c *Class) {
	wave, wavelet, both := strings.Cut(c.Match, "/")
	if !both {
		wavelet = "*"
	}
	k := class{wave: wave, wavelet: wavelet}
	for op, buckets := range c.own() {
		k.ops[op], k.has[op] = r.group(op.String()+" "+c.Match, buckets), true
	}
	r.classes = append(r.classes, k)
}

func (r *Rules) group(name string, buckets []Bucket) span {
	from := len(r.buckets)
	for _, b := range buckets {
		r.buckets = append(r.buckets, rule{rate: float64(b.Rate) / float64(b.Interval), burst: float64(b.Rate)})
	}
	s := span{int32(from), int32(len(r.buckets))}
	r.groups[name] = s
	return s
}

// DryRun reports whether refusals are only to be counted.
func (r *Rules) DryRun() bool { return r != nil && r.dryRun }

// Command is something to be done, as far as limits tell commands apart.
type Command struct {
	Op            Op
	Method        string // of RPC
	Wave, Wavelet string // whose document it is about; "" for none
}

// of is the buckets of a command, beside the total.
func (r *Rules) of(c *Command) span {
	if c.Op == RPC && len(r.methods) > 0 {
		if s, ok := r.methods[c.Method]; ok {
			return s
		}
	}
	if c.Wave != "" {
		for i := range r.classes {
			if k := &r.classes[i]; k.matches(c) {
				if k.has[c.Op] {
					return k.ops[c.Op]
				}
				break
			}
		}
	}
	return r.ops[min(c.Op, Other)]
}

func (k *class) matches(c *Command) bool {
	wave, _ := path.Match(k.wave, c.Wave)
	if !wave {
		return false
	}
	wavelet, _ := path.Match(k.wavelet, c.Wavelet)
	return wavelet
}
