package admission

import (
	"net/netip"

	"github.com/goccy/go-yaml"

	"weir/policies"
)

// Config is everything that can be set about who is let in, and how often. It is
// immutable once in use.
type Config struct {
	// TrustedProxies are the networks of the proxies in front of the server, whose
	// word it takes for the address of a client. None: the address of a client is
	// that of its connection.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies,omitempty"`

	// Queue is when people wait to be let in.
	Queue QueueConfig `yaml:"queue"`

	// Concurrency is how much work may be under way at once.
	Concurrency ConcurrencyConfig `yaml:"concurrency"`

	// Connections is how many connections may stand at once.
	Connections ConnectionLimits `yaml:"connections"`

	// How often each connection, each user on this node, and each user on all nodes
	// may do something. Nil or not enabled: as often as they like.
	ClientCommands      *Commands `yaml:"client_command_rate_limit,omitempty"`
	UserCommands        *Commands `yaml:"user_command_rate_limit,omitempty"`
	ClusterUserCommands *Commands `yaml:"cluster_user_command_rate_limit,omitempty"`

	// ClientErrors is how many errors a connection may make before it is closed, and
	// a person in requests before she has to wait.
	ClientErrors *Errors `yaml:"client_error_limits,omitempty"`
}

// Complain takes what is wrong with the value of a key, such as
// "publish.buckets[0].rate", and what is allowed there.
type Complain func(key, problem, allowed string)

// Default is what holds where nothing is set: far above what people do by hand,
// and low enough that one connection cannot keep a server busy.
func Default() Config {
	return Config{
		Queue:          DefaultQueue(),
		Concurrency:    DefaultConcurrency(),
		Connections:    DefaultConnectionLimits(),
		ClientCommands: defaultClient(),
		UserCommands:   defaultUser(),
		ClientErrors:   defaultErrors(),
	}
}

// check complains about every value that is out of range, with its key.
func (c Config) check(complain Complain) {
	for i, p := range c.TrustedProxies {
		if !p.IsValid() {
			complain(indexed("trusted_proxies", i), "not a network", "a network, such as 10.0.0.0/8")
		}
	}
	c.Concurrency.check("concurrency", complain)
	c.Connections.check("connections", complain)
	c.Queue.check("queue", complain)
	c.ClientCommands.check("client_command_rate_limit", complain)
	c.UserCommands.check("user_command_rate_limit", complain)
	c.ClusterUserCommands.check("cluster_user_command_rate_limit", complain)
	c.ClientErrors.check("client_error_limits", complain)
}

// Parse reads a configuration from YAML, on top of the default one: what the
// text leaves out stays as it is there, and a layer of limits that it names is
// replaced as a whole. It is strict: everything unknown or out of range is
// reported together, as an error of type policies.Faults with line and column,
// the key and what is allowed. The file's name is only used in the error. A text
// without any settings is the default.
func Parse(text []byte, file string) (Config, error) {
	c := Default()
	if blank(text) {
		return c, nil
	}
	place, faults := policies.Decode(text, file, &c)
	if len(faults) == 0 {
		c.check(func(key, problem, allowed string) {
			faults = append(faults, policies.FaultAt(file, place(key), key, problem, allowed))
		})
	}
	if len(faults) > 0 {
		return Config{}, faults
	}
	return c, nil
}

// YAML is the whole configuration as a text that Parse reads, what was left to
// the default included.
func (c Config) YAML() ([]byte, error) { return yaml.Marshal(c) }
