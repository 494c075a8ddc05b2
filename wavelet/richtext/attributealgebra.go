package richtext

// pairs walks a and b together in key order. It calls f once for every key that
// either has, with both values and whether they are there, and collects the
// values that f wants kept.
func pairs(a, b Attributes, f func(key string, av, bv string, inA, inB bool) (value string, keep bool)) Attributes {
	x, y := a.list(), b.list()
	out := make([]attribute, 0, len(x)+len(y))
	for len(x) > 0 || len(y) > 0 {
		var key, av, bv string
		inA := len(y) == 0 || len(x) > 0 && x[0].key <= y[0].key
		inB := len(x) == 0 || len(y) > 0 && y[0].key <= x[0].key
		if inA {
			key, av, x = x[0].key, x[0].value, x[1:]
		}
		if inB {
			key, bv, y = y[0].key, y[0].value, y[1:]
		}
		if value, keep := f(key, av, bv, inA, inB); keep {
			out = append(out, attribute{key, value})
		}
	}
	return makeAttributes(out)
}

// Compose returns a with b laid over it. A null in b removes the key, and stays
// in the result only if keepNull is set, as it must when a itself is a change
// and not the attributes of text. Nulls in a stay.
func (a Attributes) Compose(b Attributes, keepNull bool) Attributes {
	switch {
	case b.IsZero():
		return a
	case a.IsZero() && keepNull:
		return b
	case a.IsZero():
		return b.withoutNulls()
	}
	return pairs(a, b, func(_ string, av, bv string, _, inB bool) (string, bool) {
		if !inB {
			return av, true
		}
		return bv, keepNull || bv != null
	})
}

// Transform returns the change b as it applies after the change a. If a has
// priority, the keys that both change are left to it.
func (a Attributes) Transform(b Attributes, priority bool) Attributes {
	if a.IsZero() || b.IsZero() || !priority {
		return b
	}
	return pairs(a, b, func(_ string, _, bv string, inA, _ bool) (string, bool) {
		return bv, !inA
	})
}

// Invert returns the change that undoes the change a on text whose attributes
// are base. Objects and arrays count as changed even where a repeats the value
// of base, as they do in the browser, which compares them by identity.
func (a Attributes) Invert(base Attributes) Attributes {
	return pairs(a, base, func(_ string, av, bv string, inA, inBase bool) (string, bool) {
		switch {
		case !inA:
			return "", false
		case !inBase:
			return null, true
		}
		return bv, av != bv || bv[0] == '{' || bv[0] == '['
	})
}

// Diff returns the change that turns a into b.
func (a Attributes) Diff(b Attributes) Attributes {
	if a.Equal(b) {
		return Attributes{}
	}
	return pairs(a, b, func(_ string, av, bv string, inA, inB bool) (string, bool) {
		if !inB {
			return null, true
		}
		return bv, !inA || av != bv
	})
}

// effective returns what the change a really changes on text whose attributes
// are base: it drops the values that are there already and the removal of keys
// that are not.
func (a Attributes) effective(base Attributes) Attributes {
	if a.IsZero() {
		return a
	}
	return pairs(a, base, func(_ string, av, bv string, inA, inBase bool) (string, bool) {
		if !inBase {
			bv = null
		}
		return av, inA && av != bv
	})
}
