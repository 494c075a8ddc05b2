package policies

import "time"

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// profileFields is every plain key of a profile, in the order they are shown.
// The lists ratio, sustained and dry_run are read and written apart.
func profileFields() []field[Profile] {
	return []field[Profile]{
		line("about", func(p *Profile) *string { return &p.About }),
		durations("pace.min_interval", 0, time.Minute, func(p *Profile) *time.Duration { return &p.Pace.MinInterval }),
		durations("pace.merge", 0, time.Minute, func(p *Profile) *time.Duration { return &p.Pace.Merge }),
		durations("burst.interval", 0, time.Minute, func(p *Profile) *time.Duration { return &p.Burst.Interval }),
		whole("burst.waiting", 0, 10_000, func(p *Profile) *int { return &p.Burst.Waiting }),
		flag("burst.merge", func(p *Profile) *bool { return &p.Burst.Merge }),
		durations("limits_query.window", time.Second, hour, func(p *Profile) *time.Duration { return &p.LimitsQuery.Window }),
		whole("limits_query.max", 1, 60_000, func(p *Profile) *int { return &p.LimitsQuery.Max }),
		whole("depth.warn", 0, 1000, func(p *Profile) *int { return &p.Depth.Warn }),
		whole("depth.act", 0, 1000, func(p *Profile) *int { return &p.Depth.Act }),
		whole("depth.slow_from", 0, 1000, func(p *Profile) *int { return &p.Depth.SlowFrom }),
		durations("depth.slow_step", 0, time.Minute, func(p *Profile) *time.Duration { return &p.Depth.SlowStep }),
		durations("depth.slow_max", 0, hour, func(p *Profile) *time.Duration { return &p.Depth.SlowMax }),
		whole("amplification.per_cause", 0, 100_000, func(p *Profile) *int { return &p.Amplification.PerCause }),
		durations("human.within", 0, day, func(p *Profile) *time.Duration { return &p.Human.Within }),
		whole("hold.depth", 0, 1000, func(p *Profile) *int { return &p.Hold.Depth }),
		durations("hold.min_for", 0, hour, func(p *Profile) *time.Duration { return &p.Hold.MinFor }),
		durations("hold.max_for", time.Second, hour, func(p *Profile) *time.Duration { return &p.Hold.MaxFor }),
		durations("remote.gap", 0, hour, func(p *Profile) *time.Duration { return &p.Remote.Gap }),
		whole("remote.score", 0, 1000, func(p *Profile) *int { return &p.Remote.Score }),
		whole("remote.penalty", 0, 1000, func(p *Profile) *int { return &p.Remote.Penalty }),
		durations("remote.hold", time.Second, hour, func(p *Profile) *time.Duration { return &p.Remote.Hold }),
		whole("remote.holds", 1, 10, func(p *Profile) *int { return &p.Remote.Holds }),
		whole("remote.writes", 1, 1000, func(p *Profile) *int { return &p.Remote.Writes }),
		word("action", func(p *Profile) *Action { return &p.Action }, ActionEvict, ActionCut),
		durations("cooldown", 0, 30*day, func(p *Profile) *time.Duration { return &p.Cooldown }),
		word("readmit", func(p *Profile) *Readmit { return &p.Readmit }, ReadmitHuman, ReadmitAuto, ReadmitNever),
		whole("max_connections", 0, 1_000_000, func(p *Profile) *int { return &p.MaxConnections }),
		share("warn_at", func(p *Profile) *float64 { return &p.WarnAt }),
		durations("delivery.timeout", 100*time.Millisecond, 10*time.Minute, func(p *Profile) *time.Duration { return &p.Delivery.Timeout }),
		whole("delivery.max_body", 1024, 64<<20, func(p *Profile) *int { return &p.Delivery.MaxBody }),
		whole("delivery.max_ops", 1, 100_000, func(p *Profile) *int { return &p.Delivery.MaxOps }),
		whole("delivery.attempts", 1, 100, func(p *Profile) *int { return &p.Delivery.Attempts }),
		durations("delivery.backoff", 10*time.Millisecond, hour, func(p *Profile) *time.Duration { return &p.Delivery.Backoff }),
		durations("delivery.max_wait", 10*time.Millisecond, day, func(p *Profile) *time.Duration { return &p.Delivery.MaxWait }),
	}
}

// ratioFields is every key of an item of ratio. Windows go up to an hour: a
// seat keeps 6 bytes for each tenth of a second with a delivery in the longest.
func ratioFields() []field[Ratio] {
	return []field[Ratio]{
		durations("window", time.Second, hour, func(r *Ratio) *time.Duration { return &r.Window }),
		share("max", func(r *Ratio) *float64 { return &r.Max }),
		whole("min_events", 1, 100_000, func(r *Ratio) *int { return &r.MinEvents }),
		word("count", func(r *Ratio) *Count { return &r.Count }, CountAll, CountCycle),
		word("respond", func(r *Ratio) *Response { return &r.Respond }, RespondShow, RespondWarn, RespondAct),
	}
}

// sustainedFields is every key of an item of sustained.
func sustainedFields() []field[Sustained] {
	return []field[Sustained]{
		durations("window", time.Second, hour, func(s *Sustained) *time.Duration { return &s.Window }),
		whole("max", 1, 1_000_000, func(s *Sustained) *int { return &s.Max }),
	}
}

// rules lists the names that dry_run may hold, besides those of single windows
// such as ratio2m.
func rules() []string {
	return []string{"ratio", "robotRatio", "burst", "sustained", "depth", "amplification", "human", "hold", "remote", "limitsQuery"}
}
