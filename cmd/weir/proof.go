package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/governor"
	"weir/robots"
	"weir/robots/kit"
	"weir/wavelet"
)

// loop sets the robots off and waits until one of them is out.
func (d *drill) loop(ctx context.Context) error {
	line := fmt.Sprintf("A drill of the guard, begun at %s.", time.Now().UTC().Format(time.DateTime))
	if err := d.api.call(ctx, http.MethodPost, d.path+"/blips", map[string]string{"text": line}, nil); err != nil {
		return fmt.Errorf("write the line: %w", err)
	}
	fmt.Fprintf(d.story, "%s     %s\n", short(d.me), line)
	seen, err := d.watch(ctx)
	if err != nil {
		return err
	}
	decision, err := d.decision(ctx)
	if err != nil {
		return err
	}
	d.report.took(decision)
	d.report.NoticeS = max(0, seen.Sub(decision.Time)).Round(time.Millisecond).Seconds()
	select {
	case <-time.After(afterwards):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.count(ctx, decision.Robot); err != nil {
		return err
	}
	d.report.judge(d.cmd.Notice)
	return d.refused(ctx, decision.Robot)
}

// watch waits, as a person who has the wavelet open, for the notice. It returns
// when that was seen, by the server's clock: of all commits the one that came
// fastest tells how far the two clocks are apart.
func (d *drill) watch(ctx context.Context) (time.Time, error) {
	late := time.NewTimer(d.cmd.Timeout)
	defer late.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	apart := time.Duration(1<<63 - 1)
	for {
		now, state := time.Now(), d.wave.State()
		apart = min(apart, now.Sub(state.Modified()))
		for b := range state.Blips() {
			if b.Creator != d.me && !d.of(b.Creator) {
				d.report.Notice = strings.TrimSpace(b.Doc.Text())
				return now.Add(-apart), nil
			}
		}
		select {
		case <-d.wave.Changes():
		case <-look.C:
			if err := d.called(ctx); err != nil {
				return time.Time{}, err
			}
		case <-late.C:
			return time.Time{}, d.overdue(ctx)
		case <-d.person.Done():
			return time.Time{}, fmt.Errorf("the connection ended: %w", d.person.Err())
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// of reports whether p is one of the pair.
func (d *drill) of(p wavelet.Participant) bool {
	return slices.ContainsFunc(d.pair, func(r loopRobot) bool { return r.id == p })
}

// called checks that the server reaches the pair.
func (d *drill) called(ctx context.Context) error {
	for _, r := range d.pair {
		var now robots.Robot
		if err := d.api.call(ctx, http.MethodGet, robotPath(string(r.id)), nil, &now); err != nil {
			return err
		}
		if now.LastError != "" {
			return unreachable(errors.New(now.LastError))
		}
	}
	return nil
}

// overdue says what the governor did instead of evicting.
func (d *drill) overdue(ctx context.Context) error {
	err := fmt.Errorf("no robot was evicted within %s: THE GUARD IS OFF", brief(d.cmd.Timeout))
	list, failed := d.decisions(ctx)
	for _, x := range list {
		err = fmt.Errorf("%w; the governor decided: %s", err, x.Reason())
	}
	return errors.Join(err, failed)
}

// decisions is what the governor decided in the wavelet, the newest first.
func (d *drill) decisions(ctx context.Context) ([]governor.Decision, error) {
	var list struct {
		Decisions []governor.Decision `json:"decisions"`
	}
	err := d.api.call(ctx, http.MethodGet, "/api/v1/decisions?limit=100&wavelet="+url.QueryEscape(d.name.String()), nil, &list)
	return list.Decisions, err
}

// decision is the eviction.
func (d *drill) decision(ctx context.Context) (governor.Decision, error) {
	list, err := d.decisions(ctx)
	for _, x := range list {
		if x.Action == string(governor.Evict) && !x.DryRun && d.of(x.Robot) {
			return x, nil
		}
	}
	if err == nil {
		err = errors.New("the decision log does not have the eviction")
	}
	return governor.Decision{}, err
}

// count measures the loop by the wavelet's history, in which the server has
// dated and labelled every commit.
func (d *drill) count(ctx context.Context, evicted wavelet.Participant) error {
	var began, out time.Time
	for from, more := wavelet.Version(0), true; more; {
		page, err := d.wave.History(ctx, from, 0)
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		for _, c := range page.Commits {
			author := wavelet.Participant(c.Author)
			switch {
			case d.of(author) && !out.IsZero() && author == evicted:
				d.report.fail(fmt.Errorf("%s wrote at %s, after its eviction", evicted, c.At.Format(time.TimeOnly)))
			case d.of(author) && c.Depth > 1:
				d.report.Wasted++
				if began.IsZero() {
					began = c.At
				}
			case !d.of(author) && author != d.me:
				out = c.At
			}
		}
		from, more = page.Next, page.Next != 0
	}
	d.report.StopS = out.Sub(began).Round(time.Millisecond).Seconds()
	return nil
}

// refused has the evicted robot write by its own call, which must be refused.
func (d *drill) refused(ctx context.Context, evicted wavelet.Participant) error {
	i := slices.IndexFunc(d.pair, func(r loopRobot) bool { return r.id == evicted })
	late := kit.NewReply(d.name.Wave, d.name.Wavelet)
	late.Append("This comes too late.")
	var results []kit.Result
	err := (api{url: d.api.url, token: d.pair[i].key}).call(ctx, http.MethodPost, "/robot/rpc", late.Operations(), &results)
	switch refusal, ok := errors.AsType[*problem](err); {
	case ok && refusal.Status == http.StatusForbidden:
		d.report.Refused = refusal.Error()
	case err != nil:
		return fmt.Errorf("write as %s: %w", evicted, err)
	case len(results) != 1 || results[0].Error == nil:
		return fmt.Errorf("%s wrote after its eviction and was not refused", evicted)
	default:
		d.report.Refused = results[0].Error.Message
	}
	return nil
}
