package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// queueState is the answer of GET /admission.
type queueState struct {
	Enabled   bool              `json:"enabled" doc:"Whether anybody has to wait at all."`
	Capacity  float64           `json:"capacity" doc:"Sessions that can be begun in a second."`
	Length    int               `json:"length" doc:"Turns that were given and have not come."`
	ETAMS     int64             `json:"eta_ms" doc:"How long somebody would wait who came now."`
	Parked    int               `json:"parked" doc:"Requests that are kept until their turn."`
	Pending   int               `json:"pending" doc:"Sessions that were begun and do not stand yet."`
	Most      int               `json:"pending_max" doc:"How many may be; 0: any number."`
	Peak      int               `json:"pending_peak" doc:"The most that were pending at a time since the start."`
	Admitted  uint64            `json:"admitted" doc:"Sessions let in since the start."`
	Early     uint64            `json:"early" doc:"Of them, before their turn, because there was little to do."`
	Abandoned uint64            `json:"abandoned" doc:"Of them, those that never came."`
	Refused   map[string]uint64 `json:"refused" doc:"Refusals since the start, by reason."`
	Signal    queueSignal       `json:"signal" doc:"What was read off the machine in the last quarter of a second."`
}

type queueSignal struct {
	Pressed            bool    `json:"pressed" doc:"A trigger says that the machine is overloaded."`
	SchedulerLatencyMS float64 `json:"scheduler_latency_ms" doc:"99th percentile of how long a goroutine waits for a processor; 0: too few samples."`
	Samples            uint64  `json:"samples" doc:"Goroutines that were scheduled."`
	Runnable           float64 `json:"runnable" doc:"Goroutines that wait for a processor, to a processor."`
	CPUShare           float64 `json:"cpu_share" doc:"Of the processors, used by the server."`
}

// queueRoutes are the calls about the queue.
func (s *Server) queueRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/admission", "show-admission", "Show who waits to be let in, and why", "admin"),
		asAdmin(s, func(context.Context, *struct{}) (*body[queueState], error) {
			return answer(s.queueState(), nil)
		}))
}

func (s *Server) queueState() queueState {
	q := s.queue.State(time.Now())
	out := queueState{
		Enabled: q.Enabled, Capacity: q.Capacity, Length: q.Waiting, ETAMS: q.ETA.Milliseconds(), Parked: q.Parked, Pending: q.Pending, Most: q.MaxPending, Peak: q.Peak,
		Admitted: q.Admitted, Early: q.Early, Abandoned: q.Abandoned, Refused: map[string]uint64{},
		Signal: queueSignal{q.Pressed, float64(q.Reading.SchedulerLatency) / float64(time.Millisecond), q.Reading.Samples, q.Reading.Runnable, q.Reading.CPUShare},
	}
	s.refusals.each(func(layer, reason string, n uint64) {
		if layer == "queue" {
			out.Refused[reason] = n
		}
	})
	return out
}

// queueMetrics emits the figures of the queue.
func (s *Server) queueMetrics(emit func(figure, float64)) {
	q := s.queue.State(time.Now())
	pressed := 0.0
	if q.Pressed {
		pressed = 1
	}
	emit(gauge("weir_queue_length", "Turns that were given to newcomers and have not come."), float64(q.Waiting))
	emit(gauge("weir_queue_eta_seconds", "How long somebody would wait who came now."), q.ETA.Seconds())
	emit(gauge("weir_queue_parked", "Requests that are kept until their turn."), float64(q.Parked))
	emit(gauge("weir_queue_pending", "Sessions that were begun and do not stand yet."), float64(q.Pending))
	emit(gauge("weir_queue_pending_max", "How many may be; 0: any number."), float64(q.MaxPending))
	emit(gauge("weir_queue_capacity", "Sessions that can be begun in a second, as configured."), q.Capacity)
	emit(counter("weir_queue_admitted_total", "Sessions let in."), float64(q.Admitted))
	emit(counter("weir_queue_early_total", "Sessions let in before their turn, because there was little to do."), float64(q.Early))
	emit(counter("weir_queue_abandoned_total", "Sessions let in that never came."), float64(q.Abandoned))
	emit(gauge("weir_queue_pressed", "1 while a signal says that the machine is overloaded."), pressed)
	emit(gauge("weir_queue_scheduler_latency_seconds", "99th percentile of how long a goroutine waits for a processor; 0: too few samples."), q.Reading.SchedulerLatency.Seconds())
	emit(gauge("weir_queue_runnable", "Goroutines that wait for a processor, to a processor."), q.Reading.Runnable)
	emit(gauge("weir_queue_cpu_share", "Of the processors, used by the server."), q.Reading.CPUShare)
}
