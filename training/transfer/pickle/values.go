package pickle

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"unicode/utf8"
)

func (m *machine) integer(op byte) (any, error) {
	switch op {
	case opBinInt1:
		b, err := m.decoder.byte()
		return int64(b), err
	case opBinInt2:
		b, err := m.decoder.operand(2)
		return int64(binary.LittleEndian.Uint16(b)), err
	case opBinInt:
		n, err := m.decoder.uint32()
		return int64(int32(n)), err
	}
	length, err := m.decoder.byte() // LONG1: little-endian two's complement
	if err != nil {
		return nil, err
	}
	text, err := m.decoder.text(uint32(length))
	if err != nil {
		return nil, err
	}
	bytes := []byte(text)
	slices.Reverse(bytes)
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
	}
	return bigOrSmall(n), nil
}

func (m *machine) text(op byte) (string, error) {
	var length uint32
	var err error
	if op == opShortBinString {
		var b byte
		b, err = m.decoder.byte()
		length = uint32(b)
	} else {
		length, err = m.decoder.uint32()
	}
	if err != nil {
		return "", err
	}
	s, err := m.decoder.text(length)
	if err == nil && !utf8.ValidString(s) {
		err = fmt.Errorf("%w: a string that is not UTF-8", ErrFormat)
	}
	return s, err
}

// index reads the operand of an opcode that names a place in the memo.
func (m *machine) index(short bool) (uint32, error) {
	if short {
		b, err := m.decoder.byte()
		return uint32(b), err
	}
	return m.decoder.uint32()
}

func (m *machine) put(op byte) error {
	i, err := m.index(op == opBinPut)
	if err != nil {
		return err
	}
	value, err := m.top()
	if err != nil {
		return err
	}
	if len(m.memo) == maxMemo {
		return fmt.Errorf("%w: more than %d remembered values", ErrFormat, maxMemo)
	}
	m.memo[i] = value
	return nil
}

func (m *machine) get(op byte) (any, error) {
	i, err := m.index(op == opBinGet)
	if err != nil {
		return nil, err
	}
	value, ok := m.memo[i]
	if !ok {
		return nil, fmt.Errorf("%w: it recalls value %d, which it never remembered", ErrFormat, i)
	}
	return value, nil
}

func (m *machine) appendItems(op byte) error {
	var items []any
	var err error
	if op == opAppends {
		items, err = m.takeMarked()
	} else {
		items, err = m.take(1)
	}
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	list, ok := target.(*List)
	if !ok {
		return fmt.Errorf("%w: it appends to something other than a list", ErrFormat)
	}
	list.Items = append(list.Items, items...)
	return nil
}

func (m *machine) setItems(op byte) error {
	var items []any
	var err error
	if op == opSetItems {
		items, err = m.takeMarked()
	} else {
		items, err = m.take(2)
	}
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	dict, ok := target.(*Dict)
	if !ok || len(items)%2 != 0 {
		return fmt.Errorf("%w: it sets items of something other than a dict", ErrFormat)
	}
	for pair := range slices.Chunk(items, 2) {
		dict.Items = append(dict.Items, Item{pair[0], pair[1]})
	}
	return nil
}

func (m *machine) global() (any, error) {
	module, err := m.decoder.line()
	if err != nil {
		return nil, err
	}
	name, err := m.decoder.line()
	if err != nil {
		return nil, err
	}
	global := m.decoder.Find(module, name)
	if global == nil {
		return nil, fmt.Errorf("%w: it names %q, which no state dict needs", ErrRefused, module+"."+name)
	}
	return global, nil
}

// call is a function's result for arguments, or a new object of a class.
func (m *machine) call() (any, error) {
	pair, err := m.take(2)
	if err != nil {
		return nil, err
	}
	global, isGlobal := pair[0].(*Global)
	args, isTuple := pair[1].(Tuple)
	switch {
	case !isGlobal || !isTuple:
		return nil, fmt.Errorf("%w: it calls something that is no function", ErrFormat)
	case global.Call == nil:
		return nil, fmt.Errorf("%w: it calls %q", ErrRefused, global)
	}
	return global.Call(args)
}

func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	builder, ok := target.(Builder)
	if !ok {
		return fmt.Errorf("%w: it gives a state to something that has none", ErrFormat)
	}
	return builder.Build(state)
}
