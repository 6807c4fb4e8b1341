package main

import (
	"time"

	"github.com/hashicorp/memberlist"
)

// member is how members are written in events and answers.
type member struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	Meta        []byte `json:"meta_base64"`
	State       string `json:"status,omitempty"`
	Incarnation uint32 `json:"incarnation,omitempty"`
	Protocol    vsn    `json:"protocol"`
	Delegate    vsn    `json:"delegate_protocol"`
}

type vsn struct {
	Min     uint8 `json:"min"`
	Max     uint8 `json:"max"`
	Current uint8 `json:"current"`
}

// describe leaves out the state, which the library may be changing while we look.
func describe(n *memberlist.Node) member {
	return member{Name: n.Name, Address: address(n), Meta: append([]byte{}, n.Meta...),
		Protocol: vsn{n.PMin, n.PMax, n.PCur}, Delegate: vsn{n.DMin, n.DMax, n.DCur}}
}

func (p *peer) event(what string, fields map[string]any) {
	p.count(what)
	fields["event"] = what
	fields["node"] = p.index
	fields["time"] = time.Now().UTC().Format(time.RFC3339Nano)
	emit(fields)
}

func (p *peer) NotifyJoin(n *memberlist.Node) {
	p.event("join", map[string]any{"member": describe(n)})
}

func (p *peer) NotifyLeave(n *memberlist.Node) {
	p.event("leave", map[string]any{"member": describe(n)})
}

func (p *peer) NotifyUpdate(n *memberlist.Node) {
	p.event("update", map[string]any{"member": describe(n)})
}

func (p *peer) NotifyConflict(existing, other *memberlist.Node) {
	p.event("conflict", map[string]any{"member": describe(existing), "other": describe(other)})
}

func (p *peer) NodeMeta(int) []byte {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.meta
}

func (p *peer) NotifyMsg(payload []byte) {
	// The bytes are the library's own and may be used again after this call.
	p.event("message", map[string]any{"payload_base64": append([]byte{}, payload...)})
}

func (p *peer) GetBroadcasts(overhead, limit int) [][]byte {
	return p.queue.GetBroadcasts(overhead, limit)
}

func (p *peer) LocalState(bool) []byte { return p.state }

func (p *peer) MergeRemoteState(state []byte, join bool) {
	p.event("merge", map[string]any{"state_bytes": len(state), "join": join})
}

// AckPayload is empty: Serf would take any other for its own coordinates.
func (p *peer) AckPayload() []byte { return nil }

func (p *peer) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, payload []byte) {
	p.event("pong", map[string]any{"member": describe(n), "rtt_us": rtt.Microseconds(),
		"payload_base64": append([]byte{}, payload...)})
}

// broadcast is a user message that replaces no other.
type broadcast []byte

func (b broadcast) Invalidates(memberlist.Broadcast) bool { return false }
func (b broadcast) Message() []byte                       { return b }
func (b broadcast) Finished()                             {}
func (b broadcast) UniqueBroadcast()                      {}
