package host

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"weir/store"
	"weir/wavelet"
)

// Durable deltas per second: so many writers, all in one wavelet or each in one
// of its own, over a file that is synced.
func BenchmarkSubmit(b *testing.B) {
	for _, c := range []struct{ writers, wavelets int }{{1, 1}, {16, 1}, {16, 16}, {128, 1}, {128, 128}} {
		b.Run(fmt.Sprintf("writers=%d/wavelets=%d", c.writers, c.wavelets), func(b *testing.B) {
			benchmarkSubmit(b, c.writers, c.wavelets)
		})
	}
}

func benchmarkSubmit(b *testing.B, writers, wavelets int) {
	file := opened(b, store.Options{})
	h := began(b, NewStoreLog(file), Options{})
	for i := range wavelets {
		founded(b, h, named(strconv.Itoa(i)), "x")
	}
	before := file.Stats()
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			base := wavelet.Version(1)
			for i := 0; i < b.N/writers+1; i++ {
				c := submit(b, h, named(strconv.Itoa(w%wavelets)), edit(fmt.Sprintf("w%d/%d", w, i), base, insert(0, "y")))
				base = c.Version
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	after := file.Stats()
	deltas := float64(writers * (b.N/writers + 1))
	b.ReportMetric(deltas/b.Elapsed().Seconds(), "deltas/s")
	b.ReportMetric(float64(after.Fsyncs-before.Fsyncs)/deltas, "fsyncs/delta")
}

// What a delta costs in the host itself, with a store that costs little.
func BenchmarkSubmitInMemory(b *testing.B) {
	h := began(b, NewMemoryLog(), Options{})
	founded(b, h, plans, "x")
	v := wavelet.Version(1)
	b.ReportAllocs()
	for b.Loop() {
		v = submit(b, h, plans, edit(fmt.Sprintf("%09d", v), v, insert(0, "y"))).Version
	}
}

// Opening a wavelet of a million versions.
func BenchmarkOpenMillion(b *testing.B) {
	log := NewStoreLog(opened(b, store.Options{NoSync: true}))
	long(b, log, plans, 1_000_000)
	b.ResetTimer()
	for b.Loop() {
		h := New(log, Options{})
		if v := at(b, h, plans, Head).Version(); v != 1_000_000 {
			b.Fatalf("version %d", v)
		}
		h.abandon()
		_ = h.Close(context.Background())
	}
}

// A snapshot of the head, of a version in memory, and of one that is not.
func BenchmarkSnapshot(b *testing.B) {
	log := NewStoreLog(opened(b, store.Options{NoSync: true}))
	long(b, log, plans, 20_000)
	h := began(b, log, Options{})
	at(b, h, plans, Head)
	for _, back := range []wavelet.Version{0, 30, 300, 9_000} {
		b.Run(fmt.Sprint("back=", back), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				at(b, h, plans, 20_000-back)
			}
		})
	}
}

// Memory held by an open wavelet of a few lines.
func BenchmarkOpenWavelets(b *testing.B) {
	const n = 2000
	log := NewMemoryLog()
	for i := range n {
		long(b, log, named(strconv.Itoa(i)), 20)
	}
	for b.Loop() {
		h := New(log, Options{})
		before := heap()
		for i := range n {
			at(b, h, named(strconv.Itoa(i)), Head)
		}
		b.ReportMetric(float64(heap()-before)/n, "B/wavelet")
		h.abandon()
		_ = h.Close(context.Background())
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
