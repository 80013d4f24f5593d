package pickle

import (
	"fmt"
	"math/big"
	"slices"
)

// The opcodes of protocol 2 that PyTorch's files hold, with the names of Python's
// pickletools. Python 2 wrote strings with the last two.
const (
	opMark           = '('
	opStop           = '.'
	opBinFloat       = 'G'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opNone           = 'N'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opAppends        = 'e'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opSetItems       = 'u'
	opEmptyDict      = '}'
	opEmptyList      = ']'
	opEmptyTuple     = ')'
	opProto          = 0x80
	opNewObj         = 0x81
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opLong1          = 0x8a
	opBinString      = 'T'
	opShortBinString = 'U'
)

// machine is the state of one pickle while it is read.
type machine struct {
	decoder *Decoder
	stack   []any
	marks   []int // heights of the stack
	memo    map[uint32]any
}

func (m *machine) run() (any, error) {
	for {
		op, err := m.decoder.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			return m.pop()
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
	}
}

// step carries out one opcode, most of which push one value.
func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		version, err := m.decoder.byte()
		if err == nil && version != 2 {
			err = fmt.Errorf("%w: pickle protocol %d: save with torch.save's default, 2", ErrFormat, version)
		}
		return err
	case opMark:
		if len(m.marks) == maxMarks {
			return fmt.Errorf("%w: more than %d containers in each other", ErrFormat, maxMarks)
		}
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opBinPut, opLongBinPut:
		return m.put(op)
	case opAppend, opAppends:
		return m.appendItems(op)
	case opSetItem, opSetItems:
		return m.setItems(op)
	case opBuild:
		return m.build()
	}
	value, err := m.value(op)
	if err != nil {
		return err
	}
	return m.push(value)
}

// value carries out an opcode that leaves one value.
func (m *machine) value(op byte) (any, error) {
	switch op {
	case opNone:
		return nil, nil
	case opNewTrue:
		return true, nil
	case opNewFalse:
		return false, nil
	case opEmptyDict:
		return &Dict{}, nil
	case opEmptyList:
		return &List{}, nil
	case opEmptyTuple:
		return Tuple{}, nil
	case opTuple1, opTuple2, opTuple3:
		items, err := m.take(int(op) - opTuple1 + 1)
		return Tuple(items), err
	case opTuple:
		items, err := m.takeMarked()
		return Tuple(items), err
	case opBinInt, opBinInt1, opBinInt2, opLong1:
		return m.integer(op)
	case opBinFloat:
		return m.decoder.float64()
	case opBinUnicode, opBinString, opShortBinString:
		return m.text(op)
	case opBinGet, opLongBinGet:
		return m.get(op)
	case opGlobal:
		return m.global()
	case opReduce, opNewObj:
		return m.call()
	case opBinPersID:
		id, err := m.pop()
		if err != nil {
			return nil, err
		}
		return m.decoder.Persistent(id)
	}
	return nil, fmt.Errorf("%w: opcode %#02x, which no state dict has", ErrFormat, op)
}

func (m *machine) push(value any) error {
	if len(m.stack) == maxStack {
		return fmt.Errorf("%w: more than %d values on the stack", ErrFormat, maxStack)
	}
	m.stack = append(m.stack, value)
	return nil
}

// floor is the height below which the stack belongs to a container around.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

// take pops n values. The result is the caller's.
func (m *machine) take(n int) ([]any, error) {
	at := len(m.stack) - n
	if at < m.floor() {
		return nil, fmt.Errorf("%w: it takes more from its stack than is there", ErrFormat)
	}
	items := slices.Clone(m.stack[at:])
	m.stack = m.stack[:at]
	return items, nil
}

// takeMarked pops what was pushed since the last mark, and the mark.
func (m *machine) takeMarked() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("%w: it ends a container that did not begin", ErrFormat)
	}
	items, err := m.take(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return items, err
}

func (m *machine) pop() (any, error) {
	items, err := m.take(1)
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// top is the value on top of the stack, which stays there.
func (m *machine) top() (any, error) {
	if len(m.stack) == m.floor() {
		return nil, fmt.Errorf("%w: it takes more from its stack than is there", ErrFormat)
	}
	return m.stack[len(m.stack)-1], nil
}

// bigOrSmall returns an int64 where the number fits.
func bigOrSmall(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}
