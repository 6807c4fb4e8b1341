package memberlistbench

import (
	"bytes"
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// The library exports neither its messages nor their codec. These are structs of the same fields
// with the msgpack package that it uses.
type pingBody struct {
	SeqNo      uint32
	Node       string
	SourceAddr []byte `codec:",omitempty"`
	SourcePort uint16 `codec:",omitempty"`
	SourceNode string `codec:",omitempty"`
}
type suspectBody struct {
	Incarnation uint32
	Node        string
	From        string
}
type aliveBody struct {
	Incarnation uint32
	Node        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Vsn         []uint8
}

var (
	samplePing    = pingBody{SeqNo: 123456, Node: "node-000001"}
	sampleSuspect = suspectBody{firstIncarnation, "node-000001", "node-000002"}
	sampleAlive   = aliveBody{firstIncarnation, memberName(1), memberIP(1), 7946, []byte(meta), versions}
)

func encodeMessage(b *testing.B, kind byte, body any) []byte {
	buf := bytes.NewBuffer(nil)
	buf.WriteByte(kind)
	handle := codec.MsgpackHandle{}
	if err := codec.NewEncoder(buf, &handle).Encode(body); err != nil {
		b.Fatal(err)
	}
	return buf.Bytes()
}

func encodeLoop(b *testing.B, kind byte, body any) {
	b.SetBytes(int64(len(encodeMessage(b, kind, body))))
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		encodeMessage(b, kind, body)
	}
}

func decodeLoop[Body any](b *testing.B, kind byte, body *Body) {
	message := encodeMessage(b, kind, body)
	b.SetBytes(int64(len(message)))
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		var decoded Body
		handle := codec.MsgpackHandle{}
		if err := codec.NewDecoder(bytes.NewReader(message[1:]), &handle).Decode(&decoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeAlive(b *testing.B)   { encodeLoop(b, 4, &sampleAlive) }
func BenchmarkDecodeAlive(b *testing.B)   { decodeLoop(b, 4, &sampleAlive) }
func BenchmarkEncodePing(b *testing.B)    { encodeLoop(b, 0, &samplePing) }
func BenchmarkDecodePing(b *testing.B)    { decodeLoop(b, 0, &samplePing) }
func BenchmarkEncodeSuspect(b *testing.B) { encodeLoop(b, 3, &sampleSuspect) }
func BenchmarkDecodeSuspect(b *testing.B) { decodeLoop(b, 3, &sampleSuspect) }

// The messages that the benchmarks write by hand are those that the codec makes.
func TestSamplesEqualTheCodecs(t *testing.T) {
	var decoded aliveBody
	handle := codec.MsgpackHandle{}
	message := aliveMessage(1, firstIncarnation)
	if err := codec.NewDecoder(bytes.NewReader(message[1:]), &handle).Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	if decoded.Node != sampleAlive.Node || !bytes.Equal(decoded.Meta, sampleAlive.Meta) ||
		!bytes.Equal(decoded.Addr, sampleAlive.Addr) || decoded.Incarnation != firstIncarnation ||
		decoded.Port != 7946 || !bytes.Equal(decoded.Vsn, versions) {
		t.Fatalf("%+v", decoded)
	}
}
