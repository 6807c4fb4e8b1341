// The Go library's side of bench/crowd.cpp: the same members, the same measures, one process.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	patience = 120 * time.Second
	settled  = 60 * time.Second // news of the joins have spread
	measured = 30 * time.Second // the steady state
)

func fatal(text ...any) {
	fmt.Fprintln(os.Stderr, text...)
	os.Exit(1)
}

func processorSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// How often a thread has waited for something.
func waits() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		fatal(err)
	}
	return float64(used.Nvcsw)
}

func residentKiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			size, _ := strconv.ParseFloat(fields[1], 64)
			return size
		}
	}
	return 0
}

func start(count int) []*memberlist.Memberlist {
	var members []*memberlist.Memberlist
	for i := 0; i < count; i++ {
		config := memberlist.DefaultLANConfig()
		config.Name = fmt.Sprintf("member-%d", i)
		config.BindAddr = "127.0.0.1"
		config.BindPort = 0
		config.Logger = log.New(io.Discard, "", 0)
		member, err := memberlist.Create(config)
		if err != nil {
			fatal(err)
		}
		members = append(members, member)
		if i == 0 {
			continue
		}
		if _, err := member.Join([]string{members[0].LocalNode().Address()}); err != nil {
			fatal(err)
		}
	}
	return members
}

func waitUntilAllSeeAll(members []*memberlist.Memberlist) {
	deadline := time.Now().Add(patience)
	for _, member := range members {
		for member.NumMembers() != len(members) {
			if time.Now().After(deadline) {
				fatal("not all see all after", patience)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func main() {
	count := 256
	if len(os.Args) > 1 {
		given, err := strconv.Atoi(os.Args[1])
		if err != nil || given < 2 || given > 100000 {
			fatal("usage: crowd [MEMBERS]")
		}
		count = given
	}
	residentBefore := residentKiB()
	began := time.Now()
	members := start(count)
	waitUntilAllSeeAll(members)
	fmt.Printf("all_see_all_s=%.1f\n", time.Since(began).Seconds())
	fmt.Printf("start_cpu_ms_per_member=%.2f\n", processorSeconds()*1e3/float64(count))

	time.Sleep(settled)
	usedBefore := processorSeconds()
	waitsBefore := waits()
	time.Sleep(measured)
	eachSecond := float64(count) * measured.Seconds()
	fmt.Printf("steady_cpu_us_per_member_second=%.0f\n", (processorSeconds()-usedBefore)*1e6/eachSecond)
	fmt.Printf("wakeups_per_member_second=%.1f\n", (waits()-waitsBefore)/eachSecond)
	fmt.Printf("resident_kib_per_member=%.0f\n", (residentKiB()-residentBefore)/float64(count))
}
