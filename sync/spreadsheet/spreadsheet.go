// Package spreadsheet makes text harmless for the programs that open tables.
package spreadsheet

import "strings"

// Cell is text as a cell of a CSV file: what a spreadsheet would run as a formula gets an
// apostrophe before it.
func Cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r\n") {
		return "'" + text
	}
	return text
}
