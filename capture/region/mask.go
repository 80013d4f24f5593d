package region

// mask marks cells of a grid.
type mask struct {
	w, h  int
	cells []bool
}

func newMask(w, h int) mask { return mask{w, h, make([]bool, w*h)} }

func (m mask) at(x, y int) bool { return m.cells[y*m.w+x] }

func (m mask) count() int {
	n := 0
	for _, set := range m.cells {
		if set {
			n++
		}
	}
	return n
}

// counts returns the table of sums over the rectangle from the origin to each cell.
func (m mask) counts() []int32 {
	sums := make([]int32, (m.w+1)*(m.h+1))
	for y := range m.h {
		row := int32(0)
		for x := range m.w {
			if m.at(x, y) {
				row++
			}
			sums[(y+1)*(m.w+1)+x+1] = sums[y*(m.w+1)+x+1] + row
		}
	}
	return sums
}

// window calls visit for each cell with the number of marked cells in the square
// of radius r round it, and the number of cells that the square has.
func (m mask) window(r int, visit func(cell int, marked, all int32)) {
	sums, stride := m.counts(), m.w+1
	for y := range m.h {
		top, bottom := max(0, y-r), min(m.h, y+r+1)
		for x := range m.w {
			left, right := max(0, x-r), min(m.w, x+r+1)
			marked := sums[bottom*stride+right] - sums[top*stride+right] - sums[bottom*stride+left] + sums[top*stride+left]
			visit(y*m.w+x, marked, int32((bottom-top)*(right-left)))
		}
	}
}

// opened keeps what a square of radius r fits into: strokes of letters, ticks and
// lines are thinner. Cells beyond the picture's edge count as marked.
func (m mask) opened(r int) mask {
	thick := newMask(m.w, m.h)
	m.window(r, func(c int, marked, all int32) { thick.cells[c] = marked == all })
	return thick.grown(r)
}

// grown marks all cells within r of a marked one.
func (m mask) grown(r int) mask {
	out := newMask(m.w, m.h)
	m.window(r, func(c int, marked, _ int32) { out.cells[c] = marked > 0 })
	return out
}

// part is a set of connected cells.
type part struct{ cells []int }

// parts splits a mask into its connected parts (4 neighbours), in reading order.
func (m mask) parts() []part {
	seen := make([]bool, len(m.cells))
	var found []part
	for start, set := range m.cells {
		if !set || seen[start] {
			continue
		}
		seen[start] = true
		cells := []int{start}
		for i := 0; i < len(cells); i++ {
			c := cells[i]
			x, y := c%m.w, c/m.w
			for _, n := range [4]struct {
				ok   bool
				cell int
			}{{x > 0, c - 1}, {x < m.w-1, c + 1}, {y > 0, c - m.w}, {y < m.h-1, c + m.w}} {
				if n.ok && m.cells[n.cell] && !seen[n.cell] {
					seen[n.cell] = true
					cells = append(cells, n.cell)
				}
			}
		}
		found = append(found, part{cells})
	}
	return found
}

func (m mask) mark(p part) {
	for _, c := range p.cells {
		m.cells[c] = true
	}
}
