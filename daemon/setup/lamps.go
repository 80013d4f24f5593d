package setup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Lamps is how many lamps a panel of lamps has: of scores 0 to 3, then the live lamp.
const Lamps = 5

// Unseen is what a person says who sees no lamp.
const Unseen = -1

// names of the lamps.
var names = [Lamps]string{"0", "1", "2", "3", "live"}

// Order sorts the lines of a panel of lamps: seen has, for each lamp that was lit, the place where
// a person saw one. It returns the driver with its lines in the right order; the same when they
// were. Lamps that were not seen, or two in one place, are an error that says what to look at.
func Order(driver string, seen [Lamps]int) (string, error) {
	var dark, doubled []string
	var at [Lamps][]int // lamps that were seen in a place
	for lamp, place := range seen {
		switch {
		case place == Unseen:
			dark = append(dark, names[lamp])
		case place < 0 || place >= Lamps:
			return "", fmt.Errorf("there is no lamp %d", place)
		default:
			at[place] = append(at[place], lamp)
		}
	}
	for place, lamps := range at {
		if len(lamps) > 1 {
			doubled = append(doubled, names[place])
		}
	}
	switch {
	case len(dark) == Lamps:
		return "", errors.New("no lamp was seen: look at the panel's power and at which panel was chosen")
	case len(dark) > 0:
		return "", fmt.Errorf("not seen: lamp %s; look at its wire", strings.Join(dark, ", "))
	case len(doubled) > 0:
		return "", fmt.Errorf("seen twice: lamp %s; look at the wires, or look again", strings.Join(doubled, ", "))
	case slices.Equal(seen[:], []int{0, 1, 2, 3, 4}):
		return driver, nil
	}
	text, active := strings.CutSuffix(driver, ":active-low")
	cut := strings.LastIndex(text, ":")
	lines := strings.Split(text[cut+1:], ",")
	if !strings.HasPrefix(driver, "gpio:") || len(lines) != Lamps {
		return "", fmt.Errorf("the lamps are in another order, %s: swap their wires", inOrder(seen))
	}
	sorted := make([]string, Lamps)
	for lamp, place := range seen {
		sorted[place] = strings.TrimSpace(lines[lamp])
	}
	driver = text[:cut+1] + strings.Join(sorted, ",")
	if active {
		driver += ":active-low"
	}
	return driver, nil
}

func inOrder(seen [Lamps]int) string {
	var all []string
	for lamp, place := range seen {
		all = append(all, names[lamp]+" is seen at "+names[place])
	}
	return strings.Join(all, ", ")
}
