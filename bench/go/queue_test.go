package memberlistbench

import (
	"testing"

	"github.com/hashicorp/memberlist"
)

type news struct {
	name    string
	message []byte
}

func (n *news) Name() string { return n.name }
func (n *news) Invalidates(other memberlist.Broadcast) bool {
	named, ok := other.(memberlist.NamedBroadcast)
	return ok && named.Name() == n.name
}
func (n *news) Message() []byte { return n.message }
func (n *news) Finished()       {}

const queued = 10000

// A queue with news about 10,000 members, whose messages never end.
func fullQueue() (*memberlist.TransmitLimitedQueue, []*news) {
	queue := &memberlist.TransmitLimitedQueue{
		NumNodes:       func() int { return queued },
		RetransmitMult: 1 << 40,
	}
	all := make([]*news, queued)
	for i := range all {
		all[i] = &news{memberName(i), aliveMessage(i, firstIncarnation)}
		queue.QueueBroadcast(all[i])
	}
	return queue, all
}

func BenchmarkQueueBroadcast10000(b *testing.B) {
	queue, all := fullQueue()
	meter := startMeter(b)
	defer meter.report()
	at := 0
	for i := 0; i < b.N; i++ {
		// Like our queue, with a copy of its own of the name and the bytes.
		queue.QueueBroadcast(&news{all[at].name, append([]byte(nil), all[at].message...)})
		at = (at + 7919) % queued
	}
	if queue.NumQueued() != queued {
		b.Fatal("messages were not replaced")
	}
}

func BenchmarkTakePacket10000(b *testing.B) {
	queue, _ := fullQueue()
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		if len(queue.GetBroadcasts(2, packetBytes)) == 0 {
			b.Fatal("nothing to send")
		}
	}
}
