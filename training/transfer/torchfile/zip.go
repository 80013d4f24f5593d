package torchfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"lungbox/training/transfer/pickle"
)

// maxDirectory bounds what is read to list a zip archive: the list of a ResNet-50's
// records takes 30 KB.
const maxDirectory = 8 << 20

// metered lets a reader read so many bytes and then no more.
type metered struct {
	io.ReaderAt
	left int64
}

func (m *metered) ReadAt(p []byte, at int64) (int, error) {
	m.left -= int64(len(p))
	if m.left < 0 {
		return 0, fmt.Errorf("the list of records is longer than %d bytes", maxDirectory)
	}
	return m.ReaderAt.ReadAt(p, at)
}

// readZip returns the object that the archive holds, its storages in place.
func readZip(r io.ReaderAt, size int64) (any, error) {
	meter := &metered{r, maxDirectory}
	archive, err := zip.NewReader(meter, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // a path is never opened here
		return nil, fmt.Errorf("%w: zip archive: %w: the file is damaged or cut short", ErrFormat, err)
	}
	meter.left = 1 << 62 // from here on every read is bounded by a record's own size
	records, folder, err := list(archive)
	if err != nil {
		return nil, err
	}
	if order, err := small(records[folder+"/byteorder"]); err != nil {
		return nil, err
	} else if order != nil && string(order) != "little" {
		return nil, fmt.Errorf("%w: values in byte order %q", ErrFormat, order)
	}
	program, err := small(records[folder+"/data.pkl"])
	if err != nil {
		return nil, err
	}
	found := storages{}
	decoder := pickle.NewDecoder(bytes.NewReader(program))
	decoder.Find, decoder.Persistent = find, found.persistent
	root, err := decoder.Decode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder+"/data.pkl", err)
	}
	for key, s := range found {
		if err := s.placeRecord(r, size, records[folder+"/data/"+key]); err != nil {
			return nil, fmt.Errorf("%w: storage %s: %w", ErrFormat, key, err)
		}
	}
	return root, nil
}

// list returns the records by name and the one folder that they are in.
func list(archive *zip.Reader) (records map[string]*zip.File, folder string, err error) {
	records = map[string]*zip.File{}
	for _, record := range archive.File {
		if records[record.Name] != nil {
			return nil, "", fmt.Errorf("%w: record %q is there twice", ErrFormat, record.Name)
		}
		records[record.Name] = record
		parent, name, _ := strings.Cut(record.Name, "/")
		switch name {
		case "data.pkl":
			if folder != "" {
				return nil, "", fmt.Errorf("%w: the archive holds two objects", ErrFormat)
			}
			folder = parent
		case "constants.pkl":
			return nil, "", fmt.Errorf("%w: it is a TorchScript program (torch.jit.save): save model.state_dict() with torch.save", ErrFormat)
		}
	}
	if folder == "" {
		return nil, "", fmt.Errorf("%w: a zip archive without data.pkl", ErrFormat)
	}
	return records, folder, nil
}

// small reads a record other than values whole; nil when there is none.
func small(record *zip.File) ([]byte, error) {
	if record == nil {
		return nil, nil
	}
	const most = 16 << 20 // more than package pickle reads
	if record.Method != zip.Store || record.UncompressedSize64 > most {
		return nil, fmt.Errorf("%w: record %q is compressed or longer than %d bytes, torch.save writes neither", ErrFormat, record.Name, most)
	}
	content, err := record.Open()
	if err == nil {
		defer content.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(content, most+1)); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("%w: record %q: %w", ErrFormat, record.Name, err)
}

// placeRecord ties the storage to its record.
func (s *storage) placeRecord(r io.ReaderAt, size int64, record *zip.File) error {
	if record == nil {
		return errors.New("its record is missing")
	}
	length := s.count * int64(s.dtype.Size())
	if record.Method != zip.Store || record.CompressedSize64 != record.UncompressedSize64 {
		return errors.New("its record is compressed, torch.save never does that")
	}
	if record.UncompressedSize64 != uint64(length) {
		return fmt.Errorf("its record has %d bytes, want %d", record.UncompressedSize64, length)
	}
	offset, err := record.DataOffset()
	if err != nil {
		return err
	}
	if offset < 0 || offset > size-length {
		return errors.New("its record reaches beyond the end: the file is cut short")
	}
	s.bytes = io.NewSectionReader(r, offset, length)
	s.check = func() error {
		content, err := record.Open()
		if err == nil {
			defer content.Close()
			_, err = io.Copy(io.Discard, content)
		}
		if errors.Is(err, zip.ErrChecksum) {
			return fmt.Errorf("%w: checksum of record %q is wrong: the file is damaged, or was saved with torch.serialization.set_crc32_options(False)", ErrFormat, record.Name)
		}
		return err
	}
	return nil
}
