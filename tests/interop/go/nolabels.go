//go:build nolabels

package main

import (
	"errors"
	"net"

	"github.com/hashicorp/memberlist"
)

var errNoLabels = errors.New("this version of the library has no labels")

func setLabel(_ *memberlist.Config, label string) error {
	if label != "" {
		return errNoLabels
	}
	return nil
}

func addLabelSwitches(*memberlist.Config, map[string]*bool) {}

func writeLabel(_ net.Conn, label string) error { return setLabel(nil, label) }
