// Package worker runs an engine in a child process. An engine that crashes, hangs
// or is killed for its memory costs the frame it was working on, never the program
// that asked; ending the child gives a GPU's memory back, which TensorFlow never
// does by itself.
//
// The parent's end is [Worker], the child's is [Serve]. They talk over the child's
// standard input and output in messages of
//
//	kind     1 byte
//	length   4 bytes, little-endian
//	payload  length bytes
//
// The parent sends one start (JSON of [Start]) and then frames: sequence number,
// width and height (8, 4 and 4 bytes, little-endian) and the grey levels in row
// order. The child answers the start with ready (JSON of [Ready]) or failed (text),
// and every frame with a decision (JSON, carrying the frame's number). The child
// ends when its input does.
package worker

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"io"

	"lungbox/ensemble"
)

type kind byte

const (
	kindStart    kind = 's'
	kindFrame    kind = 'f'
	kindReady    kind = 'r'
	kindFailed   kind = 'x'
	kindDecision kind = 'd'
)

// Limits of a message: nothing in the protocol comes near them.
const (
	maxSide    = 8192
	maxPayload = 16 + maxSide*maxSide
	maxAnswer  = 1 << 20
)

// Start says what the child shall run.
type Start struct {
	Release  string          `json:"release"`  // folder of the release; "" for the one built in
	Settings json.RawMessage `json:"settings"` // of the engine; the program's own business
}

// Ready is the child's answer once the engine has run and the golden frames came
// out right.
type Ready struct {
	Release   string              `json:"release"` // its name
	Digest    string              `json:"digest"`
	Notice    string              `json:"notice"` // what people must be told about the release
	Engine    ensemble.EngineInfo `json:"engine"`
	Vote      ensemble.VoteMode   `json:"vote"`
	Gate      map[string]float64  `json:"gate"`       // thresholds of the release, by name
	GoldenOff float64             `json:"golden_off"` // largest difference on the golden frames
}

// answer is a decision on its way back.
type answer struct {
	Seq        uint64          `json:"seq"`
	Score      ensemble.Score  `json:"score"`
	Reason     ensemble.Reason `json:"reason"`
	Confidence float64         `json:"confidence"`
	Votes      []ensemble.Vote `json:"votes"`
	Heat       *ensemble.Heat  `json:"heat,omitempty"`
	Fault      string          `json:"fault,omitempty"`
}

func send(w io.Writer, k kind, payload ...[]byte) error {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	header := binary.LittleEndian.AppendUint32([]byte{byte(k)}, uint32(n))
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, p := range payload {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func sendJSON(w io.Writer, k kind, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return send(w, k, text)
}

// receive reads one message of at most limit bytes.
func receive(r io.Reader, limit int) (kind, []byte, error) {
	var header [5]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(header[1:])
	if int64(n) > int64(limit) {
		return 0, nil, fmt.Errorf("message of %d bytes: at most %d are allowed", n, limit)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return kind(header[0]), payload, err
}

// encodeFrame returns the head and the grey levels of a frame message.
func encodeFrame(seq uint64, picture *image.Gray) (head, pixels []byte) {
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	head = binary.LittleEndian.AppendUint64(nil, seq)
	head = binary.LittleEndian.AppendUint32(head, uint32(w))
	head = binary.LittleEndian.AppendUint32(head, uint32(h))
	if picture.Stride == w && len(picture.Pix) >= w*h {
		return head, picture.Pix[:w*h]
	}
	pixels = make([]byte, 0, w*h)
	for y := range h {
		pixels = append(pixels, picture.Pix[y*picture.Stride:][:w]...)
	}
	return head, pixels
}

func decodeFrame(payload []byte) (seq uint64, picture *image.Gray, err error) {
	if len(payload) < 16 {
		return 0, nil, fmt.Errorf("frame message of %d bytes", len(payload))
	}
	seq = binary.LittleEndian.Uint64(payload)
	w, h := binary.LittleEndian.Uint32(payload[8:]), binary.LittleEndian.Uint32(payload[12:])
	pixels := payload[16:]
	if w == 0 || h == 0 || w > maxSide || h > maxSide || uint64(len(pixels)) != uint64(w)*uint64(h) {
		return 0, nil, fmt.Errorf("frame of %d×%d with %d grey levels", w, h, len(pixels))
	}
	return seq, &image.Gray{Pix: pixels, Stride: int(w), Rect: image.Rect(0, 0, int(w), int(h))}, nil
}
