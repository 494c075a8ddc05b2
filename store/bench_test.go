package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"weir/store"
)

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			f, err := store.Open(filepath.Join(b.TempDir(), "bench.db"), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			b.ReportAllocs()
			var wg sync.WaitGroup
			value := make([]byte, 200)
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					for i := w; i < b.N; i += writers {
						err := f.Commit(context.Background(), store.Batch{
							{Bucket: "log", Key: store.Key(uint64(w)*7919, uint64(i)), Value: value},
							{Bucket: "head", Key: store.Key(uint64(w) * 7919), Value: store.Key(uint64(i))},
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			s := f.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deltas/s")
			b.ReportMetric(float64(s.Fsyncs)/float64(s.Batches), "fsyncs/delta")
			b.Log(s.Groups, s.Size)
		})
	}
}
