package memberlistbench

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/hashicorp/memberlist"
)

const states = 10000

// Told of the user state of a push/pull when its members are merged.
type mergeCounter struct{ *counter }

func (c mergeCounter) NodeMeta(int) []byte             { return nil }
func (c mergeCounter) NotifyMsg([]byte)                {}
func (c mergeCounter) GetBroadcasts(_, _ int) [][]byte { return nil }
func (c mergeCounter) LocalState(bool) []byte          { return nil }
func (c mergeCounter) MergeRemoteState([]byte, bool)   { c.add() }

// A member that peers have push/pulls with.
type merger struct {
	list      *memberlist.Memberlist
	transport *memoryTransport
	merged    mergeCounter
	events    eventCounter
}

func newMerger(b *testing.B, compressed bool) *merger {
	m := &merger{transport: newTransport(), merged: mergeCounter{newCounter()}, events: eventCounter{newCounter()}}
	config := quietConfig(m.transport)
	config.EnableCompression = compressed
	config.Delegate = m.merged
	config.Events = m.events
	m.list = create(b, config)
	return m
}

// Returns when all of the message is merged and all of the answer is read.
func (m *merger) exchange(b *testing.B, message []byte) {
	m.merged.expect(1)
	ours, theirs := net.Pipe()
	m.transport.streams <- theirs
	if _, err := ours.Write(message); err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, ours); err != nil {
		b.Fatal(err)
	}
	ours.Close()
	m.merged.wait(b)
}

// Each state is newer and has other meta data.
func BenchmarkMerge10000New(b *testing.B) {
	m := newMerger(b, false)
	defer m.list.Shutdown()
	m.exchange(b, pushPull(states, firstIncarnation))
	before := m.events.seen.Load()
	meter := startMeter(b)
	for i := 0; i < b.N; i++ {
		meter.pause()
		message := pushPull(states, firstIncarnation+1+uint32(i))
		b.SetBytes(int64(len(message)))
		meter.resume()
		m.exchange(b, message)
	}
	meter.report()
	if got := m.events.seen.Load() - before; got != int64(states*b.N) {
		b.Fatalf("%d updates instead of %d", got, states*b.N)
	}
}

// Nothing is new.
func BenchmarkMerge10000Known(b *testing.B) {
	m := newMerger(b, false)
	defer m.list.Shutdown()
	message := pushPull(states, firstIncarnation)
	m.exchange(b, message)
	b.SetBytes(int64(len(message)))
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		m.exchange(b, message)
	}
}

func heldBytes() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// All is new, as after a join; and the memory that is held then.
func BenchmarkMerge10000Empty(b *testing.B) {
	message := pushPull(states, firstIncarnation)
	b.SetBytes(int64(len(message)))
	var held int64
	meter := startMeter(b)
	for i := 0; i < b.N; i++ {
		meter.pause()
		m := newMerger(b, false)
		before := heldBytes()
		meter.resume()
		m.exchange(b, message)
		meter.pause()
		held = heldBytes() - before
		if got := m.list.NumMembers(); got != states+1 {
			b.Fatalf("%d members instead of %d", got, states+1)
		}
		m.list.Shutdown()
		meter.resume()
	}
	meter.report()
	b.ReportMetric(float64(held), "held-B")
}

// The answer to a push/pull, about 10,000 members.
func encodeState(b *testing.B, compressed bool) {
	m := newMerger(b, compressed)
	defer m.list.Shutdown()
	m.exchange(b, pushPull(states, firstIncarnation))
	request := pushPull(0, firstIncarnation)
	meter := startMeter(b)
	for i := 0; i < b.N; i++ {
		m.exchange(b, request)
	}
	meter.report()
	checkAnswer(b, m)
}

// Another member joins with it, and knows all.
func checkAnswer(b *testing.B, m *merger) {
	transport := newTransport()
	transport.dial = func() (net.Conn, error) {
		ours, theirs := net.Pipe()
		m.transport.streams <- theirs
		return ours, nil
	}
	config := quietConfig(transport)
	config.Name = "joiner"
	list := create(b, config)
	defer list.Shutdown()
	if _, err := list.Join([]string{"10.0.0.0"}); err != nil {
		b.Fatal(err)
	}
	if got := list.NumMembers(); got != states+2 {
		b.Fatalf("%d members instead of %d", got, states+2)
	}
}

func BenchmarkEncodeState10000(b *testing.B)    { encodeState(b, false) }
func BenchmarkEncodeState10000Lzw(b *testing.B) { encodeState(b, true) }
