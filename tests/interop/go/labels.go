//go:build !nolabels

package main

import (
	"net"

	"github.com/hashicorp/memberlist"
)

// What of the library's API has to do with labels. Before v0.3 it has none (nolabels.go).

func setLabel(c *memberlist.Config, label string) error {
	c.Label = label
	return nil
}

func addLabelSwitches(c *memberlist.Config, switches map[string]*bool) {
	switches["skip_inbound_label_check"] = &c.SkipInboundLabelCheck
}

func writeLabel(connection net.Conn, label string) error {
	return memberlist.AddLabelHeaderToStream(connection, label)
}
