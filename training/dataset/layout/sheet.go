package layout

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// sheet is a table that somebody else has made: columns in any order, separated by
// commas, semicolons or tabs.
type sheet struct {
	path  string
	head  []string
	rows  [][]string
	lines []int // of the rows in the file
}

// readSheet reads a table. Rows that are shorter than the head end in empty fields.
func readSheet(path string) (*sheet, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := bufio.NewReader(file)
	first, _ := in.Peek(4096)
	if mark := "\ufeff"; strings.HasPrefix(string(first), mark) {
		_, _ = in.Discard(len(mark)) // it was peeked at
	}
	table := csv.NewReader(in)
	table.FieldsPerRecord, table.LazyQuotes = -1, true
	line, _, _ := strings.Cut(string(first), "\n")
	for _, comma := range []rune{';', '\t'} {
		if strings.Count(line, string(comma)) > strings.Count(line, ",") {
			table.Comma = comma
		}
	}
	s := &sheet{path: path}
	for {
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if s.head == nil {
			s.head = fields
			continue
		}
		at, _ := table.FieldPos(0)
		s.rows, s.lines = append(s.rows, fields), append(s.lines, at)
	}
	if len(s.rows) == 0 {
		return nil, fmt.Errorf("%s: the table has no rows", path)
	}
	return s, nil
}

// column is the number of the first column with one of these names, in any case of
// letters; -1 when there is none.
func (s *sheet) column(names ...string) int {
	for _, name := range names {
		if i := slices.IndexFunc(s.head, func(h string) bool { return strings.EqualFold(h, name) }); i >= 0 {
			return i
		}
	}
	return -1
}

// need is column, or an error that names the columns there are.
func (s *sheet) need(names ...string) (int, error) {
	i := s.column(names...)
	if i < 0 {
		return i, fmt.Errorf("%s has no column %s: it has %s", s.path, strings.Join(names, " or "), strings.Join(s.head, ", "))
	}
	return i, nil
}

// value is a field of a row, "" when the row or the table does not have it.
func (s *sheet) value(row []string, column int) string {
	if column < 0 || column >= len(row) {
		return ""
	}
	return row[column]
}

// faults gathers what is wrong with rows into one line.
type faults struct {
	path  string
	lines []string
	more  int
}

func (f *faults) add(line int, format string, args ...any) {
	const shown = 4
	if len(f.lines) == shown {
		f.more++
		return
	}
	f.lines = append(f.lines, fmt.Sprintf("row %d: %s", line, fmt.Sprintf(format, args...)))
}

func (f *faults) err() error {
	if len(f.lines) == 0 {
		return nil
	}
	text := strings.Join(f.lines, "; ")
	if f.more > 0 {
		text += fmt.Sprintf("; and %d more rows", f.more)
	}
	return fmt.Errorf("%s: %s", f.path, text)
}
