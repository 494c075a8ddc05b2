package policies

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxItems bounds a list in a file of settings.
const maxItems = 1000

// Decode reads a file of settings into a struct, strictly: the keys of a mapping
// are those of the struct's yaml tags, and an unknown key, a key given twice or a
// value of the wrong type is a fault with its place and what is allowed there. A
// field may be text, true or false, a number, a duration, a list, a struct, a
// pointer to one of them, or any type that reads itself from text.
//
// What the file leaves out keeps the value that into has; a list and what a
// pointer points to are replaced as a whole. The file's name is only used in the
// faults. Place tells where a key such as "publish.buckets[0].rate" stands, the
// nearest key above it if it does not stand in the file.
func Decode(data []byte, file string, into any) (place func(key string) ast.Node, faults Faults) {
	n, faults := Document(data, file, "key: value lines", "one document in a file")
	d := &decoder{reader: reader{file: file, faults: faults}, places: map[string]ast.Node{}}
	if n != nil && len(faults) == 0 {
		d.value(reflect.ValueOf(into).Elem(), n, "")
	}
	sortFaults(d.faults)
	return func(key string) ast.Node {
		for {
			if n, ok := d.places[key]; ok || key == "" {
				return n
			}
			key = key[:max(0, strings.LastIndexAny(key, ".["))]
		}
	}, d.faults
}

// decoder reads one file of settings.
type decoder struct {
	reader
	places map[string]ast.Node
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	networkType  = reflect.TypeFor[netip.Prefix]()
)

// value reads the node into v.
func (d *decoder) value(v reflect.Value, n ast.Node, path string) {
	d.places[path] = n
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		allowed := "text"
		if v.Type() == networkType {
			allowed = "a network, such as 10.0.0.0/8 or 10.0.0.5/32"
		}
		d.scalar(n, path, allowed, func(s string) error { return t.UnmarshalText([]byte(s)) })
		return
	}
	switch {
	case v.Type() == durationType:
		d.scalar(n, path, "a duration, such as 500ms or 2m", func(s string) error {
			x, err := time.ParseDuration(s)
			v.SetInt(int64(x))
			return err
		})
	case v.Kind() == reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(fresh.Elem(), n, path)
		v.Set(fresh)
	case v.Kind() == reflect.Struct:
		d.mapping(v, n, path)
	case v.Kind() == reflect.Slice:
		items := d.items(n, path, maxItems)
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			d.value(list.Index(i), item, fmt.Sprintf("%s[%d]", path, i))
		}
		v.Set(list)
	default:
		d.plain(v, n, path)
	}
}

// plain reads a value of a basic type.
func (d *decoder) plain(v reflect.Value, n ast.Node, path string) {
	switch v.Kind() {
	case reflect.String:
		d.scalar(n, path, "text", func(s string) error { v.SetString(s); return nil })
	case reflect.Bool:
		d.scalar(n, path, "true, false", func(s string) error {
			if s != "true" && s != "false" {
				return strconv.ErrSyntax
			}
			v.SetBool(s == "true")
			return nil
		})
	case reflect.Int, reflect.Int64:
		d.scalar(n, path, "a whole number", func(s string) error {
			x, err := strconv.ParseInt(s, 10, 64)
			v.SetInt(x)
			return err
		})
	case reflect.Float64:
		d.scalar(n, path, "a number", func(s string) error {
			x, err := strconv.ParseFloat(s, 64)
			if x-x != 0 { // infinite, or not a number
				return strconv.ErrRange
			}
			v.SetFloat(x)
			return err
		})
	default:
		panic("policies: settings of type " + v.Type().String() + " are not read")
	}
}

// scalar hands the text of a plain value to set.
func (d *decoder) scalar(n ast.Node, path, allowed string, set func(string) error) {
	s, ok := scalar(n)
	if !ok {
		d.fault(n, path, "not a plain value", allowed)
	} else if err := set(s); err != nil {
		d.fault(n, path, strconv.Quote(s)+" cannot be read", allowed)
	}
}

// mapping reads the keys of a struct.
func (d *decoder) mapping(v reflect.Value, n ast.Node, path string) {
	var names []string
	fields := map[string]reflect.Value{}
	for f, at := range v.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
			names = append(names, name)
			fields[name] = at
		}
	}
	var seen []string
	for _, e := range d.entries(n, path) {
		field, ok := fields[e.name]
		switch {
		case !ok:
			d.unknown(e, path, names)
		case slices.Contains(seen, e.name):
			d.fault(e.key, join(path, e.name), "given twice", "once")
		default:
			seen = append(seen, e.name)
			d.value(field, e.value, join(path, e.name))
		}
	}
}
