// Command gopeer runs members of the Go library for the interoperability tests.
//
// It writes one JSON object a line to standard output: first a "ready" event for each member, then
// what happens. It reads commands as JSON lines from standard input and answers each with a line
// that carries the command's id. It ends when standard input ends. Only the public API of the
// library is used; what that does not tell (incarnations, the dead) is asked on the wire (state.go).
//
// `gopeer many --count 20` runs that many members in one process.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

// list is a flag that may be repeated, and split by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }
func (l *list) Set(text string) error {
	*l = append(*l, strings.Split(text, ",")...)
	return nil
}

type options struct {
	name      string
	bind      string
	advertise string
	join      list
	profile   string
	keys      list
	label     string
	meta      string
	state     string
	count     int
	settings  settings
}

func parseOptions(arguments []string) options {
	var o options
	many := len(arguments) > 0 && arguments[0] == "many"
	if many {
		arguments = arguments[1:]
	}
	f := flag.NewFlagSet("gopeer", flag.ExitOnError)
	f.StringVar(&o.name, "name", "go", "member name; with many: its prefix")
	f.StringVar(&o.bind, "bind", "127.0.0.1:0", "address to listen on; port 0: the kernel's choice")
	f.StringVar(&o.advertise, "advertise", "", "address to tell others")
	f.Var(&o.join, "join", "member to join through; repeatable")
	f.StringVar(&o.profile, "profile", "lan", "lan, wan or local")
	f.Var(&o.keys, "key", "encryption key, base64 or hex; repeatable, the first is the primary")
	f.StringVar(&o.label, "label", "", "cluster label")
	f.StringVar(&o.meta, "meta", "", "meta data")
	f.StringVar(&o.state, "state", "", "user state to hand out in each push/pull")
	f.IntVar(&o.count, "count", 1, "members to run (many)")
	f.Var(&o.settings, "set", "KNOB=VALUE, named as in the program under test; repeatable")
	if err := f.Parse(arguments); err != nil {
		fail(err)
	}
	if f.NArg() > 0 || (!many && o.count != 1) {
		fail(fmt.Errorf("unexpected arguments: %v", f.Args()))
	}
	return o
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gopeer:", err)
	os.Exit(1)
}

func main() {
	o := parseOptions(os.Args[1:])
	peers := make([]*peer, 0, o.count)
	for i := range o.count {
		name := o.name
		if o.count > 1 {
			name = fmt.Sprintf("%s-%d", o.name, i)
		}
		p, err := newPeer(o, i, name)
		if err != nil {
			fail(err)
		}
		peers = append(peers, p)
	}
	for _, p := range peers {
		p.announce()
	}
	if len(o.join) > 0 {
		for _, p := range peers {
			if _, err := p.list.Join(o.join); err != nil {
				fail(err)
			}
		}
	}
	serve(peers)
}

// serve runs commands until standard input ends. Each runs on its own, so that a slow one (leave)
// does not keep the next one (members) waiting.
func serve(peers []*peer) {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<26)
	for input.Scan() {
		var c command
		if err := json.Unmarshal(input.Bytes(), &c); err != nil {
			fail(err)
		}
		if c.Command == "exit" {
			return
		}
		if c.Node < 0 || c.Node >= len(peers) {
			c.answer(nil, fmt.Errorf("no member %d", c.Node))
			continue
		}
		go func() { c.answer(peers[c.Node].run(c)) }()
	}
}
