package main

import (
	"fmt"
	"time"
)

// verify sets the switches for going over to encryption. The library reads them for each packet.
func (p *peer) verify(c command) {
	if c.Incoming != nil {
		p.config.GossipVerifyIncoming = *c.Incoming
	}
	if c.Outgoing != nil {
		p.config.GossipVerifyOutgoing = *c.Outgoing
	}
}

// flow is a stream of numbered user messages to all other members.
type flow struct {
	stop chan struct{}
	done chan struct{}
	sent map[string]int
}

// startFlow sends "NAME N" with N = 1, 2, ... to each other member, one in each interval.
func (p *peer) startFlow(interval time.Duration) {
	f := &flow{stop: make(chan struct{}), done: make(chan struct{}), sent: map[string]int{}}
	p.flow = f
	go func() {
		defer close(f.done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-f.stop:
				return
			case <-ticker.C:
			}
			for _, n := range p.list.Members() {
				if n.Name == p.name {
					continue
				}
				text := fmt.Sprintf("%s %d", p.name, f.sent[n.Name]+1)
				if p.list.SendBestEffort(n, []byte(text)) == nil {
					f.sent[n.Name]++
				}
			}
		}
	}()
}

func (p *peer) stopFlow() map[string]int {
	close(p.flow.stop)
	<-p.flow.done
	return p.flow.sent
}
