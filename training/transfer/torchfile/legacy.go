package torchfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"

	"lungbox/training/transfer/pickle"
)

// What the older format begins with (torch.serialization.MAGIC_NUMBER and
// PROTOCOL_VERSION).
const (
	legacyMagic    = "1950a86a20f9469cfc6c"
	legacyProtocol = 1001
)

// readLegacy returns the object of a file in the older format, its storages in
// place.
func readLegacy(r io.ReaderAt, size int64) (any, error) {
	decoder := pickle.NewDecoder(io.NewSectionReader(r, 0, size))
	if err := legacyHead(decoder); err != nil {
		return nil, err
	}
	found := storages{}
	decoder.Find, decoder.Persistent = find, found.persistent
	root, err := decoder.Decode()
	if err != nil {
		return nil, err
	}
	value, err := decoder.Decode()
	if err != nil {
		return nil, err
	}
	keys, ok := value.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("%w: no list of storages behind the object", ErrFormat)
	}
	at := decoder.Offset()
	for _, key := range keys.Items {
		name, _ := key.(string)
		s := found[name]
		if s == nil || s.bytes != nil {
			return nil, fmt.Errorf("%w: storage %q is listed and not used, or listed twice", ErrFormat, name)
		}
		if at, err = s.placeLegacy(r, size, at); err != nil {
			return nil, fmt.Errorf("%w: storage %s: %w", ErrFormat, name, err)
		}
	}
	return root, nil
}

// legacyHead reads the three pickles in front of the object.
func legacyHead(decoder *pickle.Decoder) error {
	magic, err := decoder.Decode()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if n, ok := magic.(*big.Int); !ok || n.Text(16) != legacyMagic {
		return fmt.Errorf("%w: a pickle without torch.save's magic number", ErrFormat)
	}
	version, err := decoder.Decode()
	if err != nil {
		return err
	}
	if version != int64(legacyProtocol) {
		return fmt.Errorf("%w: the older format in a version other than %d", ErrFormat, legacyProtocol)
	}
	value, err := decoder.Decode()
	if err != nil {
		return err
	}
	system, ok := value.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("%w: no facts about the system that wrote it", ErrFormat)
	}
	if little, _ := system.Get("little_endian"); little != true {
		return fmt.Errorf("%w: values in big-endian byte order", ErrFormat)
	}
	return nil
}

// placeLegacy ties the storage to its bytes at a position and returns the position
// behind them.
func (s *storage) placeLegacy(r io.ReaderAt, size, at int64) (int64, error) {
	var prefix [8]byte
	if n, err := r.ReadAt(prefix[:], at); n < len(prefix) {
		return 0, fmt.Errorf("the file is cut short: %w", err)
	}
	at += int64(len(prefix))
	length := s.count * int64(s.dtype.Size())
	if count := binary.LittleEndian.Uint64(prefix[:]); count != uint64(s.count) {
		return 0, fmt.Errorf("it has %d values, its tensors say %d", count, s.count)
	}
	if length > size-at {
		return 0, fmt.Errorf("it has %d bytes and only %d are there: the file is cut short", length, size-at)
	}
	s.bytes = io.NewSectionReader(r, at, length)
	return at + length, nil
}
