// Package serial lights stack lights (towers) on a serial port. What is sent for a
// lamp is a table; three are built in.
//
//   - [Relay]: five relays at 9600 baud 8N1, switched by frames A0 CH ST SUM: channel,
//     1 for on or 0 for off, and the sum of the three modulo 256.
//   - [Adafruit]: three lamps, switched by single bytes, 0x11 0x12 0x14 for on and
//     0x21 0x22 0x24 for off (red, yellow, green). The bytes that make lamps blink or
//     the buzzer sound are never sent.
//   - [Custom]: five lamps with bytes of your own.
//
// Five lamps show what package panel says. Three lamps show this, with the lowest
// lamp first:
//
//	●○○   score 1
//	●●○   score 2
//	●●●   score 3, and first half of the lamp test
//	○○●   score 0
//	○●○   live, but no score; second half of the lamp test
//	○○○   nothing to trust
//
// So the number of lamps lit from below is the score; a lamp that hangs in the air is
// a zero at the top, and a dash in the middle. The top was chosen for zero because no
// single dead lamp makes it out of another score. Colours mean nothing here: cover
// them with white, or tell everybody who sees the tower, because red, yellow and
// green have a meaning on medical devices (IEC 60601-1-8). One dead lamp at the top
// of a bar makes the bar shorter, as with five lamps; the lamp test shows it.
//
// Every Show sends the state of all lamps, so that a tower that lost power is right
// again within a second. A lamp that stays lit is told so and not switched. Lamps go
// out before others are lit. When a port is opened, everything is switched off
// first; a port that fails is opened anew by the next Show.
package serial
