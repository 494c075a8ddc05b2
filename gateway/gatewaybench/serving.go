package gatewaybench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"weir"
)

// gaps are how long people wait between two keystrokes: for each step of a
// twentieth of all keystrokes, the longest wait. They are those of an author
// whose writing was recorded to the millisecond.
var gaps = [20]time.Duration{ // milliseconds
	53, 67, 76, 85, 94, 104, 114, 125, 136, 149, 164, 183, 207, 236, 270, 330, 430, 769, 1970, 4000,
}

// grace is how much longer than asked for is typed, at most, on a machine so busy
// that robots have been told nothing yet.
const grace = time.Minute

// typing types at a stand for so long, and until the robot that is served has been
// told twice, its gaps divided by scale. It returns how many keystrokes that were.
func typing(ctx context.Context, s *stand, d time.Duration, scale float64) (int, error) {
	rnd := rand.New(rand.NewPCG(1, 2))
	n, base := 0, s.opened
	for began := time.Now(); time.Since(began) < d || time.Since(began) < d+grace && s.told() < 2; n++ {
		var err error
		if base, err = s.typed(ctx, base); err != nil {
			return n, err
		}
		gap := gaps[rnd.IntN(len(gaps))] * time.Millisecond
		select {
		case <-time.After(time.Duration(float64(gap) / scale)):
		case <-ctx.Done():
			return n, context.Cause(ctx)
		}
	}
	return n, nil
}

// scale is how much faster than the real clock people type and the gateway runs
// where only counts and gaps matter.
const scale = 10

// merging has one person type to one robot, and looks at the bundles.
func merging(ctx context.Context, o Options) (rows []weir.Figure, err error) {
	err = withStand(ctx, 0, scale, func(ctx context.Context, s *stand) error {
		typed, err := typing(ctx, s, o.Phase, scale)
		if err != nil {
			return err
		}
		got, err := s.settled(ctx)
		if err != nil {
			return err
		}
		least := time.Hour
		for i := 1; i < len(got); i++ {
			least = min(least, got[i].at.Sub(got[i-1].at)*scale)
		}
		rows = []weir.Figure{
			{Name: "bundles per delta typed", Value: float64(len(got)) / float64(typed), Unit: "x", Bar: 0.5, HasBar: true, Measured: len(got) > 1,
				Note: fmt.Sprintf("%d bundles for %d deltas", len(got), typed)},
			{Name: "shortest gap between two bundles", Value: least.Seconds() * 1000, Unit: "ms", Bar: 0.9 * paceMS, HasBar: true, AtLeast: true, Measured: len(got) > 1,
				Note: "by the gateway's clock, at the robot's end of an HTTP connection, whose own delay is in it"},
		}
		return nil
	})
	return rows, err
}

// paceMS is the pace of the default profile.
const paceMS = 500

// hanging has one robot served alone, and then beside fifty that hang.
func hanging(ctx context.Context, o Options) ([]weir.Figure, error) {
	var p95 [2]float64
	for i, hung := range []int{0, 50} {
		err := withStand(ctx, hung, 1, func(ctx context.Context, s *stand) error {
			if _, err := typing(ctx, s, o.Phase, 1); err != nil {
				return err
			}
			got, err := s.settled(ctx)
			if err != nil {
				return err
			}
			delays := make([]time.Duration, 0, len(got))
			for _, a := range got {
				delays = append(delays, a.delay)
			}
			if len(delays) == 0 {
				return fmt.Errorf("the robot was sent nothing in %v", o.Phase+grace)
			}
			p95[i] = quantile(delays, 0.95).Seconds() * 1000
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []weir.Figure{
		{Name: "keystroke to robot, p95, alone", Value: p95[0], Unit: "ms", Measured: true, Note: "500 ms of it are the merging"},
		{Name: "keystroke to robot, p95, beside 50 that hang", Value: p95[1], Unit: "ms", Measured: true},
		{Name: "delay that 50 hanging robots add", Value: p95[1] - p95[0], Unit: "ms", Bar: paceMS, HasBar: true, Measured: true},
	}, nil
}
