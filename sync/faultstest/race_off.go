//go:build !race

package faultstest

const raceDetector = false
