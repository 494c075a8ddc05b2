package admission_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/admission"
)

const example = `
trusted_proxies: [10.0.0.0/8]
client_command_rate_limit:
  enabled: true
  default: {buckets: [{interval: 1s, rate: 60}]}
  total: {buckets: [{interval: 1s, rate: 20}, {interval: 60s, rate: 50}]}
  publish: {buckets: [{interval: 1s, rate: 1}]}
  rpc:
    buckets: [{interval: 1s, rate: 10}]
    method_override: [{method: wavelet.read, buckets: [{interval: 20s, rate: 1}]}]
  classes:
    - {match: "example.com!w+news*", publish: {buckets: [{interval: 1m, rate: 2}]}}
`

func TestAConfigurationIsRead(t *testing.T) {
	got, err := admission.Parse([]byte(example), "admission.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := admission.Default()
	second := func(n int) []admission.Bucket { return []admission.Bucket{{Interval: time.Second, Rate: n}} }
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	want.ClientCommands = &admission.Commands{
		Enabled: true,
		Default: &admission.Limit{Buckets: second(60)},
		Total:   &admission.Limit{Buckets: append(second(20), admission.Bucket{Interval: time.Minute, Rate: 50})},
		Publish: &admission.Limit{Buckets: second(1)},
		RPC: &admission.Methods{
			Buckets:  second(10),
			Override: []admission.Override{{Method: "wavelet.read", Buckets: []admission.Bucket{{Interval: 20 * time.Second, Rate: 1}}}},
		},
		Classes: []admission.Class{{Match: "example.com!w+news*", Publish: &admission.Limit{Buckets: []admission.Bucket{{Interval: time.Minute, Rate: 2}}}}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	for _, empty := range []string{"", "\n# nothing\n"} {
		if c, err := admission.Parse([]byte(empty), ""); err != nil || !c.ClientCommands.Enabled {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

func TestWhatIsWrongInAConfiguration(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"queues: 1", "a.yaml:1:1: queues: unknown key; allowed: "},
		{"client_command_rate_limit:\n  publsh: {}", "a.yaml:2:3: client_command_rate_limit.publsh: unknown key; allowed: enabled, dry_run, default, "},
		{"client_command_rate_limit:\n  enabled: 1", `a.yaml:2:12: client_command_rate_limit.enabled: "1" cannot be read; allowed: true, false`},
		{"trusted_proxies: [10.0.0.1]", `a.yaml:1:19: trusted_proxies[0]: "10.0.0.1" cannot be read; allowed: a network, such as 10.0.0.0/8 or 10.0.0.5/32`},
		{"trusted_proxies: 10.0.0.0/8", "a.yaml:1:18: trusted_proxies: not a list"},
		{"user_command_rate_limit:\n  total: {buckets: [{interval: 1x, rate: 1}]}", `a.yaml:2:32: user_command_rate_limit.total.buckets[0].interval: "1x" cannot be read; allowed: a duration`},
		{"user_command_rate_limit:\n  total: {buckets: [{interval: 1s, rate: 0}]}", "a.yaml:2:42: user_command_rate_limit.total.buckets[0].rate: 0 is out of range; allowed: a whole number from 1 to 1000000"},
		{"user_command_rate_limit:\n  total: {buckets: [{rate: 1}]}", "a.yaml:2:21: user_command_rate_limit.total.buckets[0].interval: 0s is out of range; allowed: a duration from 1ms to 24h"},
		{"client_error_limits: {total: {buckets: [{interval: 25h, rate: 1}]}}", "client_error_limits.total.buckets[0].interval: 25h0m0s is out of range"},
		{"user_command_rate_limit: {rpc: {method_override: [{buckets: []}]}}", "rpc.method_override[0].method: missing; allowed: blip.done, "},
		{"user_command_rate_limit: {rpc: {method_override: [{method: cursor}, {method: cursor}]}}", `rpc.method_override[1].method: "cursor" is there twice`},
		{"user_command_rate_limit:\n  rpc: {method_override: [{method: wavelet.lst}]}", `a.yaml:2:36: user_command_rate_limit.rpc.method_override[0].method: "wavelet.lst" is no method of rpc; allowed: blip.done, cursor, `},
		{`user_command_rate_limit: {classes: [{match: "[a"}]}`, `classes[0].match: "[a" is no pattern`},
		{`user_command_rate_limit: {classes: [{publish: {}}]}`, `classes[0].match: missing`},
		{"user_command_rate_limit: &x {enabled: true}", "an anchor, an alias or a tag"},
		{"a: [", "a.yaml:1:4: not YAML: "},
	} {
		_, err := admission.Parse([]byte(c.text), "a.yaml")
		if err == nil {
			t.Errorf("%q is read", c.text)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestAConfigurationIsShown has it written and read again.
func TestAConfigurationIsShown(t *testing.T) {
	for _, text := range []string{"", example, "client_error_limits: {enabled: true, dry_run: true}\nuser_command_rate_limit: {enabled: false, history: {buckets: []}}"} {
		want, err := admission.Parse([]byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		shown, err := want.YAML()
		if err != nil {
			t.Fatal(err)
		}
		got, err := admission.Parse(shown, "shown")
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\n%s", diff, shown)
		}
	}
}

// TestTheExampleOfTheManual reads the file that docs/operations.md shows.
func TestTheExampleOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(manual), "## Operation limits")
	_, text, yaml := strings.Cut(text, "```yaml\n")
	text, _, end := strings.Cut(text, "```")
	if !found || !yaml || !end {
		t.Fatal("the manual has lost its example")
	}
	c, err := admission.Parse([]byte(text), "example")
	if err != nil || !c.UserCommands.DryRun || len(c.ClientCommands.Classes) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("client_error_limits: {enabled: true, total: {buckets: [{interval: 10s, rate: 5}]}}"))
	f.Add([]byte("? [a]\n: {b: *c}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := admission.Parse(text, "a.yaml"); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
