package weir

import "testing"

func TestMet(t *testing.T) {
	for _, c := range []struct {
		figure Figure
		want   bool
	}{
		{Figure{}, true},
		{Figure{Value: 1, HasBar: true, Bar: 1, Measured: true}, true},
		{Figure{Value: 2, HasBar: true, Bar: 1, Measured: true}, false},
		{Figure{Value: 2, HasBar: true, Bar: 1, Measured: true, AtLeast: true}, true},
		{Figure{Value: 0, HasBar: true, Bar: 1, Measured: true, AtLeast: true}, false},
		{Figure{Value: 0, HasBar: true, Bar: 1}, false},
	} {
		if got := c.figure.Met(); got != c.want {
			t.Errorf("%+v: met %t", c.figure, got)
		}
	}
}
