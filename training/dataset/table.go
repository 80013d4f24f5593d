package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadTable reads a CSV table whose first row names exactly these columns. parse makes
// a value of the fields of one row. The error is one line that names the first faulty
// rows by their line numbers and counts the others.
func ReadTable[T any](r io.Reader, columns []string, parse func(fields []string) (T, error)) ([]T, error) {
	rows, _, faults, err := scanTable(r, columns, parse)
	if err != nil {
		return nil, err
	}
	return rows, summary(faults)
}

// Fault is what is wrong with a row of a table.
type Fault struct {
	Line int // in the file, from 1
	Err  error
}

// scanTable reads a table to its end: the rows that are right with their line numbers,
// and the faults of the others. The error is of the table as a whole.
func scanTable[T any](r io.Reader, columns []string, parse func(fields []string) (T, error)) (rows []T, lines []int, faults []Fault, err error) {
	table := csv.NewReader(r)
	head, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, nil, fmt.Errorf("it is empty: want the columns %s", strings.Join(columns, ","))
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("row 1: %w", err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff") // spreadsheets write a byte order mark
	if !slices.Equal(head, columns) {
		return nil, nil, nil, fmt.Errorf("row 1: the columns are %s: want %s", strings.Join(head, ","), strings.Join(columns, ","))
	}
	for {
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			return rows, lines, faults, nil
		}
		if line := new(csv.ParseError); errors.As(err, &line) {
			faults = append(faults, Fault{line.Line, line.Err})
			if errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			return rows, lines, faults, nil // an open quotation mark: nothing behind it can be trusted
		}
		if err != nil {
			return nil, nil, nil, err
		}
		line, _ := table.FieldPos(0)
		row, err := parse(fields)
		if err != nil {
			faults = append(faults, Fault{line, err})
			continue
		}
		rows, lines = append(rows, row), append(lines, line)
	}
}

// summary is the error of a table with these faults; nil when there are none.
func summary(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	const shown = 4
	var texts []string
	for _, f := range faults[:min(shown, len(faults))] {
		texts = append(texts, fmt.Sprintf("row %d: %v", f.Line, f.Err))
	}
	if more := len(faults) - shown; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more rows", more))
	}
	return errors.New(strings.Join(texts, "; "))
}

// FormatScore writes a reader's score as ParseScore reads it.
func FormatScore(score int) string {
	if score == Unscored {
		return ""
	}
	return fmt.Sprint(score)
}
