package main

import (
	"encoding/json"
	"os"
	"sync"
)

var (
	outputLock sync.Mutex
	output     = json.NewEncoder(os.Stdout)
)

// emit writes one line to standard output.
func emit(line any) {
	outputLock.Lock()
	defer outputLock.Unlock()
	if err := output.Encode(line); err != nil {
		os.Exit(1) // nobody reads any more
	}
}

// command is one line of standard input. Byte arrays are base64, as encoding/json has them.
type command struct {
	ID        int      `json:"id"`
	Command   string   `json:"command"`
	Node      int      `json:"node"`
	Addresses []string `json:"addresses"`
	To        string   `json:"to"`
	Payload   []byte   `json:"payload"`
	Reliable  bool     `json:"reliable"`
	TimeoutMS int      `json:"timeout_ms"`
	Incoming  *bool    `json:"incoming"`
	Outgoing  *bool    `json:"outgoing"`
}

type answer struct {
	ID     int    `json:"id"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Result any    `json:"result,omitempty"`
}

func (c command) answer(result any, err error) {
	a := answer{ID: c.ID, OK: err == nil, Result: result}
	if err != nil {
		a.Error = err.Error()
	}
	emit(a)
}
