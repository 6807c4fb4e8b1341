package memberlistbench

import (
	"errors"
	"io"
	"log"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// A transport in memory: what the benchmark puts in comes out at the library, what the library
// sends is dropped.
type memoryTransport struct {
	packets chan *memberlist.Packet
	streams chan net.Conn
	sent    func(packet []byte)      // if not nil
	dial    func() (net.Conn, error) // if not nil
}

func (t *memoryTransport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(192, 168, 0, 1), 7946, nil
}
func (t *memoryTransport) WriteTo(packet []byte, _ string) (time.Time, error) {
	if t.sent != nil {
		t.sent(packet)
	}
	return time.Now(), nil
}
func (t *memoryTransport) PacketCh() <-chan *memberlist.Packet { return t.packets }
func (t *memoryTransport) DialTimeout(string, time.Duration) (net.Conn, error) {
	if t.dial != nil {
		return t.dial()
	}
	return nil, errors.New("there is nobody to dial")
}
func (t *memoryTransport) StreamCh() <-chan net.Conn { return t.streams }
func (t *memoryTransport) Shutdown() error           { return nil }

// Tells when the library has got as far as it is waited for.
type counter struct {
	seen, target atomic.Int64
	reached      chan struct{}
}

func newCounter() *counter { return &counter{reached: make(chan struct{}, 1)} }
func (c *counter) expect(more int) {
	c.target.Store(c.seen.Load() + int64(more))
}
func (c *counter) add() {
	if c.seen.Add(1) == c.target.Load() {
		c.reached <- struct{}{}
	}
}
func (c *counter) wait(b *testing.B) {
	select {
	case <-c.reached:
	case <-time.After(20 * time.Second):
		b.Fatal("the library did not take in what it was sent")
	}
}

// Asked about each alive message right before it is taken over.
type aliveCounter struct{ *counter }

func (c aliveCounter) NotifyAlive(*memberlist.Node) error {
	c.add()
	return nil
}

// Told of each join and each change of meta data.
type eventCounter struct{ *counter }

func (c eventCounter) NotifyJoin(*memberlist.Node)   { c.add() }
func (c eventCounter) NotifyLeave(*memberlist.Node)  {}
func (c eventCounter) NotifyUpdate(*memberlist.Node) { c.add() }

// A member that does nothing by itself: no probes, no gossip.
func quietConfig(transport memberlist.Transport) *memberlist.Config {
	config := memberlist.DefaultLANConfig()
	config.Name = "self"
	config.Transport = transport
	config.Logger = log.New(io.Discard, "", 0)
	config.ProbeInterval = time.Hour
	config.ProbeTimeout = time.Minute
	config.GossipInterval = 0
	config.PushPullInterval = 0
	config.TCPTimeout = time.Minute
	return config
}

func newTransport() *memoryTransport {
	return &memoryTransport{packets: make(chan *memberlist.Packet, 64), streams: make(chan net.Conn)}
}

func create(b *testing.B, config *memberlist.Config) *memberlist.Memberlist {
	list, err := memberlist.Create(config)
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func (w wrapping) configure(config *memberlist.Config) {
	config.EnableCompression = w.compressed
	config.Label = w.label
	if w.encrypted {
		config.SecretKey = key
	}
}

func ingest(b *testing.B, how wrapping, stale bool) {
	const members = 1000
	const batch = 1024 // packets made ahead, outside the measured time
	const burst = 32   // packets under way at once; their messages fit the hand-off queue
	transport := newTransport()
	config := quietConfig(transport)
	how.configure(config)
	alive := aliveCounter{newCounter()}
	config.Alive = alive
	list := create(b, config)
	defer list.Shutdown()
	source := &alivePackets{members: members, wrapping: how}
	from := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 0), Port: 7946}
	var heard, packets [][]byte
	refill := func() {
		if stale {
			packets = heard
			return
		}
		packets = packets[:0]
		for i := 0; i < batch; i++ {
			packets = append(packets, source.next())
		}
	}
	feed := func(some [][]byte) {
		alive.expect(len(some) * source.parts())
		for _, packet := range some {
			transport.packets <- &memberlist.Packet{Buf: packet, From: from, Timestamp: time.Now()}
		}
		alive.wait(b)
	}
	for source.messages < 2*members {
		heard = append(heard, source.next())
		feed(heard[len(heard)-1:])
	}
	if got := list.NumMembers(); got != members+1 {
		b.Fatalf("%d members instead of %d", got, members+1)
	}
	refill()
	b.SetBytes(int64(2 + source.parts()*(len(aliveMessage(0, firstIncarnation))+2)))
	meter := startMeter(b)
	defer meter.report()
	for left := b.N; left > 0; {
		if len(packets) == 0 {
			meter.pause()
			refill()
			meter.resume()
		}
		n := min(burst, left, len(packets))
		feed(packets[:n])
		packets = packets[n:]
		left -= n
	}
}

func BenchmarkIngestPlain(b *testing.B)      { ingest(b, wrapping{}, false) }
func BenchmarkIngestPlainStale(b *testing.B) { ingest(b, wrapping{}, true) }
func BenchmarkIngestEncrypted(b *testing.B)  { ingest(b, wrapping{encrypted: true}, false) }
func BenchmarkIngestFull(b *testing.B) {
	ingest(b, wrapping{compressed: true, encrypted: true, label: "bench"}, false)
}
