package simulate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

// The PNG text chunk that marks a picture as simulated. Whoever reads pictures
// must carry the mark on (capture.Frame.Simulated).
const (
	MarkKeyword = "Lungbox"
	MarkValue   = "simulated"
)

// headerEnd is where a PNG's IHDR chunk ends: 8 bytes of signature, 25 of chunk.
const headerEnd = 33

// EncodePNG writes an 8-bit grey PNG that is marked as simulated.
func EncodePNG(w io.Writer, picture *image.Gray) error {
	var plain bytes.Buffer
	// Speckle does not compress: the quick level costs a tenth more space for a
	// third of the time.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&plain, picture); err != nil {
		return fmt.Errorf("encode PNG: %w", err)
	}
	file := plain.Bytes()
	for _, part := range [][]byte{file[:headerEnd], textChunk(MarkKeyword, MarkValue), file[headerEnd:]} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("write PNG: %w", err)
		}
	}
	return nil
}

// textChunk is a tEXt chunk (PNG specification, section 11.3.3.2).
func textChunk(keyword, value string) []byte {
	data := "tEXt" + keyword + "\x00" + value
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)-4))
	chunk = append(chunk, data...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE([]byte(data)))
}
