# weir: make demo shows an echo loop being caught; make test proves the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export GOFLAGS := -buildvcs=false

.PHONY: demo test lint unit race bench scenarios fuzz soak build clean

demo: build
	bin/weir demo echo-loop $(ARGS)

build:
	go build -o bin/weir ./cmd/weir

test: lint unit race

lint:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

# Everything once, but for what takes long: less than three minutes on two cores.
unit:
	go test -short -shuffle=on ./...

# All of it, under the race detector. Two packages have nothing that runs
# concurrently, and are computed through in unit.
race:
	go test -race -shuffle=on -parallel 4 -timeout 15m $$(go list ./... | grep -vxE 'weir/(sim|wavelet/richtext)')

# Every benchmark prints its figures beside their bars; exit 1 if one is missed.
bench: build
	@status=0; for name in engine store governor gateway storm goodput caps limits siege; do \
		bin/weir bench $$name || status=$$?; done; exit $$status

# What the governor catches and misses, beside other guards: every scenario in
# every variant. A quarter of an hour of processor time; make scenarios ARGS=--json
scenarios: build
	bin/weir bench scenarios $(ARGS) sim/testdata/scenarios/*.yaml

# A short run of every fuzz target: FUZZTIME=10m make fuzz for a long one.
FUZZTIME ?= 10s
fuzz:
	@go list -f '{{.ImportPath}}{{range .TestGoFiles}} {{.}}{{end}}{{range .XTestGoFiles}} {{.}}{{end}}' ./... | cut -d' ' -f1 | while read -r pkg; do \
		go test -list '^Fuzz' "$$pkg" | { grep '^Fuzz' || true; } | while read -r target; do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; done; done

# The long form of the convergence tests: 200 seeds of whole traces.
soak:
	WEIR_SOAK=1 go test -run Converge -timeout 3h -v ./web/...

vuln:
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

clean:
	rm -rf bin
