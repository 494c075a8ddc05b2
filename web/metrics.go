package web

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weir/gateway"
)

// metrics is GET /metrics. Everything is read when it is asked for; nothing is
// counted twice.
func (s *Server) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector reads the counters of the edge and of the gateway.
type collector struct{ s *Server }

// figure is one metric without labels, or of one robot.
type figure struct {
	name, help string
	kind       prometheus.ValueType
}

func counter(name, help string) figure { return figure{name, help, prometheus.CounterValue} }
func gauge(name, help string) figure   { return figure{name, help, prometheus.GaugeValue} }

// Describe declares nothing in advance: the set of robots changes.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads everything once.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	emit := func(f figure, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(f.name, f.help, nil, nil), f.kind, v)
	}
	n := &c.s.counters
	emit(gauge("weir_sockets_open", "People's sockets that are open."), float64(c.s.sockets.count()))
	emit(gauge("weir_traces_open", "Readers that trace a person or a robot."), float64(c.s.traces.n.Load()))
	emit(gauge("weir_connections_open", "Connections to the server, of any kind."), float64(c.s.gate.total.Active()))
	emit(gauge("weir_connections_maximum", "How many there may be; 0: any number."), float64(c.s.gate.total.Maximum()))
	emit(gauge("weir_connected_addresses", "Network addresses that they come from; of IPv6 a /64 is one."), float64(c.s.gate.addresses.Len()))
	emit(gauge("weir_connected_users", "People with an open socket."), float64(c.s.gate.people.Len()))
	emit(counter("weir_tickets_total", "Tickets given by POST /connect."), float64(n.tickets.Load()))
	emit(counter("weir_connects_refused_total", "Refusals of POST /connect."), float64(n.denied.Load()))
	emit(counter("weir_frames_total", "Frames received from clients."), float64(n.frames.Load()))
	emit(counter("weir_frames_malformed_total", "Frames that could not be read or carried out as written."), float64(n.malformed.Load()))
	emit(counter("weir_published_total", "Deltas accepted from sockets, resubmissions included."), float64(n.published.Load()))
	emit(counter("weir_resyncs_total", "Subscriptions cut because their socket was too slow."), float64(n.resyncs.Load()))
	emit(counter("weir_sockets_slow_total", "Sockets closed because their client did not read."), float64(n.slow.Load()))
	refused := prometheus.NewDesc("weir_edge_refused_total", "What was turned away at the edge, by the layer that did it and why.", []string{"layer", "reason"}, nil)
	c.s.refusals.each(func(layer, reason string, v uint64) {
		out <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(v), layer, reason)
	})
	p := &c.s.hub.presence
	emit(gauge("weir_presence_connections", "Wavelets that are open on sockets, once for each of both."), float64(p.connections.Load()))
	emit(gauge("weir_presence_watchers", "Those of them whose client is told who comes and goes."), float64(p.watchers.Load()))
	emit(gauge("weir_presence_sockets_hidden", "Sockets that answer no ping, whose people are not shown."), float64(p.hidden.Load()))
	emit(counter("weir_presence_sockets_lost_total", "Sockets closed because nothing was heard from them."), float64(p.lost.Load()))
	emit(counter("weir_presence_cursors_total", "Cursors set by clients."), float64(p.cursors.Load()))
	emit(counter("weir_presence_pushes_total", "Presence pushes queued, once for each socket."), float64(p.pushes.Load()))
	emit(counter("weir_presence_skipped_total", "Presence pushes put off because the socket had no room."), float64(p.skipped.Load()))
	over := prometheus.NewDesc("weir_commands_refused_total", "Commands over a limit, by layer and operation; those of a dry run were let through.", []string{"layer", "op", "dry_run"}, nil)
	c.s.limits.each(func(layer, op string, dry bool, v uint64) {
		out <- prometheus.MustNewConstMetric(over, prometheus.CounterValue, float64(v), layer, op, strconv.FormatBool(dry))
	})
	work := c.s.d.Work.Stats()
	emit(gauge("weir_concurrency_limit", "Places for work: robots' operations, import, export, search, history and trying policies."), work.Limit)
	emit(gauge("weir_concurrency_in_flight", "Places that are taken."), float64(work.InFlight))
	emit(gauge("weir_concurrency_waiting", "Pieces of work that wait for a place."), float64(work.Waiting))
	if b := c.s.d.Bodies; b != nil {
		emit(gauge("weir_bodies_held_bytes", "Bytes of large bodies in memory."), float64(b.Held()))
		emit(gauge("weir_bodies_max_bytes", "How many there may be."), float64(b.Size()))
		emit(gauge("weir_bodies_waiting", "Large bodies that wait for room."), float64(b.Waiting()))
	}
	c.s.queueMetrics(emit)
	h := c.s.d.Host.Stats()
	emit(gauge("weir_wavelets_open", "Wavelets in memory."), float64(h.Open))
	emit(counter("weir_commits_total", "Deltas committed, by whatever door."), float64(h.Commits))
	emit(counter("weir_duplicates_total", "Submissions answered with an earlier commit."), float64(h.Duplicates))
	emit(counter("weir_empty_total", "Submissions that came to nothing."), float64(h.Empty))
	emit(counter("weir_refused_total", "Submissions that were refused."), float64(h.Refused))
	emit(counter("weir_failed_total", "Valid submissions that could not be written."), float64(h.Failed))
	emit(counter("weir_snapshots_total", "Snapshots written."), float64(h.Snapshots))
	g := c.s.d.Gateway.Stats()
	emit(gauge("weir_seats", "Robots in wavelets."), float64(g.Seats))
	emit(gauge("weir_bundles_in_flight", "Bundles on their way to a robot."), float64(g.InFlight))
	emit(counter("weir_decisions_total", "Decisions of the governor."), float64(g.Decisions))
	log := c.s.d.Gateway.Decisions().Stats()
	emit(gauge("weir_decisions_kept", "Decisions in the log."), float64(log.Last+1-log.First))
	emit(counter("weir_decisions_lost_total", "Decisions that could not be written."), float64(log.Lost))
	if t := c.s.d.Traffic; t != nil {
		st := t.Stats()
		emit(counter("weir_traffic_rows_total", "Rows of traffic, for trying policies."), float64(st.Rows))
		emit(counter("weir_traffic_lost_total", "Rows that the disk did not keep up with."), float64(st.Lost))
		emit(gauge("weir_traffic_bytes", "Bytes of traffic that are kept."), float64(st.Bytes))
	}
	emit(gauge("weir_decision_streams_open", "Readers that follow the decisions."), float64(c.s.streams.Load()))
	emit(counter("weir_checkpoints_total", "Savings of the governor's counts."), float64(g.Checkpoints))
	emit(counter("weir_save_errors_total", "Savings that failed and were tried again."), float64(g.SaveErrors))
	for i := range g.Robots {
		c.robot(out, &g.Robots[i])
	}
}

