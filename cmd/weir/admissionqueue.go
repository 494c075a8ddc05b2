package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// queueState is what the server says of those who wait to be let in.
type queueState struct {
	Enabled   bool              `json:"enabled"`
	Capacity  float64           `json:"capacity"`
	Length    int               `json:"length"`
	ETAMS     int64             `json:"eta_ms"`
	Parked    int               `json:"parked"`
	Pending   int               `json:"pending"`
	Most      int               `json:"pending_max"`
	Peak      int               `json:"pending_peak"`
	Admitted  uint64            `json:"admitted"`
	Early     uint64            `json:"early"`
	Abandoned uint64            `json:"abandoned"`
	Refused   map[string]uint64 `json:"refused"`
	Signal    struct {
		Pressed            bool    `json:"pressed"`
		SchedulerLatencyMS float64 `json:"scheduler_latency_ms"`
		Samples            uint64  `json:"samples"`
		Runnable           float64 `json:"runnable"`
		CPUShare           float64 `json:"cpu_share"`
	} `json:"signal"`
}

// String is the state as comments of a YAML file.
func (q *queueState) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "# "+format+"\n", args...) }
	switch eta := time.Duration(q.ETAMS) * time.Millisecond; {
	case !q.Enabled:
		line("queue: off, nobody waits")
	case eta > 0:
		line("queue: %d wait, %d of them parked; who comes now waits %v", q.Length, q.Parked, eta)
	default:
		line("queue: %d wait, %d of them parked; who comes now has his turn at once", q.Length, q.Parked)
	}
	most := "any number"
	if q.Most > 0 {
		most = fmt.Sprint(q.Most)
	}
	line("pending: %d of %s, %d at the most so far", q.Pending, most, q.Peak)
	line("admitted: %d, %d of them early; %d never came", q.Admitted, q.Early, q.Abandoned)
	var refused []string
	for _, reason := range slices.Sorted(maps.Keys(q.Refused)) {
		refused = append(refused, fmt.Sprintf("%s %d", reason, q.Refused[reason]))
	}
	if refused == nil {
		refused = []string{"nobody"}
	}
	line("refused: %s", strings.Join(refused, ", "))
	busy := "no sign of overload"
	if q.Signal.Pressed {
		busy = "overloaded"
	}
	line("machine: %s; scheduler latency %.1f ms, %.1f runnable to a processor, %.0f %% of the processors used",
		busy, q.Signal.SchedulerLatencyMS, q.Signal.Runnable, 100*q.Signal.CPUShare)
	return b.String()
}
