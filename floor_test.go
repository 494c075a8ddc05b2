package weir

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// floors lists every package of the module with the floor it stands on. A
// package imports lower floors only.
var floors = map[string]int{
	"weir": 0, // this package: the map and the benchmarks' Figure

	"weir/wavelet/richtext":    0,
	"weir/admission":           1,
	"weir/admission/bounds":    2,
	"weir/policies":            0,
	"weir/policies/book":       1,
	"weir/store":               0,
	"weir/robots/oauth":        0,
	"weir/robots/wiretest":     1,
	"weir/robots/kit":          1,
	"weir/robots/kit/overnats": 2,
	"weir/store/storetest":     1,
	"weir/wavelet":             1,
	"weir/wavelet/host":        2,
	"weir/wavelet/client":      2,
	"weir/wavelet/search":      2,
	"weir/wavelet/reading":     2,
	"weir/wavelet/presence":    2,
	"weir/wavelet/attachment":  2,
	"weir/wavelet/sharing":     2,
	"weir/governor":            2,
	"weir/events":              2,
	"weir/governor/decisions":  3,
	"weir/governor/traffic":    3,
	"weir/robots/vault":        0,
	"weir/robots/grants":       2,
	"weir/robots/wire":         3,
	"weir/events/bus":          3,
	"weir/robots":              4,
	"weir/gateway":             4,
	"weir/robots/rpc":          5,
	"weir/testbots":            5,
	"weir/sim":                 5,
	"weir/sim/live":            6,
	"weir/admission/blocks":    2,
	"weir/admission/lending":   2,
	"weir/admission/settings":  2,
	"weir/web/logins":          2,
	"weir/robots/mcp":          6,
	"weir/web":                 6,
	"weir/cmd/weir":            7,

	"weir/wavelet/richtext/enginebench": 5,
	"weir/store/storebench":             5,
	"weir/governor/governorbench":       5,
	"weir/gateway/gatewaybench":         5,
	"weir/admission/admissionbench":     5,
	"weir/web/client/nodetest":          0,
	"weir/web/siege":                    5,
}

// pure lists the packages that decide and never act: no clock, no files, no
// network.
var pure = []string{"weir/wavelet/richtext", "weir/policies", "weir/wavelet", "weir/wavelet/search", "weir/wavelet/presence", "weir/governor", "weir/events", "weir/admission"}

// clocks are the functions of package time that read or wait for the clock.
var clocks = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTimer": true, "NewTicker": true,
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

// list asks the go command for the module's packages.
func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ps []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 10 {
		t.Fatalf("go list found %d packages; the module has more", len(ps))
	}
	return ps
}

func TestImportsGoDown(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t) {
		seen[p.ImportPath] = true
		floor, ok := floors[p.ImportPath]
		if !ok {
			t.Errorf("%s stands on no floor: add it to floors, with a decision note if it is a new noun", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "weir") || strings.Contains(imp, ".") {
				continue
			}
			if low, ok := floors[imp]; !ok || low >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors may be imported", p.ImportPath, floor, imp, low)
			}
		}
	}
	for path := range floors {
		if !seen[path] {
			t.Errorf("floors lists %s, which does not exist", path)
		}
	}
}

// TestTheMapIsTrue holds the map in doc.go against floors: each package that does
// not measure or test has its line, with its floor.
func TestTheMapIsTrue(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]int{}
	for _, line := range regexp.MustCompile(`(?m)^//\t(\S+) +(\d)  \S`).FindAllSubmatch(text, -1) {
		drawn["weir/"+string(line[1])] = int(line[2][0] - '0')
	}
	for path, floor := range floors {
		if drawnAt, ok := drawn[path]; ok && drawnAt != floor {
			t.Errorf("doc.go draws %s on floor %d; it stands on %d", path, drawnAt, floor)
		} else if !ok && path != "weir" && !strings.HasSuffix(path, "bench") && !strings.HasSuffix(path, "test") {
			t.Errorf("%s is missing on the map in doc.go", path)
		}
	}
	for path := range drawn {
		if _, ok := floors[path]; !ok {
			t.Errorf("doc.go draws %s, which does not exist", path)
		}
	}
}

func TestPurePackagesDecideOnly(t *testing.T) {
	byPath := map[string]listed{}
	for _, p := range list(t) {
		byPath[p.ImportPath] = p
	}
	for _, path := range pure {
		p := byPath[path]
		for _, imp := range p.Imports {
			if root, _, _ := strings.Cut(imp, "/"); (root == "net" || root == "os") && imp != "net/netip" { // addresses are values
				t.Errorf("%s imports %s: a pure package touches neither files nor network", path, imp)
			}
		}
		for _, name := range p.GoFiles {
			for _, bad := range clockCalls(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s/%s: %s: a pure package takes now", path, name, bad)
			}
		}
	}
}

// clockCalls finds where a file reads or waits for the clock.
func clockCalls(t *testing.T, file string) []string {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && clocks[s.Sel.Name] {
				found = append(found, "line "+set.Position(n.Pos()).String()[len(file)+1:]+" calls time."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestClockCallsAreFound(t *testing.T) {
	if len(clockCalls(t, "testdata/clock.go.txt")) != 2 {
		t.Error("the clock check misses a call of time.Now or time.Sleep")
	}
}
