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
	table := csv.NewReader(r)
	head, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it is empty: want the columns %s", strings.Join(columns, ","))
	}
	if err != nil {
		return nil, fmt.Errorf("row 1: %w", err)
	}
	head[0] = strings.TrimPrefix(head[0], "\ufeff") // spreadsheets write a byte order mark
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("row 1: the columns are %s: want %s", strings.Join(head, ","), strings.Join(columns, ","))
	}
	var rows []T
	var faults []string
	for {
		fields, err := table.Read()
		if errors.Is(err, io.EOF) {
			return rows, summary(faults)
		}
		if line := new(csv.ParseError); errors.As(err, &line) {
			faults = append(faults, fmt.Sprintf("row %d: %v", line.Line, line.Err))
			if errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			return nil, summary(faults) // an open quotation mark: nothing behind it can be trusted
		}
		if err != nil {
			return nil, err
		}
		row, err := parse(fields)
		if err != nil {
			line, _ := table.FieldPos(0)
			faults = append(faults, fmt.Sprintf("row %d: %v", line, err))
		}
		rows = append(rows, row)
	}
}

// summary is the error of a table with these faults; nil when there are none.
func summary(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	const shown = 4
	if more := len(faults) - shown; more > 0 {
		faults = append(faults[:shown:shown], fmt.Sprintf("and %d more rows", more))
	}
	return errors.New(strings.Join(faults, "; "))
}

// FormatScore writes a reader's score as ParseScore reads it.
func FormatScore(score int) string {
	if score == Unscored {
		return ""
	}
	return fmt.Sprint(score)
}
