package admission

import "iter"

// Op is an operation that can be limited.
type Op uint8

// The operations. Unsubscribe and Ping have no limits of their own: they count
// in the total, and Unsubscribe, which only makes room, is never refused. Other
// is everything unknown.
const (
	Connect Op = iota
	Subscribe
	Publish
	History
	Presence
	PresenceStats
	Refresh
	SubRefresh
	RPC
	Unsubscribe
	Ping
	Other
	Ops = int(Other) + 1 // how many there are
)

var opNames = [Ops]string{
	"connect", "subscribe", "publish", "history", "presence", "presence_stats", "refresh", "sub_refresh", "rpc",
	"unsubscribe", "ping", "other",
}

// String is the operation's name in the protocol.
func (o Op) String() string { return opNames[min(o, Other)] }

// OpOf is the operation of this name.
func OpOf(name string) Op {
	switch name {
	case "connect":
		return Connect
	case "subscribe":
		return Subscribe
	case "publish":
		return Publish
	case "history":
		return History
	case "presence":
		return Presence
	case "presence_stats":
		return PresenceStats
	case "refresh":
		return Refresh
	case "sub_refresh":
		return SubRefresh
	case "rpc":
		return RPC
	case "unsubscribe":
		return Unsubscribe
	case "ping":
		return Ping
	}
	return Other
}

// RPCMethods are the methods of rpc, which may have limits of their own.
func RPCMethods() []string {
	return []string{
		"blip.done", "cursor", "link.create", "link.join", "link.list", "link.revoke",
		"participant.add", "participant.remove", "participant.role", "robot.limits", "robot.list", "robot.readmit",
		"wave.create", "wavelet.export", "wavelet.list", "wavelet.read", "wavelet.tag", "wavelet.title",
	}
}

func (l *Limit) buckets() []Bucket {
	if l == nil {
		return nil
	}
	return l.Buckets
}

// own yields the operations that have limits of their own.
func (c *Commands) own() iter.Seq2[Op, []Bucket] {
	var rpc *Limit
	if c.RPC != nil {
		rpc = &Limit{c.RPC.Buckets}
	}
	return set([]*Limit{c.Connect, c.Subscribe, c.Publish, c.History, c.Presence, c.PresenceStats, c.Refresh, c.SubRefresh, rpc})
}

func (c *Class) own() iter.Seq2[Op, []Bucket] {
	return set([]*Limit{nil, c.Subscribe, c.Publish, c.History, c.Presence, c.PresenceStats, nil, c.SubRefresh})
}

// set yields the limits that there are, each with its operation: they are in
// the order of those.
func set(limits []*Limit) iter.Seq2[Op, []Bucket] {
	return func(yield func(Op, []Bucket) bool) {
		for op, l := range limits {
			if l != nil && !yield(Op(op), l.Buckets) {
				return
			}
		}
	}
}
