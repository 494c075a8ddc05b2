package admission

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Commands limits how often one connection or one user may do what. An operation
// without limits of its own has those of Default, each operation its own tokens;
// Total counts every command beside that.
type Commands struct {
	Enabled bool `yaml:"enabled"`
	DryRun  bool `yaml:"dry_run,omitempty"` // refusals are counted, and let through

	Default *Limit `yaml:"default,omitempty"` // of operations that have none; nil: no limit
	Total   *Limit `yaml:"total,omitempty"`   // of all operations together; nil: no limit

	Connect       *Limit   `yaml:"connect,omitempty"`
	Subscribe     *Limit   `yaml:"subscribe,omitempty"`
	Publish       *Limit   `yaml:"publish,omitempty"`
	History       *Limit   `yaml:"history,omitempty"`
	Presence      *Limit   `yaml:"presence,omitempty"`
	PresenceStats *Limit   `yaml:"presence_stats,omitempty"`
	Refresh       *Limit   `yaml:"refresh,omitempty"`
	SubRefresh    *Limit   `yaml:"sub_refresh,omitempty"`
	RPC           *Methods `yaml:"rpc,omitempty"`

	Classes []Class `yaml:"classes,omitempty"` // of documents with limits of their own; the first that matches holds
}

// Limit holds an operation to several buckets at once. None: no limit.
type Limit struct {
	Buckets []Bucket `yaml:"buckets,flow"`
}

// Bucket holds Rate tokens, as many as may be spent at once, and fills evenly in
// Interval.
type Bucket struct {
	Interval time.Duration `yaml:"interval"` // 1ms to 24h
	Rate     int           `yaml:"rate"`     // 1 to 1,000,000
}

// Methods limits rpc, and single methods of it in place of that.
type Methods struct {
	Buckets  []Bucket   `yaml:"buckets,flow"`
	Override []Override `yaml:"method_override,omitempty"`
}

// Override is what one method of rpc is held to.
type Override struct {
	Method  string   `yaml:"method"`
	Buckets []Bucket `yaml:"buckets,flow"`
}

// Class limits what is done with some documents, in place of the operation's own
// limits. All documents of a class share the tokens.
type Class struct {
	// Match is a pattern of wave ids in which * stands for any text and ? for a
	// character, such as "example.com!w+news*"; or, after a slash, of wavelet ids
	// too, such as "example.com!*/*!conv+root".
	Match string `yaml:"match"`

	Subscribe     *Limit `yaml:"subscribe,omitempty"`
	Publish       *Limit `yaml:"publish,omitempty"`
	History       *Limit `yaml:"history,omitempty"`
	Presence      *Limit `yaml:"presence,omitempty"`
	PresenceStats *Limit `yaml:"presence_stats,omitempty"`
	SubRefresh    *Limit `yaml:"sub_refresh,omitempty"`
}

// Errors is how many errors one connection may make, and one person in requests.
// A connection that makes more is closed, and told to stay away; a person waits.
type Errors struct {
	Enabled bool   `yaml:"enabled"`
	DryRun  bool   `yaml:"dry_run,omitempty"` // what would be closed is counted, and stays
	Total   *Limit `yaml:"total,omitempty"`   // nil: no limit
}

// What is allowed.
const (
	minInterval = time.Millisecond
	maxInterval = 24 * time.Hour
	maxRate     = 1_000_000
	maxBuckets  = 8   // of an operation
	maxMethods  = 64  // with limits of their own
	maxClasses  = 64  // of documents
	maxPattern  = 200 // bytes
)

// Each second, and each minute, this often.
func perSecond(rate int) Bucket { return Bucket{Interval: time.Second, Rate: rate} }
func perMinute(rate int) Bucket { return Bucket{Interval: time.Minute, Rate: rate} }

func defaultClient() *Commands {
	return &Commands{
		Enabled: true,
		Total:   &Limit{[]Bucket{perSecond(1000)}},
		History: &Limit{[]Bucket{perSecond(200)}},
		RPC:     &Methods{Buckets: []Bucket{perSecond(200)}},
	}
}

