package richtext

// Decode returns the delta in raw, a JSON text of the form {"ops":[...]}, held
// to [DefaultLimits]. The ops stay as they are written, not in normal form,
// except that empty attributes are no attributes and that null attributes on an
// insert are dropped. All errors are of type [*Error].
func Decode(raw []byte) (Delta, error) {
	return DefaultLimits().Decode(raw)
}

// DecodeOps is [Decode] for the bare array of ops, [...].
func DecodeOps(raw []byte) (Delta, error) {
	return DefaultLimits().DecodeOps(raw)
}

// Decode is the function [Decode] under other limits.
func (l Limits) Decode(raw []byte) (Delta, error) {
	d := decoder{scanner: scanner{data: raw, op: -1, depth: l.depth()}, limits: l}
	return d.whole(d.object)
}

// DecodeOps is the function [DecodeOps] under other limits.
func (l Limits) DecodeOps(raw []byte) (Delta, error) {
	d := decoder{scanner: scanner{data: raw, op: -1, depth: l.depth()}, limits: l}
	return d.whole(d.ops)
}

// UnmarshalJSON sets d to what [Decode] returns for raw.
func (d *Delta) UnmarshalJSON(raw []byte) error {
	delta, err := Decode(raw)
	if err != nil {
		return err
	}
	*d = delta
	return nil
}

// decoder reads one delta. The scanner knows JSON, the decoder knows ops.
type decoder struct {
	scanner
	limits Limits
}

// whole reads the complete text with one of the two forms.
func (d *decoder) whole(form func() (Delta, error)) (Delta, error) {
	if over(len(d.data), d.limits.Bytes) {
		return nil, refuse(ErrTooLarge, -1, "", "%d bytes of JSON; at most %d are accepted", len(d.data), d.limits.Bytes)
	}
	delta, err := form()
	if err != nil {
		return nil, err
	}
	if d.peek(); d.pos < len(d.data) {
		return nil, d.fail(ErrSyntax, "", "something follows the end of the delta")
	}
	return delta, nil
}

// object reads {"ops":[...]}.
func (d *decoder) object() (Delta, error) {
	var delta Delta
	found := false
	err := d.members("the delta", func(key string) (err error) {
		switch {
		case key != "ops":
			return d.fail(ErrShape, key, "unknown key; a delta has only the key ops")
		case found:
			return d.fail(ErrDuplicate, key, "the key ops occurs twice")
		}
		found = true
		delta, err = d.ops()
		return err
	})
	if err == nil && !found {
		err = d.fail(ErrShape, "ops", "the key ops is missing")
	}
	return delta, err
}

// ops reads [...].
func (d *decoder) ops() (Delta, error) {
	if d.peek() != '[' {
		return nil, d.unexpected("ops", "an array of ops")
	}
	d.pos++
	delta := make(Delta, 0, 2)
	if d.peek() == ']' {
		d.pos++
		return delta, nil
	}
	total := 0
	for {
		d.op = len(delta)
		if over(d.op+1, d.limits.Ops) {
			return nil, d.fail(ErrTooLarge, "ops", "more than %d ops", d.limits.Ops)
		}
		op, err := d.oneOp()
		if err != nil {
			return nil, err
		}
		if total += op.n; total > maxLength {
			return nil, d.fail(ErrLength, "", "the lengths of the ops add up to more than %d", maxLength)
		}
		delta = append(delta, op)
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			d.op = -1
			return delta, nil
		default:
			return nil, d.unexpected("ops", "a comma or the end of the array")
		}
	}
}

// oneOp reads one op object.
func (d *decoder) oneOp() (Op, error) {
	var op Op
	attributed := false
	err := d.members("an op", func(key string) (err error) {
		if key == "attributes" {
			if attributed {
				return d.fail(ErrDuplicate, key, "the key attributes occurs twice")
			}
			attributed = true
			op.attrs, err = d.attributes()
			return err
		}
		kind := kindOf(key)
		switch {
		case kind == 0:
			return d.fail(ErrShape, key, "unknown key; an op has insert, retain or delete, and attributes")
		case op.kind == kind || op.kind == KindEmbed && kind == KindInsert:
			return d.fail(ErrDuplicate, key, "the key %s occurs twice", key)
		case op.kind != 0:
			return d.fail(ErrShape, key, "an op does one thing: insert, retain or delete")
		}
		if kind == KindInsert {
			return d.insert(&op)
		}
		op.kind = kind
		op.n, err = d.length(key)
		return err
	})
	switch {
	case err != nil:
		return op, err
	case op.kind == 0:
		return op, d.fail(ErrShape, "", "the op has none of insert, retain and delete")
	case op.kind == KindDelete && attributed:
		return op, d.fail(ErrAttributes, "attributes", "a delete takes no attributes")
	case op.kind.inserts():
		op.attrs = op.attrs.withoutNulls()
	}
	return op, nil
}

