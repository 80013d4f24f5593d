// Package panel lights the lamps beside the scanner: four score lamps and a live
// lamp.
//
// The lit score lamps are a bar. Score 0 is the first lamp, score 3 all four: both
// the topmost lit lamp and the number of lit lamps say the score, so colour is never
// needed to read it. A dead lamp within the bar is a gap that is seen; a dead lamp at
// its top makes a score look one lower, which only the lamp test at start shows.
// The live lamp is lit while the picture that comes now is being judged, with or
// without a score. The score lamps count only while the live lamp is lit. A box
// without power, a box that hangs, a box without a picture: all dark.
//
//	score lamps   live   meaning
//	bar of 1–4    lit    score 0–3
//	dark          lit    live, but no score: see the page for the reason
//	dark          dark   nothing to trust: stale, no signal, fault, updating, off
//	dark for half a second every ten seconds: the same, and somebody should look at the page
//	bar of 4      dark   first half of the lamp test at start; the second is the live lamp alone
//
// Light is steady. Red, yellow, green and flashing mean alarms on medical devices
// (IEC 60601-1-8), so nothing here flashes and no lamp has a colour of its own. What
// needs a person, such as a faulty configuration, makes live lamps wink, far slower.
//
// [Indicator] holds the rules and no hardware; a [Driver] drives hardware and knows
// no rules; [Panel] joins the two and owns the goroutine.
package panel
