package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/store"
)

// BenchmarkCommit commits deltas of 200 bytes from one writer and from many.
// What the disk allows at the same time is in package storebench.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			f := openFile(b, filepath.Join(b.TempDir(), "bench.db"), store.Options{})
			defer f.Close()
			value := make([]byte, 200)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					document := uint64(w+1) * 0x9e3779b97f4a7c15
					for i := w; i < b.N; i += writers {
						err := f.Commit(context.Background(), store.Batch{
							{Bucket: "log", Key: store.Key(document, uint64(i)), Value: value},
							{Bucket: "head", Key: store.Key(document), Value: store.Key(uint64(i))},
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
		})
	}
}

// BenchmarkScan reads 100,000 records of 200 bytes, copied and checked, beside
// a bbolt cursor that only looks at them.
func BenchmarkScan(b *testing.B) {
	const records = 100_000
	f := openFile(b, filepath.Join(b.TempDir(), "bench.db"), store.Options{NoSync: true})
	defer f.Close()
	var batch store.Batch
	for i := range uint64(records) {
		batch = append(batch, store.Write{Bucket: "log", Key: store.Key(1, i), Value: make([]byte, 200)})
	}
	if err := f.Commit(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var ratios []float64
	var scanning time.Duration
	for b.Loop() {
		start, n := time.Now(), 0
		for _, err := range f.Scan("log", nil, nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		scan := time.Since(start)
		if n != records {
			b.Fatalf("%d records", n)
		}
		start = time.Now()
		f.Walk("log")
		ratios = append(ratios, float64(scan)/float64(time.Since(start)))
		scanning += scan
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "times-bbolt")
	b.ReportMetric(float64(scanning.Nanoseconds())/float64(b.N)/records, "ns/record")
}

// BenchmarkGet reads one record of 200 bytes out of 100,000.
func BenchmarkGet(b *testing.B) {
	const records = 100_000
	f := openFile(b, filepath.Join(b.TempDir(), "bench.db"), store.Options{NoSync: true})
	defer f.Close()
	var batch store.Batch
	for i := range uint64(records) {
		batch = append(batch, store.Write{Bucket: "log", Key: store.Key(1, i), Value: make([]byte, 200)})
	}
	if err := f.Commit(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i = (i + 7919) % records
		if _, err := f.Get("log", store.Key(1, i)); err != nil {
			b.Fatal(err)
		}
	}
}
