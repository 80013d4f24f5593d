package faultstest

import (
	"os"
	"strconv"
	"testing"
)

// Times is how often a test tries something: what the variable of the environment says, such as
// LUNGBOX_KILLS in a campaign, or a few times, as usual.
func Times(t testing.TB, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number from 1 on", variable, text)
	}
	return n
}
