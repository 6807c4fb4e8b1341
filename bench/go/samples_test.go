// Benchmarks of the Go library on the same bytes as ../*_bench.cpp, by its public API only.
package memberlistbench

import (
	"bytes"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	firstIncarnation = 1 << 20
	packetBytes      = 1400
	meta             = "zone=a,role=node,rack=r07,version=1.24.3,http=:8080,grpc=:9090,k"
	otherMeta        = "zone=b,role=node,rack=r07,version=1.24.3,http=:8080,grpc=:9090,k"
)

var (
	shortMeta = meta[:26] // an alive message with it has 98 bytes
	versions  = []byte{1, 5, 2, 0, 0, 0}
	key       = bytes.Repeat([]byte{0x2a}, 16)
)

func memberName(number int) string { return fmt.Sprintf("node-%07d", number) }
func memberIP(number int) []byte {
	return []byte{10, byte(number >> 16), byte(number >> 8), byte(number)}
}

// The little of msgpack that samples need.
func putRaw(out []byte, raw string) []byte {
	if len(raw) < 32 {
		out = append(out, 0xa0|byte(len(raw)))
	} else {
		out = append(out, 0xda, byte(len(raw)>>8), byte(len(raw)))
	}
	return append(out, raw...)
}
func putField(out []byte, name, raw string) []byte { return putRaw(putRaw(out, name), raw) }
func putUint16(out []byte, name string, value uint16) []byte {
	return binary.BigEndian.AppendUint16(append(putRaw(out, name), 0xcd), value)
}
func putUint32(out []byte, name string, value uint32) []byte {
	return binary.BigEndian.AppendUint32(append(putRaw(out, name), 0xce), value)
}

func aliveMessage(number int, incarnation uint32) []byte {
	return aliveWith(number, incarnation, meta)
}

func aliveWith(number int, incarnation uint32, meta string) []byte {
	out := putField([]byte{4, 0x86}, "Addr", string(memberIP(number)))
	out = putUint32(out, "Incarnation", incarnation)
	out = putField(out, "Meta", meta)
	out = putField(out, "Node", memberName(number))
	out = putUint16(out, "Port", 7946)
	return putField(out, "Vsn", string(versions))
}

// Odd incarnations have other meta data than even ones. With a user state of one byte: the delegate
// is told of it when all is merged.
func pushPull(members int, incarnation uint32) []byte {
	out := append(putRaw([]byte{6, 0x83}, "Join"), 0xc2)
	out = append(putRaw(out, "Nodes"), 0xd1, byte(members>>8), byte(members))
	out = append(putRaw(out, "UserStateLen"), 1)
	m := meta
	if incarnation%2 != 0 {
		m = otherMeta
	}
	for number := 0; number < members; number++ {
		out = putField(append(out, 0x87), "Addr", string(memberIP(number)))
		out = putUint32(out, "Incarnation", incarnation)
		out = putField(out, "Meta", m)
		out = putField(out, "Name", memberName(number))
		out = putUint16(out, "Port", 7946)
		out = append(putRaw(out, "State"), 0)
		out = putField(out, "Vsn", string(versions))
	}
	return append(out, 0)
}

// Makes one 1,400-byte compound of alive messages after another, each message newer than the last
// one about its member.
type alivePackets struct {
	members  int
	short    bool // the meta data
	wrapping wrapping
	messages int
}

// What a packet is wrapped in, apart from its checksum.
type wrapping struct {
	compressed, encrypted bool
	label                 string
}

func (p *alivePackets) parts() int {
	return (packetBytes - 2) / (len(p.message(0, firstIncarnation)) + 2)
}

func (p *alivePackets) message(number int, incarnation uint32) []byte {
	if p.short {
		return aliveWith(number, incarnation, shortMeta)
	}
	return aliveMessage(number, incarnation)
}

func (p *alivePackets) next() []byte {
	head := []byte{7, byte(p.parts())}
	var body []byte
	for i := 0; i < p.parts(); i++ {
		message := p.message(p.messages%p.members, firstIncarnation+uint32(p.messages/p.members))
		p.messages++
		head = binary.BigEndian.AppendUint16(head, uint16(len(message)))
		body = append(body, message...)
	}
	packet := append(head, body...)
	if p.wrapping.compressed {
		packet = compress(packet)
	}
	packet = append(binary.BigEndian.AppendUint32([]byte{12}, crc32.ChecksumIEEE(packet)), packet...)
	if p.wrapping.encrypted {
		packet = seal(packet, p.wrapping.label)
	}
	return packet
}

func compress(plain []byte) []byte {
	var buf bytes.Buffer
	writer := lzw.NewWriter(&buf, lzw.LSB, 8)
	writer.Write(plain)
	writer.Close()
	out := append(putRaw([]byte{9, 0x82}, "Algo"), 0)
	return putField(out, "Buf", buf.String())
}

func newGCM() cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func seal(plain []byte, label string) []byte {
	gcm := newGCM()
	nonce := make([]byte, gcm.NonceSize())
	rand.Read(nonce)
	var out []byte
	if label != "" {
		out = append([]byte{244, byte(len(label))}, label...)
	}
	out = append(append(out, 1), nonce...)
	return gcm.Seal(out, nonce, plain, []byte(label))
}
