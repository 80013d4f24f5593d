// Package gpio lights lamps on GPIO lines and listens to buttons on others, through
// the kernel's GPIO character device (/dev/gpiochipN, uAPI v2, or v1 before Linux
// 5.10).
//
// Chips are given by name, path or label, lines by offset or name; gpioinfo (Debian
// package gpiod) prints all of them. Offsets and chip numbers may change with a
// kernel, labels and line names rarely do.
//
// The five lines of the lamps are requested together, dark from the first moment,
// and set by one call. Whether they then change in the same nanosecond is the
// chip's matter.
//
// A line keeps its level when its process is killed. [Blank] darkens the lamps then
// and is meant for ExecStopPost. Once nobody holds a line, some kernels let it
// float: wire lamps so that a floating line is dark, with a resistor to ground, or
// to the supply if lamps are lit by a low line.
package gpio