func defaultUser() *Commands {
	return &Commands{
		Enabled: true,
		Connect: &Limit{[]Bucket{perSecond(100), perMinute(1500)}},
		Total:   &Limit{[]Bucket{perSecond(4000)}},
		// What reads or makes whole wavelets costs much more than its frame.
		History: &Limit{[]Bucket{perSecond(200)}},
		RPC: &Methods{Buckets: []Bucket{perSecond(1000)}, Override: []Override{
			{Method: "wavelet.list", Buckets: []Bucket{perSecond(10)}},
			{Method: "wavelet.export", Buckets: []Bucket{perSecond(20)}},
			{Method: "wave.create", Buckets: []Bucket{perSecond(20), perMinute(300)}},
		}},
	}
}

func defaultErrors() *Errors {
	return &Errors{Enabled: true, Total: &Limit{[]Bucket{{Interval: 10 * time.Second, Rate: 32}}}}
}

func (c *Commands) check(key string, complain Complain) {
	if c == nil {
		return
	}
	for op, buckets := range c.own() {
		checkBuckets(key+"."+op.String(), buckets, complain)
	}
	checkBuckets(key+".default", c.Default.buckets(), complain)
	checkBuckets(key+".total", c.Total.buckets(), complain)
	if c.RPC != nil {
		c.RPC.check(key+".rpc.method_override", complain)
	}
	if len(c.Classes) > maxClasses {
		complain(key+".classes", fmt.Sprintf("%d classes", len(c.Classes)), fmt.Sprintf("at most %d", maxClasses))
	}
	for i, class := range c.Classes {
		class.check(indexed(key+".classes", i), complain)
	}
}

func (m *Methods) check(key string, complain Complain) {
	if len(m.Override) > maxMethods {
		complain(key, fmt.Sprintf("%d methods", len(m.Override)), fmt.Sprintf("at most %d", maxMethods))
	}
	known, seen := RPCMethods(), map[string]bool{}
	for i, o := range m.Override {
		at := indexed(key, i)
		switch {
		case o.Method == "":
			complain(at+".method", "missing", strings.Join(known, ", "))
		case !slices.Contains(known, o.Method):
			complain(at+".method", fmt.Sprintf("%q is no method of rpc", o.Method), strings.Join(known, ", "))
		case seen[o.Method]:
			complain(at+".method", fmt.Sprintf("%q is there twice", o.Method), "each method once")
		}
		seen[o.Method] = true
		checkBuckets(at, o.Buckets, complain)
	}
}

func (c Class) check(key string, complain Complain) {
	const allowed = `a pattern of wave ids, such as "example.com!w+news*", or of wave ids/wavelet ids`
	wave, wavelet, _ := strings.Cut(c.Match, "/")
	switch _, bad := path.Match(wave+wavelet, ""); {
	case c.Match == "":
		complain(key+".match", "missing", allowed)
	case bad != nil || len(c.Match) > maxPattern || strings.Contains(wavelet, "/"):
		complain(key+".match", fmt.Sprintf("%q is no pattern", c.Match), allowed)
	}
	for op, buckets := range c.own() {
		checkBuckets(key+"."+op.String(), buckets, complain)
	}
}

func (e *Errors) check(key string, complain Complain) {
	if e != nil {
		checkBuckets(key+".total", e.Total.buckets(), complain)
	}
}

func checkBuckets(key string, buckets []Bucket, complain Complain) {
	key += ".buckets"
	if len(buckets) > maxBuckets {
		complain(key, fmt.Sprintf("%d buckets", len(buckets)), fmt.Sprintf("at most %d", maxBuckets))
	}
	for i, b := range buckets {
		if b.Interval < minInterval || b.Interval > maxInterval {
			complain(indexed(key, i)+".interval", b.Interval.String()+" is out of range", "a duration from 1ms to 24h")
		}
		if b.Rate < 1 || b.Rate > maxRate {
			complain(indexed(key, i)+".rate", fmt.Sprintf("%d is out of range", b.Rate), "a whole number from 1 to 1000000")
		}
	}
}

func indexed(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }

// blank reports whether a text has nothing but empty lines and comments.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}
