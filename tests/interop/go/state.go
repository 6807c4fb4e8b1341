package main

import (
	"bytes"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// Message types of a stream that this client meets.
const (
	typePushPull   = 6
	typeCompressed = 9
	typeEncrypted  = 10
	typeError      = 13
)

const maxAnswer = 64 << 20

// secret is what one must know to talk to a cluster.
type secret struct {
	label string
	keys  [][]byte
}

type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

type nodeState struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       int
	Vsn         []byte
}

type memberState struct {
	Members        []member `json:"members"`
	UserStateBytes int      `json:"user_state_bytes"`
}

func stateName(state int) string {
	names := []string{"alive", "suspect", "dead", "left"}
	if state < 0 || state >= len(names) {
		return strconv.Itoa(state)
	}
	return names[state]
}

// pullState asks the member at an address for all that it knows, by a push/pull that brings nothing
// itself. It does not make the asker a member.
func pullState(address string, s secret, timeout time.Duration) (*memberState, error) {
	connection, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	message, err := encode(typePushPull, pushPullHeader{})
	if err != nil {
		return nil, err
	}
	if message, err = s.seal(message); err != nil {
		return nil, err
	}
	if err := writeLabel(connection, s.label); err != nil {
		return nil, err
	}
	if _, err := connection.Write(message); err != nil {
		return nil, err
	}
	// The answering side closes the stream, so its end is the end of the answer.
	received, err := io.ReadAll(io.LimitReader(connection, maxAnswer))
	if err != nil {
		return nil, err
	}
	return s.parseAnswer(received)
}

func (s secret) parseAnswer(received []byte) (*memberState, error) {
	if len(received) == 0 {
		return nil, errors.New("closed without an answer")
	}
	var err error
	if received[0] == typeEncrypted {
		if received, err = s.open(received); err != nil {
			return nil, err
		}
	} else if len(s.keys) > 0 && received[0] != typeError {
		return nil, errors.New("the answer is not encrypted")
	}
	if len(received) > 0 && received[0] == typeCompressed {
		if received, err = decompress(received); err != nil {
			return nil, err
		}
	}
	if len(received) == 0 {
		return nil, errors.New("the answer is empty")
	}
	reader := bytes.NewReader(received[1:])
	decoder := codec.NewDecoder(reader, &codec.MsgpackHandle{})
	switch received[0] {
	case typeError:
		var failure struct{ Error string }
		if err := decoder.Decode(&failure); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the member answered with an error: %s", failure.Error)
	case typePushPull:
		return decodeState(decoder, reader)
	default:
		return nil, fmt.Errorf("an answer of type %d", received[0])
	}
}

func decodeState(decoder *codec.Decoder, reader *bytes.Reader) (*memberState, error) {
	var header pushPullHeader
	if err := decoder.Decode(&header); err != nil {
		return nil, err
	}
	result := &memberState{Members: []member{}}
	for range header.Nodes {
		var n nodeState
		if err := decoder.Decode(&n); err != nil {
			return nil, err
		}
		m := member{Name: n.Name, Meta: n.Meta, State: stateName(n.State),
			Address:     net.JoinHostPort(net.IP(n.Addr).String(), strconv.Itoa(int(n.Port))),
			Incarnation: n.Incarnation}
		if len(n.Vsn) == 6 {
			m.Protocol = vsn{n.Vsn[0], n.Vsn[1], n.Vsn[2]}
			m.Delegate = vsn{n.Vsn[3], n.Vsn[4], n.Vsn[5]}
		}
		result.Members = append(result.Members, m)
	}
	result.UserStateBytes = header.UserStateLen
	if reader.Len() != header.UserStateLen {
		return nil, fmt.Errorf("%d bytes of user state announced, %d there", header.UserStateLen,
			reader.Len())
	}
	return result, nil
}

func encode(messageType byte, body any) ([]byte, error) {
	buffer := bytes.NewBuffer([]byte{messageType})
	err := codec.NewEncoder(buffer, &codec.MsgpackHandle{}).Encode(body)
	return buffer.Bytes(), err
}

func decompress(message []byte) ([]byte, error) {
	var body struct {
		Algo uint8
		Buf  []byte
	}
	if err := codec.NewDecoderBytes(message[1:], &codec.MsgpackHandle{}).Decode(&body); err != nil {
		return nil, err
	}
	if body.Algo != 0 {
		return nil, fmt.Errorf("compression algorithm %d", body.Algo)
	}
	reader := lzw.NewReader(bytes.NewReader(body.Buf), lzw.LSB, 8)
	defer reader.Close()
	return io.ReadAll(io.LimitReader(reader, maxAnswer))
}

const (
	frameHeader = 5
	nonceSize   = 12
)

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal puts a message into an encrypted frame: type, length, version 1, nonce, ciphertext, tag.
func (s secret) seal(message []byte) ([]byte, error) {
	if len(s.keys) == 0 {
		return message, nil
	}
	gcm, err := newGCM(s.keys[0])
	if err != nil {
		return nil, err
	}
	frame := []byte{typeEncrypted}
	frame = binary.BigEndian.AppendUint32(frame,
		uint32(1+nonceSize+len(message)+gcm.Overhead()))
	authenticated := append(append([]byte{}, frame...), s.label...)
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	frame = append(append(frame, 1), nonce...)
	return gcm.Seal(frame, nonce, message, authenticated), nil
}

// open takes a message out of an encrypted frame of either version.
func (s secret) open(frame []byte) ([]byte, error) {
	if len(frame) < frameHeader+1+nonceSize ||
		int(binary.BigEndian.Uint32(frame[1:])) != len(frame)-frameHeader {
		return nil, errors.New("the encrypted frame is cut off")
	}
	authenticated := append(append([]byte{}, frame[:frameHeader]...), s.label...)
	version := frame[frameHeader]
	nonce := frame[frameHeader+1 : frameHeader+1+nonceSize]
	for _, key := range s.keys {
		gcm, err := newGCM(key)
		if err != nil {
			return nil, err
		}
		message, err := gcm.Open(nil, nonce, frame[frameHeader+1+nonceSize:], authenticated)
		if err != nil {
			continue
		}
		if version == 0 && len(message) > 0 {
			message = message[:max(0, len(message)-int(message[len(message)-1]))]
		}
		return message, nil
	}
	return nil, errors.New("no key opens the answer")
}
