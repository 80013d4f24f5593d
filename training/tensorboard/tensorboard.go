// Package tensorboard writes event files that TensorBoard shows: TFRecords of Event
// messages. A record is its length, a checksum of the length, the bytes and a checksum
// of these; checksums are CRC-32C, masked as TensorFlow does it.
//
// Writers that follow each other in one folder, after an interruption, each make a file
// of their own. Its first event says from which step it goes on; TensorBoard then drops
// what the file before it has from there, and a last record that a crash tore.
package tensorboard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	summary "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"
	event "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"
)

// Writer writes one event file.
type Writer struct{ file *os.File }

// Create begins an event file in dir for what comes after a step: TensorBoard drops what
// earlier files have of later steps.
func Create(dir string, now time.Time, step int64) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("events.out.tfevents.%010d.lungtrain.%d.%d", now.Unix(), os.Getpid(), now.Nanosecond())
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	w := &Writer{file}
	err = w.write(&event.Event{WallTime: seconds(now), What: &event.Event_FileVersion{FileVersion: "brain.Event:2"}})
	if err == nil {
		err = w.write(&event.Event{WallTime: seconds(now), Step: step + 1, What: &event.Event_SessionLog{
			SessionLog: &event.SessionLog{Status: event.SessionLog_START},
		}})
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return w, nil
}

// Scalar adds a point to the curve of a tag.
func (w *Writer) Scalar(step int64, now time.Time, tag string, value float64) error {
	return w.write(&event.Event{WallTime: seconds(now), Step: step, What: &event.Event_Summary{Summary: &summary.Summary{
		Value: []*summary.Summary_Value{{Tag: tag, Value: &summary.Summary_Value_SimpleValue{SimpleValue: float32(value)}}},
	}}})
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// write appends a record in one call, so that a crash tears the last one at most.
func (w *Writer) write(e *event.Event) error {
	data, err := proto.Marshal(e)
	if err != nil {
		return err
	}
	record := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	record = binary.LittleEndian.AppendUint32(record, masked(record))
	record = append(record, data...)
	record = binary.LittleEndian.AppendUint32(record, masked(data))
	_, err = w.file.Write(record)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum as TFRecord stores it: a plain one of data that holds checksums
// itself would be weak.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
