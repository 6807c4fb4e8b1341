// Command differ says what the Go packages that the Go library decodes with make of messages.
//
// `differ QUESTIONS ANSWERS` reads lines `KIND HEX` from one file and answers each in the other: `accepted VALUES` or
// `refused REASON`. VALUES are `Name=value;` for each field, in a fixed order, byte strings in hex, an
// absent one like an empty one. KIND is the name of a message body, which is decoded by the library's
// codec, or `lzw`, which is decompressed.
package main

import (
	"bufio"
	"bytes"
	"compress/lzw"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// The bodies of protocol section 4.
var bodies = map[string]reflect.Type{
	"ping": reflect.TypeFor[struct {
		SeqNo      uint32
		Node       string
		SourceAddr []byte
		SourcePort uint16
		SourceNode string
	}](),
	"indirect_ping": reflect.TypeFor[struct {
		SeqNo      uint32
		Target     []byte
		Port       uint16
		Node       string
		Nack       bool
		SourceAddr []byte
		SourcePort uint16
		SourceNode string
	}](),
	"ack": reflect.TypeFor[struct {
		SeqNo   uint32
		Payload []byte
	}](),
	"nack":  reflect.TypeFor[struct{ SeqNo uint32 }](),
	"error": reflect.TypeFor[struct{ Error string }](),
	"suspect": reflect.TypeFor[struct {
		Incarnation uint32
		Node        string
		From        string
	}](),
	"alive": reflect.TypeFor[struct {
		Incarnation uint32
		Node        string
		Addr        []byte
		Port        uint16
		Meta        []byte
		Vsn         []byte
	}](),
	"dead": reflect.TypeFor[struct {
		Incarnation uint32
		Node        string
		From        string
	}](),
	"push_pull_header": reflect.TypeFor[struct {
		Nodes        int
		UserStateLen int
		Join         bool
	}](),
	"node_state": reflect.TypeFor[struct {
		Name        string
		Addr        []byte
		Port        uint16
		Meta        []byte
		Incarnation uint32
		State       int
		Vsn         []byte
	}](),
	"user_header": reflect.TypeFor[struct{ UserMsgLen int }](),
	"compressed": reflect.TypeFor[struct {
		Algo uint8
		Buf  []byte
	}](),
}

// refused is an answer of one line.
func refused(reason any) string {
	return "refused " + strings.ReplaceAll(fmt.Sprint(reason), "\n", " ")
}

// Decompressed bytes at most, as the program that asks has it.
const maxDecompressed = 65535

func decodeBody(kind reflect.Type, body []byte) string {
	value := reflect.New(kind)
	// A reader, not the bytes: that is how the library decodes.
	if err := codec.NewDecoder(bytes.NewReader(body), &codec.MsgpackHandle{}).Decode(value.Interface()); err != nil {
		return refused(err)
	}
	var out strings.Builder
	out.WriteString("accepted ")
	for i := range kind.NumField() {
		fmt.Fprintf(&out, "%s=", kind.Field(i).Name)
		switch field := value.Elem().Field(i).Interface().(type) {
		case string:
			out.WriteString(hex.EncodeToString([]byte(field)))
		case []byte:
			out.WriteString(hex.EncodeToString(field))
		default:
			fmt.Fprintf(&out, "%v", field)
		}
		out.WriteByte(';')
	}
	return out.String()
}

func decompress(packed []byte) string {
	reader := lzw.NewReader(bytes.NewReader(packed), lzw.LSB, 8)
	plain, err := io.ReadAll(io.LimitReader(reader, maxDecompressed+1))
	if err != nil {
		return refused(err)
	}
	if len(plain) > maxDecompressed {
		return refused("too large")
	}
	return "accepted " + hex.EncodeToString(plain)
}

func main() {
	questions, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	answers, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	input := bufio.NewScanner(questions)
	input.Buffer(nil, 1<<24)
	output := bufio.NewWriter(answers)
	for input.Scan() {
		kind, text, _ := strings.Cut(input.Text(), " ")
		message, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		if kind == "lzw" {
			fmt.Fprintln(output, decompress(message))
		} else {
			fmt.Fprintln(output, decodeBody(bodies[kind], message))
		}
	}
	if err := input.Err(); err != nil {
		panic(err)
	}
	if err := output.Flush(); err != nil {
		panic(err)
	}
}
