package memberlistbench

import (
	"net"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// Lets as many packets out as are asked for; the goroutine that sends one more has to wait.
type gate struct {
	open chan int
	done chan struct{}
	left int
	last []byte
}

func (g *gate) pass(packet []byte) {
	for g.left == 0 {
		g.left = <-g.open
	}
	g.left--
	g.last = packet
	if g.left == 0 {
		g.done <- struct{}{}
	}
}

// So many packets leave the queue full: each message is sent twenty times, in packets of thirteen.
const packetsBeforeRefill = 9000

// Gossip with 10,000 broadcasts of 98 bytes in the queue and as many members to send to, as fast as the
// library can, three packets a tick. One operation is a packet.
func sendPacket(b *testing.B, how wrapping) {
	out := &gate{open: make(chan int), done: make(chan struct{}, 1)}
	transport := newTransport()
	transport.sent = out.pass
	config := quietConfig(transport)
	how.configure(config)
	config.GossipInterval = time.Nanosecond
	config.GossipNodes = 3
	alive := aliveCounter{newCounter()}
	config.Alive = alive
	list := create(b, config)
	source := &alivePackets{members: queued, short: true, wrapping: how}
	refill := func() {
		for sent := 0; sent < queued; sent += source.parts() {
			alive.expect(source.parts())
			transport.packets <- packetFromPeer(source.next())
			alive.wait(b)
		}
		out.open <- config.GossipNodes // among them one from before the queue was full
		<-out.done
	}
	refill()
	meter := startMeter(b)
	for left := b.N; left > 0; left -= packetsBeforeRefill {
		if left < b.N {
			meter.pause()
			refill()
			meter.resume()
		}
		out.open <- min(left, packetsBeforeRefill)
		<-out.done
	}
	meter.report()
	last := out.last
	out.open <- 1 << 62 // the rest is not counted
	list.Shutdown()
	checkUnderstood(b, how, last)
}

func packetFromPeer(packet []byte) *memberlist.Packet {
	from := &net.UDPAddr{IP: net.IPv4(10, 0, 0, 0), Port: 7946}
	return &memberlist.Packet{Buf: packet, From: from, Timestamp: time.Now()}
}

// Another member learns of as many as a packet is to hold.
func checkUnderstood(b *testing.B, how wrapping, packet []byte) {
	transport := newTransport()
	config := quietConfig(transport)
	how.configure(config)
	alive := aliveCounter{newCounter()}
	config.Alive = alive
	list := create(b, config)
	defer list.Shutdown()
	alive.expect(10)
	transport.packets <- packetFromPeer(append([]byte(nil), packet...))
	alive.wait(b)
}

func BenchmarkSendPacketPlain(b *testing.B)     { sendPacket(b, wrapping{}) }
func BenchmarkSendPacketEncrypted(b *testing.B) { sendPacket(b, wrapping{encrypted: true}) }
func BenchmarkSendPacketFull(b *testing.B) {
	sendPacket(b, wrapping{compressed: true, encrypted: true, label: "bench"})
}
