package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"weir/admission"
	"weir/admission/bounds"
	"weir/robots"
	"weir/wavelet"
)

// emitted is the names of the metrics of a server on which everything has
// happened at least once that makes one appear.
func emitted(t *testing.T) map[string]bool {
	t.Helper()
	config, err := admission.Parse([]byte("client_command_rate_limit: {enabled: true, total: {buckets: [{interval: 1h, rate: 2}]}}\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	h := plan{admission: &config, bodies: bounds.NewBodies(bounds.BodiesOptions{})}.build(t)
	if _, _, err := h.directory.Register(t.Context(), robots.Registration{Address: "echo@example.com"}); err != nil {
		t.Fatal(err)
	}
	h.wave(wavelet.Participant("echo@example.com"))
	w := h.raw(ann)
	for range 4 {
		w.say(`{"id":2,"op":"ping"}`)
		w.hear()
	}
	h.rest("", http.MethodPost, "/connect", "{}")
	names := map[string]bool{"up": true} // Prometheus' own
	until(t, "the robot shows in the metrics", func() bool {
		_, _, text := h.rest("", http.MethodGet, "/metrics", "")
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, _, _ = strings.Cut(name, " ")
				names[name] = true
			}
		}
		return names["weir_robot_depth"]
	})
	return names
}

// named finds the metrics in an expression: words that are no functions,
// keywords or labels.
var (
	labels   = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|ignoring) \([^)]*\)`)
	words    = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*\b( *\()?`)
	keywords = map[string]bool{"and": true, "or": true, "unless": true}
)

func metricsIn(expr string) []string {
	var names []string
	for _, word := range words.FindAllString(labels.ReplaceAllString(expr, ""), -1) {
		if !strings.HasSuffix(word, "(") && !keywords[word] {
			names = append(names, word)
		}
	}
	return names
}

// checkExpr wants metrics in an expression, all of them emitted, and brackets
// that close.
func checkExpr(t *testing.T, where, expr string, known map[string]bool) {
	t.Helper()
	found := metricsIn(expr)
	if len(found) == 0 {
		t.Errorf("%s: no metric in %q", where, expr)
	}
	for _, name := range found {
		if !known[name] {
			t.Errorf("%s: the server emits no metric %s", where, name)
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			t.Errorf("%s: %q does not close its %s", where, expr, pair)
		}
	}
}

func document(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "monitoring", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestMonitoringKnowsTheMetrics reads the alerts and the dashboard strictly, and
// looks every metric up in what a server emits.
func TestMonitoringKnowsTheMetrics(t *testing.T) {
	known := emitted(t)
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(document(t, "alerts.yaml"), &rules, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range rules.Groups[0].Rules {
		checkExpr(t, r.Alert, r.Expr, known)
		if _, err := time.ParseDuration(r.For); r.For != "" && err != nil || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || seen[r.Alert] {
			t.Errorf("alert %s: %+v", r.Alert, r)
		}
		seen[r.Alert] = true
	}
	if len(seen) < 5 {
		t.Errorf("%d alerts", len(seen))
	}

	var board struct {
		Title, UID    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID          int
			Type, Title string
			Datasource  struct{ Type, UID string }
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(document(t, "dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || board.SchemaVersion < 30 || len(board.Panels) < 5 {
		t.Errorf("the dashboard: %q, %q, schema %d, %d panels", board.Title, board.UID, board.SchemaVersion, len(board.Panels))
	}
	variables := map[string]bool{}
	for _, v := range board.Templating.List {
		variables[v.Name] = true
	}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.ID == 0 || p.Type == "" || p.Title == "" || p.Datasource.Type != "prometheus" || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 || len(p.Targets) == 0 {
			t.Errorf("panel %q: %+v", p.Title, p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			checkExpr(t, p.Title, target.Expr, known)
			if target.RefID == "" || strings.Contains(target.Expr, "$instance") && !variables["instance"] {
				t.Errorf("panel %q: %+v", p.Title, target)
			}
		}
	}
	if !variables["datasource"] {
		t.Error("the dashboard asks for no data source")
	}
}

func TestMetricsAreFoundInExpressions(t *testing.T) {
	got := metricsIn(`sum by (layer, reason) (rate(a_total{instance=~"$instance"}[5m])) > 0.8 * b and c > 0`)
	if strings.Join(got, " ") != "a_total b c" {
		t.Errorf("found %v", got)
	}
}
