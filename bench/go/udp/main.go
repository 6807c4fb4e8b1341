// The Go library's side of bench/udp.cpp: the same messages, the same measures.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	payloadBytes = 64
	batch        = 32
	drained      = 300 * time.Millisecond // after the last packet was sent
)

func fatal(text ...any) {
	fmt.Fprintln(os.Stderr, text...)
	os.Exit(1)
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// What has arrived, and when.
type arrivals struct {
	count       atomic.Int64
	first, last atomic.Int64
}

func (a *arrivals) NotifyMsg([]byte) {
	now := time.Now().UnixNano()
	if a.count.Add(1) == 1 {
		a.first.Store(now)
	}
	a.last.Store(now)
}
func (a *arrivals) NodeMeta(int) []byte             { return nil }
func (a *arrivals) GetBroadcasts(_, _ int) [][]byte { return nil }
func (a *arrivals) LocalState(bool) []byte          { return nil }
func (a *arrivals) MergeRemoteState([]byte, bool)   {}

func create(name string, delegate memberlist.Delegate) *memberlist.Memberlist {
	config := memberlist.DefaultLANConfig()
	config.Name = name
	config.BindAddr = "127.0.0.1"
	config.BindPort = 0
	config.EnableCompression = false // it is not what is measured
	config.Logger = log.New(io.Discard, "", 0)
	config.Delegate = delegate
	list, err := memberlist.Create(config)
	if err != nil {
		fatal(err)
	}
	return list
}

// The receiving process: says its port, and what has arrived once the other has ended its input.
func receive() {
	var seen arrivals
	list := create("receiver", &seen)
	before := processorTime()
	fmt.Println(list.LocalNode().Port)
	io.Copy(io.Discard, os.Stdin)
	time.Sleep(drained)
	count := seen.count.Load()
	took := time.Duration(seen.last.Load() - seen.first.Load())
	fmt.Println(count, float64(count)/took.Seconds(), (processorTime() - before).Nanoseconds())
}

// send returns how many messages it has sent: as many as it can, or so many a second.
func send(list *memberlist.Memberlist, port uint16, rate, seconds float64) int {
	to := &memberlist.Node{Name: "receiver", Addr: net.IPv4(127, 0, 0, 1), Port: port}
	payload := make([]byte, payloadBytes)
	for i := range payload {
		payload[i] = 'x'
	}
	sent := 0
	for began := time.Now(); ; {
		elapsed := time.Since(began).Seconds()
		if elapsed >= seconds {
			return sent
		}
		due := batch
		if rate > 0 {
			due = min(batch, int(elapsed*rate)+1-sent)
		}
		for ; due > 0; due-- {
			if err := list.SendBestEffort(to, payload); err != nil {
				fatal(err)
			}
			sent++
		}
		if rate > 0 {
			time.Sleep(time.Duration(float64(sent)/rate*1e9) - time.Since(began))
		}
	}
}

func main() {
	receiver := flag.Bool("receiver", false, "the other process of a run")
	rate := flag.Float64("rate", 0, "packets a second; 0: as many as can be")
	seconds := flag.Float64("seconds", 1, "how long to send")
	flag.Parse()
	if *receiver {
		receive()
		return
	}
	other := exec.Command(os.Args[0], "-receiver")
	other.Stderr = os.Stderr
	end, err := other.StdinPipe()
	if err != nil {
		fatal(err)
	}
	told, err := other.StdoutPipe()
	if err != nil {
		fatal(err)
	}
	if err := other.Start(); err != nil {
		fatal(err)
	}
	var port uint16
	if _, err := fmt.Fscan(told, &port); err != nil {
		fatal(err)
	}
	list := create("sender", nil)
	before := processorTime()
	sent := send(list, port, *rate, *seconds)
	used := processorTime() - before
	end.Close()
	var count, took int64
	var perSecond float64
	if _, err := fmt.Fscan(told, &count, &perSecond, &took); err != nil {
		fatal(err)
	}
	other.Wait()
	if count == 0 {
		fatal("nothing has arrived")
	}
	fmt.Printf("receive_ns=%d send_ns=%d per_second=%.0f lost_percent=%.2f\n", took/count,
		used.Nanoseconds()/int64(sent), perSecond, (1-float64(count)/float64(sent))*100)
}
