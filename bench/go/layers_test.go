package memberlistbench

import (
	"bytes"
	"compress/lzw"
	"io"
	"testing"
)

// The two layers of a packet that cost most, each on its own, by the packages that the library uses and
// in its way: a new reader or writer for each packet, a cipher that is kept.

func plainPacket() []byte { return (&alivePackets{members: 1000}).next() }

func BenchmarkLzwCompress1400(b *testing.B) {
	plain := plainPacket()
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		var packed bytes.Buffer
		writer := lzw.NewWriter(&packed, lzw.LSB, 8)
		if _, err := writer.Write(plain); err != nil {
			b.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLzwDecompress1400(b *testing.B) {
	plain := plainPacket()
	var packed bytes.Buffer
	writer := lzw.NewWriter(&packed, lzw.LSB, 8)
	writer.Write(plain)
	writer.Close()
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		reader := lzw.NewReader(bytes.NewReader(packed.Bytes()), lzw.LSB, 8)
		var out bytes.Buffer
		if _, err := io.Copy(&out, reader); err != nil {
			b.Fatal(err)
		}
		if out.Len() != len(plain) {
			b.Fatal("decompressed to something else")
		}
		reader.Close()
	}
}

func BenchmarkAesGcm1400(b *testing.B) {
	plain := plainPacket()
	gcm := newGCM()
	nonce := make([]byte, gcm.NonceSize())
	out := make([]byte, 0, len(plain)+gcm.Overhead())
	meter := startMeter(b)
	defer meter.report()
	for i := 0; i < b.N; i++ {
		gcm.Seal(out, nonce, plain, nil)
	}
}
