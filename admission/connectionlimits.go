package admission

import "strconv"

// ConnectionLimits say how many connections may stand at once; 0 is any number.
// A robot's own maximum is in its policy profile.
type ConnectionLimits struct {
	// PerUser bounds the live connections of one person.
	PerUser int `yaml:"per_user"`
	// PerAddress bounds the connections from one network address; of IPv6 a /64 is
	// one. Those that a trusted proxy makes for others count for these.
	PerAddress int `yaml:"per_address"`
	// Total bounds the connections to the server, whosever they are.
	Total int `yaml:"total"`
}

// DefaultConnectionLimits are those of a server that was told nothing else.
func DefaultConnectionLimits() ConnectionLimits {
	return ConnectionLimits{PerUser: 100, PerAddress: 1000, Total: 20_000}
}

// check complains about every maximum that makes no sense.
func (l ConnectionLimits) check(key string, complain Complain) {
	for _, x := range []struct {
		field string
		n     int
	}{{"per_user", l.PerUser}, {"per_address", l.PerAddress}, {"total", l.Total}} {
		if x.n < 0 {
			complain(key+"."+x.field, strconv.Itoa(x.n), "how many there may be, or 0 for any number")
		}
	}
}
