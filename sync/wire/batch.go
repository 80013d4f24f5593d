package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"lungbox/ensemble"
)

// Limits of one message. A hub takes no more, a box sends no more.
const (
	MaxResults = 1000    // results of a batch
	MaxPlain   = 4 << 20 // bytes of a batch before compression
	MaxMessage = 1 << 20 // bytes of any message as it travels
)

// Batch is results of one epoch as they travel.
//
// A message is one zstd frame of JSON lines: a head {"v":1,"epoch":"…"}, then each result
// as the box has it on its disk, byte for byte: its SHA-256 is the same at both ends.
type Batch struct {
	Epoch  string
	Bodies [][]byte
}

type head struct {
	Version int    `json:"v"`
	Epoch   string `json:"epoch"`
}

// tools are shared: an encoder takes a megabyte.
var tools = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<18))
	if err != nil {
		panic(err) // the options are constant
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxPlain), zstd.WithDecoderMaxWindow(1<<22))
	if err != nil {
		panic(err)
	}
	return w, r
})

// Encode writes a batch as it travels.
func (b Batch) Encode() ([]byte, error) {
	text, err := json.Marshal(head{1, b.Epoch})
	if err != nil {
		return nil, err
	}
	for _, body := range b.Bodies {
		if bytes.IndexByte(body, '\n') >= 0 {
			return nil, errors.New("a result of more than one line")
		}
		text = append(append(text, '\n'), body...)
	}
	return pack(text), nil
}

func pack(text []byte) []byte {
	w, _ := tools()
	return w.EncodeAll(text, nil)
}

func unpack(message []byte) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, fmt.Errorf("%d bytes, at most %d are taken", len(message), MaxMessage)
	}
	_, r := tools()
	return r.DecodeAll(message, nil)
}

// Item is one result of a batch.
type Item struct {
	ensemble.Result
	Body   []byte
	SHA256 [sha256.Size]byte // of Body
}

// Decode reads and checks a message of results: numbers from 1, all of the head's epoch.
func Decode(message []byte) (epoch string, items []Item, err error) {
	text, err := unpack(message)
	if err != nil {
		return "", nil, fmt.Errorf("batch: %w", err)
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var h head
	if err := json.Unmarshal(first, &h); err != nil || h.Version != 1 || !epochs(h.Epoch) {
		return "", nil, errors.New("batch: its first line is no head of version 1")
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(items) == MaxResults {
			return "", nil, fmt.Errorf("batch: more than %d results", MaxResults)
		}
		i := Item{Body: bytes.Clone(line), SHA256: sha256.Sum256(line)}
		if err := json.Unmarshal(line, &i.Result); err != nil {
			return "", nil, fmt.Errorf("batch: result %d of it: %w", len(items), err)
		}
		if i.Epoch != h.Epoch || i.Seq == 0 || i.Seq > 1<<62 {
			return "", nil, fmt.Errorf("batch: result %d of it has epoch %.40q and number %d", len(items), i.Epoch, i.Seq)
		}
		items = append(items, i)
	}
	return h.Epoch, items, nil
}

// epochs says whether a text may be an epoch: at most 64 plain characters.
func epochs(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Notes are events and audit entries of a box as they travel, zstd of JSON. Both have
// rising numbers within the epoch, events with holes: a box keeps only so many.
type Notes struct {
	Version int     `json:"v"` // 1
	Epoch   string  `json:"epoch"`
	Events  []Note  `json:"events,omitempty"`
	Audit   []Audit `json:"audit,omitempty"`
	// EventsFrom and AuditFrom are the numbers that these follow: the centre takes them
	// only when it has everything up to there.
	EventsFrom int64 `json:"events_from"`
	AuditFrom  int64 `json:"audit_from"`
}

// Note is an event of a box.
type Note struct {
	ID     int64     `json:"id"`
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail"`
}

// Audit is an entry of a box's audit trail with its hash in the chain.
type Audit struct {
	Number int64     `json:"n"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Detail string    `json:"detail"`
	Hash   []byte    `json:"hash"`
}

// Encode writes notes as they travel.
func (n Notes) Encode() ([]byte, error) {
	n.Version = 1
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	return pack(text), nil
}

// DecodeNotes reads what Notes.Encode has written.
func DecodeNotes(message []byte) (n Notes, err error) {
	text, err := unpack(message)
	if err != nil {
		return n, fmt.Errorf("events: %w", err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("events: %w", err)
	}
	if n.Version != 1 || !epochs(n.Epoch) || len(n.Events)+len(n.Audit) > MaxResults {
		return n, errors.New("events: no events of version 1")
	}
	return n, nil
}
