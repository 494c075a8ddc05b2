package admission

import (
	"fmt"
	"time"
)

// ConcurrencyConfig is the section "concurrency": how much work may be under way
// at once. The zero ConcurrencyConfig bounds nothing.
type ConcurrencyConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Limit    int           `yaml:"limit"`    // places for work, fixed; 0: found out by the deadline
	Start    int           `yaml:"start"`    // places to begin with; 0: as many as processors
	Most     int           `yaml:"most"`     // places that are never exceeded by what is found out; 0: any number
	Deadline time.Duration `yaml:"deadline"` // in which work has to end
	Waiting  int           `yaml:"waiting"`  // pieces of work that may wait; 0: what does not fit is refused at once
	Wait     time.Duration `yaml:"wait"`     // for a place, at most; 0: a tenth of the deadline
	Weights  WorkWeights   `yaml:"weights"`
}

// WorkWeights is how many places a piece of work takes.
type WorkWeights struct {
	RPC     int `yaml:"rpc"`     // operations that a robot sends
	Data    int `yaml:"data"`    // and a person's program
	Import  int `yaml:"import"`  // deltas written elsewhere
	Export  int `yaml:"export"`  // a wavelet as JSON, text or HTML
	Search  int `yaml:"search"`  // over wavelets
	History int `yaml:"history"` // commits of a wavelet
	Try     int `yaml:"try"`     // a policy file, on recorded traffic
}

// WorkKind is a kind of work.
type WorkKind uint8

// The kinds of work.
const (
	WorkRPC WorkKind = iota
	WorkData
	WorkImport
	WorkExport
	WorkSearch
	WorkHistory
	WorkTry
)

// Places is how many places work of a kind takes. Exempt tells that it is not
// measured, because it takes as long as there is traffic to read.
func (c ConcurrencyConfig) Places(k WorkKind) (places int, exempt bool) {
	w := c.Weights
	return [...]int{w.RPC, w.Data, w.Import, w.Export, w.Search, w.History, w.Try}[k], k == WorkTry
}

// Patience is how long work may wait for its places.
func (c ConcurrencyConfig) Patience() time.Duration {
	if c.Wait > 0 {
		return c.Wait
	}
	return c.Deadline / 10 // what waited longer has too little time left when the load is high
}

// DefaultConcurrency is the section as it is without a configuration.
func DefaultConcurrency() ConcurrencyConfig {
	return ConcurrencyConfig{
		Enabled: true, Most: 1000, Deadline: 10 * time.Second, Waiting: 1000,
		Weights: WorkWeights{RPC: 1, Data: 1, Import: 2, Export: 1, Search: 1, History: 1, Try: 1},
	}
}

// check complains about every value that is out of range. A limit that is off
// may have any.
func (c ConcurrencyConfig) check(key string, complain Complain) {
	if !c.Enabled {
		return
	}
	number := func(name string, v, least int) {
		if v < least || v > 100_000 {
			complain(key+"."+name, fmt.Sprintf("%d is out of range", v), fmt.Sprintf("%d to 100000", least))
		}
	}
	span := func(name string, v, least time.Duration) {
		if v < least || v > time.Hour {
			complain(key+"."+name, v.String()+" is out of range", fmt.Sprintf("%v to 1h", least))
		}
	}
	number("limit", c.Limit, 0)
	number("start", c.Start, 0)
	number("most", c.Most, 0)
	number("waiting", c.Waiting, 0)
	span("deadline", c.Deadline, 10*time.Millisecond)
	span("wait", c.Wait, 0)
	w := c.Weights
	number("weights.rpc", w.RPC, 1)
	number("weights.data", w.Data, 1)
	number("weights.import", w.Import, 1)
	number("weights.export", w.Export, 1)
	number("weights.search", w.Search, 1)
	number("weights.history", w.History, 1)
	number("weights.try", w.Try, 1)
}
