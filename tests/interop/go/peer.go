package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// peer is one member of the Go library with all its delegates, which write what they hear to
// standard output.
type peer struct {
	index  int
	name   string
	state  []byte
	label  string
	config *memberlist.Config
	list   *memberlist.Memberlist
	queue  memberlist.TransmitLimitedQueue

	lock   sync.Mutex
	meta   []byte
	counts map[string]int
	flow   *flow
}

// makeKeyring makes a keyring of keys as text. Without keys it is there all the same, and empty, which
// encrypts nothing: a key can come to it later.
func makeKeyring(texts []string) (*memberlist.Keyring, error) {
	var keys [][]byte
	for _, text := range texts {
		key, err := decodeKey(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return memberlist.NewKeyring(nil, nil)
	}
	return memberlist.NewKeyring(keys, keys[0])
}

func decodeKey(text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString} {
		if key, err := decode(text); err == nil && memberlist.ValidateKey(key) == nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("a key is 16, 24 or 32 bytes in hex or base64")
}

func splitHostPort(text string) (string, int, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	return host, int(port), err
}

func newPeer(o options, index int, name string) (*peer, error) {
	p := &peer{index: index, name: name, label: o.label, state: []byte(o.state),
		meta: []byte(o.meta), counts: map[string]int{}}
	var err error
	if p.config, err = makeConfig(o, name); err != nil {
		return nil, err
	}
	if p.config.Keyring, err = makeKeyring(o.keys); err != nil {
		return nil, err
	}
	p.config.Delegate = p
	p.config.Events = p
	p.config.Conflict = p
	p.config.Ping = p
	// The queue of user broadcasts is asked for its content before Create has returned.
	p.queue.RetransmitMult = p.config.RetransmitMult
	p.queue.NumNodes = func() int { return max(1, p.members()) }
	list, err := memberlist.Create(p.config)
	if err != nil {
		return nil, err
	}
	p.lock.Lock()
	p.list = list
	p.lock.Unlock()
	return p, nil
}

func makeConfig(o options, name string) (*memberlist.Config, error) {
	profiles := map[string]func() *memberlist.Config{"lan": memberlist.DefaultLANConfig,
		"wan": memberlist.DefaultWANConfig, "local": memberlist.DefaultLocalConfig}
	profile, ok := profiles[o.profile]
	if !ok {
		return nil, fmt.Errorf("no profile %q", o.profile)
	}
	c := profile()
	var err error
	c.Name = name
	if c.BindAddr, c.BindPort, err = splitHostPort(o.bind); err != nil {
		return nil, err
	}
	if o.advertise != "" {
		if c.AdvertiseAddr, c.AdvertisePort, err = splitHostPort(o.advertise); err != nil {
			return nil, err
		}
	}
	if err := setLabel(c, o.label); err != nil {
		return nil, err
	}
	for _, s := range o.settings {
		if err := apply(c, s.knob, s.value); err != nil {
			return nil, err
		}
	}
	c.Logger = log.New(os.Stderr, name+": ", log.Ltime|log.Lmicroseconds)
	return c, nil
}

func (p *peer) members() int {
	p.lock.Lock()
	list := p.list
	p.lock.Unlock()
	if list == nil {
		return 1
	}
	return list.NumMembers()
}

func (p *peer) count(what string) {
	p.lock.Lock()
	p.counts[what]++
	p.lock.Unlock()
}

func address(n *memberlist.Node) string {
	return net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
}

func (p *peer) announce() {
	self := p.list.LocalNode()
	emit(map[string]any{"event": "ready", "node": p.index, "name": self.Name,
		"address": address(self)})
}

// run carries out a command and gives its result.
func (p *peer) run(c command) (any, error) {
	timeout := 5 * time.Second
	if c.TimeoutMS > 0 {
		timeout = time.Duration(c.TimeoutMS) * time.Millisecond
	}
	switch c.Command {
	case "members": // all that this member knows, the dead too, as it tells in a push/pull
		return pullState(address(p.list.LocalNode()), p.secret(), timeout)
	case "state": // the same of any member
		return pullState(c.To, p.secret(), timeout)
	case "listed": // what the library's public API lists: the members not dead nor left
		return p.listed(), nil
	case "join":
		contacted, err := p.list.Join(c.Addresses)
		return map[string]any{"contacted": contacted}, err
	case "leave":
		return nil, p.list.Leave(timeout)
	case "shutdown":
		return nil, p.list.Shutdown()
	case "meta":
		p.lock.Lock()
		p.meta = c.Payload
		p.lock.Unlock()
		return nil, p.list.UpdateNode(timeout)
	case "send":
		return nil, p.send(c)
	case "broadcast":
		p.queue.QueueBroadcast(broadcast(c.Payload))
		return nil, nil
	case "ping":
		return p.ping(c.To)
	case "health":
		return map[string]any{"score": p.list.GetHealthScore()}, nil
	case "stats":
		return p.stats(), nil
	case "key_add":
		return nil, p.config.Keyring.AddKey(c.Payload)
	case "key_use":
		return nil, p.config.Keyring.UseKey(c.Payload)
	case "key_remove":
		return nil, p.config.Keyring.RemoveKey(c.Payload)
	case "verify":
		p.verify(c)
		return nil, nil
	case "flow": // from now on, a message to each other member in each interval
		p.startFlow(timeout)
		return nil, nil
	case "flow_stop": // how many each member was sent
		return p.stopFlow(), nil
	default:
		return nil, fmt.Errorf("no command %q", c.Command)
	}
}

func (p *peer) secret() secret {
	s := secret{label: p.label}
	if p.config.GossipVerifyOutgoing {
		s.keys = p.config.Keyring.GetKeys()
	}
	return s
}

func (p *peer) find(name string) (*memberlist.Node, error) {
	for _, n := range p.list.Members() {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no member %q", name)
}

func (p *peer) send(c command) error {
	to, err := p.find(c.To)
	if err != nil {
		return err
	}
	if c.Reliable {
		return p.list.SendReliable(to, c.Payload)
	}
	return p.list.SendBestEffort(to, c.Payload)
}

func (p *peer) ping(name string) (any, error) {
	to, err := p.find(name)
	if err != nil {
		return nil, err
	}
	rtt, err := p.list.Ping(name, &net.UDPAddr{IP: to.Addr, Port: int(to.Port)})
	return map[string]any{"rtt_us": rtt.Microseconds()}, err
}

func (p *peer) listed() []member {
	result := []member{}
	for _, n := range p.list.Members() {
		result = append(result, describe(n))
	}
	return result
}

func (p *peer) stats() any {
	counts := map[string]int{"members": p.list.NumMembers(), "queued": p.queue.NumQueued(),
		"goroutines": runtime.NumGoroutine()}
	p.lock.Lock()
	defer p.lock.Unlock()
	for what, count := range p.counts {
		counts[what] = count
	}
	return counts
}
