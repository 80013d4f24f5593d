package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/capture"
	"lungbox/daemon/commandline"
	"lungbox/ensemble"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/explain"
	"lungbox/training/simulate"
)

func newExplain() *cobra.Command {
	var data string
	var most int
	var engine engineFlags
	c := &cobra.Command{
		Use:   "explain R|RELEASE --data SIMULATED",
		Short: "Measure whether heat maps point at lung signs, on simulated pictures",
		Long: `Score simulated pictures with the nets of a run or of a release and compare the heat map of
every right score with where the signs were put: how much of the map's mass lies on them,
and how often its highest place does, beside what an even map would have and what the best map
of as few places could.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if most < 1 {
				return commandline.Usagef("--most %d: want at least 1", most)
			}
			return explainRun(c.Context(), args[0], data, most, engine.options())
		},
	}
	c.Flags().StringVar(&data, "data", "", "dataset of lungtrain data simulate that no net has seen")
	c.Flags().IntVar(&most, "most", 500, "pictures, evenly spread over the dataset")
	engine.add(c)
	commandline.Require(c, "data")
	return c
}

func explainRun(ctx context.Context, dir, data string, most int, opt tensorflow.Options) error {
	known, err := readTruths(data)
	if err != nil {
		return err
	}
	set, done, err := openSet(ctx, dir, opt)
	if err != nil {
		return err
	}
	defer done()
	pool, _, err := loadPool(ctx, data, func(string) bool { return true })
	if err != nil {
		return err
	}
	const side = 64
	var sum [ensemble.Scores + 1]struct{ n, peak, mass, cover, bestPeak, bestMass, hot, mostly float64 }
	for _, p := range every(pool.Pictures, most) {
		d, err := set.Score(ctx, &capture.Frame{Image: p.Image})
		if err != nil {
			return err
		}
		truth, err := known.of(p.File)
		if err != nil {
			return err
		}
		if int(d.Score) != truth.Score || d.Heat == nil {
			continue
		}
		lit := make([]bool, side*side)
		for i := range lit {
			x, y := (i%side)*p.Image.Rect.Dx()/side, (i/side)*p.Image.Rect.Dy()/side
			lit[i] = p.Image.Pix[y*p.Image.Stride+x] > 1
		}
		sign := explain.Signs(truth, p.Image.Rect.Dx(), side)
		hit, best := sign.Measure(d.Heat, lit), sign.Best(d.Heat.W, d.Heat.H, lit)
		for _, at := range []int{truth.Score, ensemble.Scores} {
			s := &sum[at]
			s.n++
			s.mass += hit.Mass
			s.cover += hit.Cover
			s.hot += hit.Hot
			if hit.Hot > 0.5 {
				s.mostly++
			}
			s.bestMass += best.Mass
			if hit.Peak {
				s.peak++
			}
			if best.Peak {
				s.bestPeak++
			}
		}
	}
	fmt.Println("score  pictures   peak on a sign  (at best)   mass on signs  (at best)   of its hot half   mostly on signs   an even map would have")
	for score, s := range sum {
		name := fmt.Sprint(score)
		if score == ensemble.Scores {
			name = "all"
		}
		share := func(x float64) float64 { return 100 * x / max(1, s.n) }
		fmt.Printf("%5s %9.0f %14.1f %% %9.1f %% %13.1f %% %9.1f %% %15.1f %% %15.1f %% %18.1f %%\n", name, s.n, share(s.peak), share(s.bestPeak), share(s.mass), share(s.bestMass), share(s.hot), share(s.mostly), share(s.cover))
	}
	return nil
}

// truths are what is in the pictures of a simulated dataset.
type truths struct {
	dir    string
	byFile map[string]simulate.Truth
}

// of is what is in a picture.
func (t truths) of(file string) (simulate.Truth, error) {
	truth, ok := t.byFile[file]
	if !ok {
		return truth, fmt.Errorf("%s has no truth of %s: make the dataset again with lungtrain data simulate", t.dir, file)
	}
	return truth, nil
}

// readTruths reads what is in the pictures of a simulated dataset.
func readTruths(dir string) (truths, error) {
	path := filepath.Join(dir, "truth.jsonl")
	file, err := os.Open(path)
	if err != nil {
		return truths{}, fmt.Errorf("%w: want a dataset of lungtrain data simulate", err)
	}
	defer file.Close()
	all := truths{dir: dir, byFile: map[string]simulate.Truth{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for n := 1; lines.Scan(); n++ {
		var line struct {
			File  string         `json:"file"`
			Truth simulate.Truth `json:"truth"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return truths{}, fmt.Errorf("%s:%d: %w: make the dataset again", path, n, err)
		}
		all.byFile[line.File] = line.Truth
	}
	return all, lines.Err()
}
