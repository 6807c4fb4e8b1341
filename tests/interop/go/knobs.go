package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// setting is one --set KNOB=VALUE.
type setting struct{ knob, value string }

type settings []setting

func (s *settings) String() string { return fmt.Sprint(*s) }
func (s *settings) Set(text string) error {
	knob, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is not KNOB=VALUE", text)
	}
	*s = append(*s, setting{knob, value})
	return nil
}

// apply sets a knob by the name that it has in the program under test, so that a test writes its
// timings once for both.
func apply(c *memberlist.Config, knob, value string) error {
	durations := map[string]*time.Duration{
		"tcp_timeout":             &c.TCPTimeout,
		"push_pull_interval":      &c.PushPullInterval,
		"probe_timeout":           &c.ProbeTimeout,
		"probe_interval":          &c.ProbeInterval,
		"gossip_interval":         &c.GossipInterval,
		"gossip_to_the_dead_time": &c.GossipToTheDeadTime,
		"dead_node_reclaim_time":  &c.DeadNodeReclaimTime,
	}
	counts := map[string]*int{
		"indirect_checks":            &c.IndirectChecks,
		"retransmit_mult":            &c.RetransmitMult,
		"suspicion_mult":             &c.SuspicionMult,
		"suspicion_max_timeout_mult": &c.SuspicionMaxTimeoutMult,
		"awareness_max_multiplier":   &c.AwarenessMaxMultiplier,
		"gossip_nodes":               &c.GossipNodes,
		"udp_buffer_size":            &c.UDPBufferSize,
	}
	versions := map[string]*uint8{
		"protocol_version":          &c.ProtocolVersion,
		"delegate_protocol_min":     &c.DelegateProtocolMin,
		"delegate_protocol_max":     &c.DelegateProtocolMax,
		"delegate_protocol_version": &c.DelegateProtocolVersion,
	}
	switches := map[string]*bool{
		"enable_compression":     &c.EnableCompression,
		"gossip_verify_incoming": &c.GossipVerifyIncoming,
		"gossip_verify_outgoing": &c.GossipVerifyOutgoing,
		"disable_tcp_pings":      &c.DisableTcpPings,
		"require_node_names":     &c.RequireNodeNames,
	}
	addLabelSwitches(c, switches)
	var err error
	if d, ok := durations[knob]; ok {
		*d, err = time.ParseDuration(value)
	} else if n, ok := counts[knob]; ok {
		*n, err = strconv.Atoi(value)
	} else if v, ok := versions[knob]; ok {
		var parsed uint64
		parsed, err = strconv.ParseUint(value, 10, 8)
		*v = uint8(parsed)
	} else if b, ok := switches[knob]; ok {
		*b, err = strconv.ParseBool(value)
	} else {
		return fmt.Errorf("no knob %q", knob)
	}
	return err
}
