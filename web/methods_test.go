package web_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"

	"weir/admission"
	"weir/wavelet/client"
)

// TestEveryMethodCanBeLimited holds the methods that limits know against those
// that the manual has, and those that a socket carries out.
func TestEveryMethodCanBeLimited(t *testing.T) {
	manual, err := os.ReadFile("../docs/protocol.md")
	must(t, err)
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z]+|cursor)` \\|").FindAllSubmatch(manual, -1) {
		told = append(told, string(row[1]))
	}
	slices.Sort(told)
	if methods := admission.RPCMethods(); !slices.Equal(methods, told) {
		t.Errorf("limits are known for %v, the manual has %v", methods, told)
	}
	c := plan{admission: settings(t, "client_error_limits: {enabled: false}")}.build(t).dial(ann, "")
	if known(t, c, "wavelet.dance") {
		t.Error("any method is known")
	}
	for _, method := range admission.RPCMethods() {
		if !known(t, c, method) {
			t.Errorf("no method is called %s", method)
		}
	}
}

// known reports whether there is a method of rpc.
func known(t *testing.T, c *client.Client, method string) bool {
	t.Helper()
	err := c.Call(t.Context(), method, struct{}{}, nil)
	var refusal *client.Error
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	return refusal == nil || refusal.Code != client.CodeUnknownMethod
}
