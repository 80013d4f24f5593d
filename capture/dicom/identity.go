package dicom

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Identity is what a file says about whom and what it shows. Only the import of training
// data asks for it, to keep the pictures of one person together; the box never does.
// What is missing, or longer than a value may be, is "".
type Identity struct {
	Patient     string // Patient ID (0010,0020)
	Study       string // Study Instance UID (0020,000D)
	Series      string // Series Instance UID (0020,000E)
	Instance    string // SOP Instance UID (0008,0018)
	Description string // Series Description (0008,103E)
	View        string // View Position (0018,5101)
	Maker       string // Manufacturer (0008,0070)
	Model       string // Manufacturer's Model Name (0008,1090)
}

// field is where the value of a tag goes; nil for all others.
func (i *Identity) field(t tagID) *string {
	switch t {
	case 0x0010_0020:
		return &i.Patient
	case 0x0020_000d:
		return &i.Study
	case 0x0020_000e:
		return &i.Series
	case 0x0008_0018:
		return &i.Instance
	case 0x0008_103e:
		return &i.Description
	case 0x0018_5101:
		return &i.View
	case 0x0008_0070:
		return &i.Maker
	case 0x0008_1090:
		return &i.Model
	}
	return nil
}

// identity is the worker's argument that asks for it, and the kind of its answer.
const (
	identityArgument = "identity"
	kindIdentity     = 'I'
)

// Identify reads who and what a file shows, in a worker of its own as [Open] does.
// Errors do not name the file.
func Identify(ctx context.Context, path string, opts Options) (id Identity, err error) {
	if opts, err = opts.withDefaults(); err != nil {
		return id, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return id, err
	}
	scratch, err := os.MkdirTemp("", "lungbox-dicom-")
	if err != nil {
		return id, fmt.Errorf("no room to read DICOM files: %w", err)
	}
	defer os.RemoveAll(scratch)
	limited, cancel := context.WithTimeout(ctx, opts.Patience)
	defer cancel()
	args := append(append([]string{}, opts.Worker[1:]...), path, scratch, strconv.FormatInt(opts.Memory, 10), identityArgument)
	cmd := exec.CommandContext(limited, opts.Worker[0], args...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DCMDICTPATH=" + os.Getenv("DCMDICTPATH"), "LC_ALL=C", "GOMAXPROCS=2"}
	answer, complaints := &bounded{limit: maxHeader}, &bounded{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = answer, complaints
	stdin, err := cmd.StdinPipe() // stays open as long as we live
	if err != nil {
		return id, err
	}
	defer stdin.Close()
	died := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return id, ctx.Err()
	case limited.Err() != nil:
		return id, fmt.Errorf("%w: reading it takes more than %v", ErrLimit, opts.Patience)
	}
	m := &messages{in: bufio.NewReader(&answer.Buffer)}
	if id, err = m.readIdentity(); errors.Is(err, io.ErrUnexpectedEOF) {
		return id, fmt.Errorf("%w: the DICOM worker died on it (%s)", ErrDamaged, firstLine(complaints.String(), fmt.Sprint(died)))
	}
	return id, err
}

func (m *messages) readIdentity() (id Identity, err error) {
	kind, size, err := m.next()
	if err != nil {
		return id, err
	}
	if kind == kindError {
		return id, m.readError(size)
	}
	body, err := m.body(size, maxHeader)
	if err == nil && (kind != kindIdentity || json.Unmarshal(body, &id) != nil) {
		err = errWire
	}
	return id, err
}

// identify is the worker's side: it walks the top level of the file and reads nothing
// but the values wanted.
func identify(ctx context.Context, path, scratch string, out io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer func() { file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	s := &scanner{file: file, size: info.Size()}
	l, at, err := s.meta()
	if err != nil {
		return err
	}
	if program := transcoderOf(l.syntax).program; program == "dcmconv" { // deflated or big endian: not ours to read
		copied, _, err := openReadable(ctx, path, scratch)
		if err != nil {
			return err
		}
		file.Close()
		file = copied
		if info, err = file.Stat(); err != nil {
			return err
		}
		s = &scanner{file: file, size: info.Size()}
		if l, at, err = s.meta(); err != nil {
			return err
		}
	}
	var id Identity
	for {
		if at >= s.size {
			return fmt.Errorf("%w: it ends before its picture", ErrDamaged)
		}
		e, err := s.header(at, l.implicit)
		if err != nil {
			return err
		}
		if e.tag > 0x0020_ffff { // all that is wanted comes before, in the order of tags
			break
		}
		end, err := s.skip(e, l.implicit, 0)
		if err != nil {
			return err
		}
		if to := id.field(e.tag); to != nil && e.length <= shortValue {
			raw, err := s.bytes(e.value, int(e.length))
			if err != nil {
				return err
			}
			*to = strings.ToValidUTF8(strings.TrimSpace(string(bytes.Trim(raw, "\x00 "))), "?")
		}
		at = end
	}
	body, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return writeMessage(out, kindIdentity, body)
}