// robot emits one robot's figures.
func (c *collector) robot(out chan<- prometheus.Metric, r *gateway.RobotStats) {
	emit := func(f figure, v float64, labels ...string) {
		names, values := []string{"robot"}, []string{string(r.Robot)}
		if len(labels) > 0 {
			names, values = append(names, labels[0]), append(values, labels[1])
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(f.name, f.help, names, nil), f.kind, v, values...)
	}
	bundles := counter("weir_robot_bundles_total", "Bundles delivered, each counted once.")
	emit(bundles, float64(r.HumanBundles), "lane", "human")
	emit(bundles, float64(r.RobotBundles), "lane", "robot")
	emit(counter("weir_robot_raw_deltas_total", "Deltas merged into the bundles delivered."), float64(r.RawDeltas))
	emit(counter("weir_robot_events_total", "Events delivered."), float64(r.Events))
	emit(counter("weir_robot_silent_windows_total", "Windows in which nothing had changed in the end."), float64(r.Silent))
	emit(counter("weir_robot_answers_total", "Bundles whose response changed a wavelet."), float64(r.Answered))
	emit(counter("weir_robot_deltas_committed_total", "Deltas of the robot, by whatever door."), float64(r.Committed))
	emit(counter("weir_robot_deltas_refused_total", "Deltas of the robot that were refused."), float64(r.Refused))
	emit(counter("weir_robot_calls_total", "Requests to the active and data API."), float64(r.Calls))
	emit(counter("weir_robot_calls_refused_total", "Requests to the active and data API that were refused."), float64(r.CallsRefused))
	emit(counter("weir_robot_retries_total", "Deliveries that were not the first of their bundle."), float64(r.Retries))
	emit(counter("weir_robot_failures_total", "Deliveries that failed."), float64(r.Failures))
	emit(counter("weir_robot_warnings_total", "Warnings that the robot comes near a limit."), float64(r.Warnings))
	emit(counter("weir_robot_holds_total", "Deliveries put off by the governor."), float64(r.Holds))
	emit(counter("weir_robot_evictions_total", "Evictions of the robot."), float64(r.Evictions))
	tokens := counter("weir_robot_tokens_void_total", "Tokens of bundles that were worth nothing.")
	emit(tokens, float64(r.Tokens.Forged), "reason", "forged")
	emit(tokens, float64(r.Tokens.Replayed), "reason", "replayed")
	emit(tokens, float64(r.Tokens.Stale), "reason", "stale")
	emit(gauge("weir_robot_seats", "Wavelets the robot takes part in."), float64(r.Seats))
	emit(gauge("weir_robot_waiting_deltas", "Deltas the robot has not been told of."), float64(r.Waiting))
	emit(gauge("weir_robot_bundles_in_flight", "Bundles on their way to the robot."), float64(r.InFlight))
	emit(gauge("weir_robot_open_breakers", "Seats whose breaker is open."), float64(r.OpenBreakers))
	emit(gauge("weir_robot_banned_seats", "Wavelets the robot was put out of."), float64(r.Banned))
	emit(gauge("weir_robot_depth", "Robot generations since a human, of the latest answer, in the deepest seat."), float64(r.Depth))
	emit(gauge("weir_robot_response_ratio", "Answered share of bundles over the shortest window, in the highest seat."), r.Ratio)
	emit(counter("weir_robot_lag_seconds_total", "Time from the first delta of a human-lane bundle until it was sent, added up."), r.LagSum.Seconds())
	emit(gauge("weir_robot_lag_max_seconds", "The longest such time."), r.LagMax.Seconds())
}
