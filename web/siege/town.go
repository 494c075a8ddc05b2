package siege

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weir/wavelet"
	"weir/wavelet/client"
	"weir/wavelet/richtext"
)

// stroke is how long a typist waits between two edits, at least.
const stroke = 100 * time.Millisecond

// patience is how long an honest person waits for the server before she takes it
// for dead.
const patience = time.Minute

// siegeTime is how much longer than a phase an attack may take until it has sent
// what it has to.
const siegeTime = 5 * time.Minute

// town is the people who work on the server.
type town struct {
	target  Target
	typists []*typist
	watch   *http.Client
}

// typist writes numbers in a message of her own, each once.
type typist struct {
	client *client.Client
	open   *client.Wavelet
	blip   wavelet.BlipID
	next   int // the number to write; those before it are acknowledged
}

// settle has the typists come, and make the wavelet they write in.
func settle(ctx context.Context, t Target, o Options) (_ *town, err error) {
	v := &town{target: t, watch: &http.Client{Timeout: o.Answer}}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	var name wavelet.Name
	for i := range o.Typists {
		who := wavelet.Participant(fmt.Sprintf("typist%d@example.com", i))
		c, err := client.Dial(ctx, t.URL, client.Options{User: who})
		if err != nil {
			return nil, err
		}
		p := &typist{client: c, blip: wavelet.NewBlipID()}
		v.typists = append(v.typists, p)
		if i == 0 {
			if name, err = c.CreateWave(ctx, "What is typed under siege"); err != nil {
				return nil, err
			}
		} else if err := v.typists[0].client.AddParticipant(ctx, name, who, wavelet.Full, false); err != nil {
			return nil, err
		}
		if p.open, err = c.Open(ctx, name); err != nil {
			return nil, err
		}
		if err := p.open.Publish(ctx, wavelet.CreateBlip{Blip: p.blip}); err != nil {
			return nil, err
		}
		if err := p.open.Wait(ctx); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *town) close() {
	for _, p := range v.typists {
		_ = p.client.Close()
	}
	v.watch.CloseIdleConnections()
}

// live has everybody work for so long, beside the besieger if there is one. The
// error is that of people who could not work on.
func (v *town) live(ctx context.Context, d time.Duration, b *besieger) (Course, error) {
	var c Course
	before, err := v.refused(ctx)
	if err != nil {
		return c, err
	}
	start := time.Now()
	phase, done := context.WithCancel(ctx)
	defer done()
	var attack sync.WaitGroup
	if b != nil {
		attack.Go(func() {
			if err := b.lay(phase); err != nil {
				c.Failed = err.Error()
			}
		})
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		delays []time.Duration
		wrong  []error
	)
	until := func() bool {
		passed := time.Since(start)
		return passed >= d && (b == nil || b.enough() || passed > d+siegeTime) || phase.Err() != nil
	}
	c.Slowest = 1 << 30
	for _, p := range v.typists {
		wg.Go(func() {
			mine, err := p.work(phase, until)
			mu.Lock()
			defer mu.Unlock()
			delays = append(delays, mine...)
			c.Slowest = min(c.Slowest, len(mine))
			if err != nil {
				wrong = append(wrong, err)
			}
		})
	}
	wg.Go(func() { c.Asked, c.Unwell, c.Resident = v.keepWatch(phase, until) })
	wg.Wait()
	c.Took, c.Acked = time.Since(start), len(delays)
	done()
	attack.Wait()
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	if err := errors.Join(wrong...); err != nil {
		return c, err
	}
	slices.Sort(delays)
	c.P50, c.P99 = delays[len(delays)/2], delays[len(delays)*99/100]
	after, err := v.refused(ctx)
	if err != nil {
		return c, err
	}
	c.Refused = map[string]int64{}
	for k, n := range after {
		if n -= before[k]; n > 0 {
			c.Refused[k] = n
		}
	}
	if b != nil {
		c.Sent, c.Turned = b.sent.Load(), b.turned.Load()
	}
	return c, nil
}

// work writes one number after the other, and returns how long each took to be
// acknowledged. At least one is written.
func (p *typist) work(ctx context.Context, until func() bool) ([]time.Duration, error) {
	pace := time.NewTicker(stroke)
	defer pace.Stop()
	var delays []time.Duration
	for len(delays) == 0 || !until() {
		asked, cancel := context.WithTimeoutCause(ctx, patience, errors.New("an edit was not acknowledged within "+patience.String()))
		begin := time.Now()
		err := p.open.Edit(asked, p.blip, richtext.Delta{}.Insert(strconv.Itoa(p.next)+" ", richtext.Attributes{}))
		if err == nil {
			err = p.open.Wait(asked)
		}
		cancel()
		if err != nil {
			return delays, fmt.Errorf("%s: %w", p.client.User(), err)
		}
		delays = append(delays, time.Since(begin))
		p.next++
		select {
		case <-pace.C:
		case <-ctx.Done():
			return delays, nil
		}
	}
	return delays, nil
}

// keepWatch asks for the server's health and looks at its memory.
func (v *town) keepWatch(ctx context.Context, until func() bool) (asked, unwell int, resident int64) {
	pace := time.NewTicker(stroke)
	defer pace.Stop()
	for asked == 0 || !until() {
		asked++
		if status, _, err := v.get(ctx, "/healthz"); err != nil || status != http.StatusOK {
			unwell++
		}
		if v.target.Resident != nil {
			if n, err := v.target.Resident(); err == nil {
				resident = max(resident, n)
			}
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return asked, unwell, resident
		}
	}
	return asked, unwell, resident
}

func (v *town) get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.target.URL+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := v.watch.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	return resp.StatusCode, string(body), err
}

// refused is what the server has turned away so far, by "layer reason".
func (v *town) refused(ctx context.Context) (map[string]int64, error) {
	_, text, err := v.get(ctx, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	counts := map[string]int64{}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, `weir_edge_refused_total{layer="`)
		layer, rest, ok2 := strings.Cut(rest, `",reason="`)
		reason, value, ok3 := strings.Cut(rest, `"} `)
		if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); ok && ok2 && ok3 && err == nil {
			counts[layer+" "+reason] += int64(n)
		}
	}
	return counts, nil
}

// count reads the wavelet anew and looks for everything that was acknowledged.
func (v *town) count(ctx context.Context) (typed, lost int, err error) {
	name := v.typists[0].open.Name()
	c, err := client.Dial(ctx, v.target.URL, client.Options{User: v.typists[0].client.User()})
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	w, err := c.Open(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	s := w.State()
	for _, p := range v.typists {
		b, ok := s.Blip(p.blip)
		if !ok {
			return 0, 0, fmt.Errorf("the message of %s is gone", p.client.User())
		}
		there := map[string]int{}
		for _, word := range strings.Fields(b.Doc.Text()) {
			there[word]++
		}
		for i := range p.next {
			if there[strconv.Itoa(i)] != 1 {
				lost++
			}
		}
		typed += p.next
	}
	return typed, lost, nil
}
