package export

import (
	"slices"
	"strings"

	"lungbox/training/dataset/clips"
)

// Terms is the licence of a release's weights.
type Terms struct {
	ID   string // SPDX expression
	Text string // for the release's LICENSE file
}

// open are the licences, as clips.csv names them, that allow commercial use and
// changes under other terms.
var open = [...]string{"CC BY 4.0", "CC BY 2.0", "CC0 1.0"}

// Licence is the one that a release carries: Creative Commons Attribution when all
// clips allow that, Attribution-NonCommercial-ShareAlike as soon as one does not or
// its licence is unknown.
func Licence(used []clips.Clip) Terms {
	closed := slices.IndexFunc(used, func(c clips.Clip) bool {
		return !slices.Contains(open[:], strings.TrimSpace(c.Licence))
	})
	if closed >= 0 {
		licence := strings.TrimSpace(used[closed].Licence)
		if licence == "" {
			licence = "licence unknown"
		}
		return Terms{ID: "CC-BY-NC-SA-4.0", Text: `The weights in this directory are licensed under the Creative Commons
Attribution-NonCommercial-ShareAlike 4.0 International License
(https://creativecommons.org/licenses/by-nc-sa/4.0/), because they were made with
clips whose licences do not allow all uses, among them ` + used[closed].File + `
(` + licence + `). MODEL_CARD.md lists all clips with their sources and licences.
The program that runs them is licensed separately.
`}
	}
	text := `The weights in this directory are licensed under the Creative Commons
Attribution 4.0 International License (https://creativecommons.org/licenses/by/4.0/).
The program that runs them is licensed separately.
`
	if len(used) > 0 {
		text += "MODEL_CARD.md lists the clips that they were made with, with sources and licences.\n"
	}
	return Terms{ID: "CC-BY-4.0", Text: text}
}