func kindOf(key string) Kind {
	switch key {
	case "insert":
		return KindInsert
	case "retain":
		return KindRetain
	case "delete":
		return KindDelete
	}
	return 0
}

// insert reads the value of insert: text or an embed.
func (d *decoder) insert(op *Op) (err error) {
	switch d.peek() {
	case '"':
		op.kind = KindInsert
		op.text, op.n, err = d.text("insert")
		switch {
		case err != nil:
			return err
		case op.n == 0:
			return d.fail(ErrEmpty, "insert", "the inserted text is empty")
		case over(len(op.text), d.limits.Text):
			return d.fail(ErrTooLarge, "insert", "%d bytes of text; at most %d may be inserted at once", len(op.text), d.limits.Text)
		}
		return nil
	case '{':
		op.kind, op.n = KindEmbed, 1
		op.embed, err = d.embed()
		return err
	}
	return d.unexpected("insert", "text or an embed object")
}

// embed reads {"key":value}.
func (d *decoder) embed() (Embed, error) {
	var embed Embed
	err := d.members("the embed", func(key string) error {
		if !embed.IsZero() {
			return d.fail(ErrEmbed, "insert", "an embed has exactly one key")
		}
		if err := d.allowed("insert", key); err != nil {
			return err
		}
		value, err := d.limitedValue("insert." + key)
		embed = makeEmbed(key, value)
		return err
	})
	if err == nil && embed.IsZero() {
		err = d.fail(ErrEmbed, "insert", "an embed has exactly one key")
	}
	return embed, err
}

// attributes reads {"key":value,...}.
func (d *decoder) attributes() (Attributes, error) {
	if d.peek() != '{' {
		if err := d.unexpected("attributes", "an object"); err.Code == "syntax" {
			return Attributes{}, err
		}
		return Attributes{}, d.fail(ErrAttributes, "attributes", "attributes are an object, or left out")
	}
	list := make([]attribute, 0, 2)
	err := d.members("attributes", func(key string) error {
		if over(len(list)+1, d.limits.Attributes) {
			return d.fail(ErrTooLarge, "attributes", "more than %d attributes", d.limits.Attributes)
		}
		if err := d.allowed("attributes", key); err != nil {
			return err
		}
		value, err := d.limitedValue("attributes." + key)
		list = append(list, attribute{key, value})
		return err
	})
	if err != nil {
		return Attributes{}, err
	}
	if key, twice := sortAttributes(list); twice {
		return Attributes{}, d.fail(ErrDuplicate, "attributes."+key, "the attribute occurs twice")
	}
	return makeAttributes(list), nil
}

// allowed refuses reserved keys and keys over the limit.
func (d *decoder) allowed(field, key string) error {
	if over(len(key), d.limits.Key) {
		return d.fail(ErrTooLarge, field, "a key of %d bytes; at most %d are accepted", len(key), d.limits.Key)
	}
	if reserved(key) {
		return d.fail(ErrReserved, field, "the key %q is reserved", key)
	}
	return nil
}

// limitedValue reads a JSON value of limited size and returns it in canonical
// form.
func (d *decoder) limitedValue(field string) (string, error) {
	value, err := d.value(field)
	if err == nil && over(len(value), d.limits.Value) {
		err = d.fail(ErrTooLarge, field, "a value of %d bytes; at most %d are accepted", len(value), d.limits.Value)
	}
	return value, err
}

// length reads the length of a retain or a delete.
func (d *decoder) length(field string) (int, error) {
	first := d.peek()
	if first < '0' || first > '9' {
		if first == '-' {
			return 0, d.fail(ErrLength, field, "a length is not negative")
		}
		if err := d.unexpected(field, "a number"); err.Code == "syntax" {
			return 0, err
		}
		return 0, d.fail(ErrLength, field, "a length is a number")
	}
	n, start := 0, d.pos
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		if c == '.' || c == 'e' || c == 'E' {
			return 0, d.fail(ErrLength, field, "a length is a whole number, written without point and exponent")
		}
		if c < '0' || c > '9' {
			break
		}
		if n = n*10 + int(c-'0'); n > maxLength {
			return 0, d.fail(ErrLength, field, "a length is at most %d", maxLength)
		}
		d.pos++
	}
	if first == '0' {
		if d.pos > start+1 {
			return 0, d.fail(ErrSyntax, field, "a number does not start with zero")
		}
		return 0, d.fail(ErrLength, field, "a length is at least 1")
	}
	return n, nil
}
