package main

import "testing"

func TestAFullQueueIsShown(t *testing.T) {
	q := queueState{
		Enabled: true, Length: 900, ETAMS: 1800, Parked: 7, Pending: 50, Peak: 61, Admitted: 1000, Early: 3, Abandoned: 2,
		Refused: map[string]uint64{"queue": 40, "full": 2},
	}
	q.Signal.Pressed, q.Signal.SchedulerLatencyMS, q.Signal.Runnable, q.Signal.CPUShare = true, 21.25, 4.5, 0.97
	want := `# queue: 900 wait, 7 of them parked; who comes now waits 1.8s
# pending: 50 of any number, 61 at the most so far
# admitted: 1000, 3 of them early; 2 never came
# refused: full 2, queue 40
# machine: overloaded; scheduler latency 21.2 ms, 4.5 runnable to a processor, 97 % of the processors used
`
	if got := q.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
