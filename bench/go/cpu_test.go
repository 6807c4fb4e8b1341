package memberlistbench

import (
	"syscall"
	"testing"
	"time"
)

// Measures the processor time that the process takes, over all its threads and with the garbage
// collector's share, and reports it as cpu-ns/op. Unlike the time of the clock it says the same on
// a busy machine.
type cpuMeter struct {
	b     *testing.B
	since time.Duration
	spent time.Duration
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Starts the benchmark's timer as well.
func startMeter(b *testing.B) *cpuMeter {
	b.ReportAllocs()
	b.ResetTimer()
	return &cpuMeter{b: b, since: cpuTime()}
}

func (m *cpuMeter) pause() {
	m.b.StopTimer()
	m.spent += cpuTime() - m.since
}

func (m *cpuMeter) resume() {
	m.since = cpuTime()
	m.b.StartTimer()
}

func (m *cpuMeter) report() {
	m.pause()
	m.b.ReportMetric(float64(m.spent.Nanoseconds())/float64(m.b.N), "cpu-ns/op")
}
