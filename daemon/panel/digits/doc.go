// Package digits shows the score as a digit on a display with a chip of its own:
// TM1637 (up to six digits of seven segments, on two GPIO lines) or MAX7219 (eight
// digits or a matrix of 8×8 lights, on SPI).
//
//	0 1 2 3   live, with this score
//	-         live, but no score; second half of the lamp test
//	blank     nothing to trust
//	all lit   first half of the lamp test
//
// One dead segment never makes one of these out of another, except a blank display
// out of the dash. Only these are shown: lamps that stand for nothing give
// panel.ErrNoSign and a blank display.
//
// Every Show sends the whole picture with all settings of the chip, so that a
// display that lost power is right again within a second. What stays lit is
// written over with the same and does not flicker.
//
// These chips go on showing what they were told until they lose power, also when
// the process that told them was killed: [Blank] is meant for ExecStopPost. They do
// not answer, so a display that is not connected goes unnoticed; only the lamp test
// shows it.
package digits
