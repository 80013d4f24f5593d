package fit

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"math/rand/v2"
	"slices"

	"lungbox/training/dataset"
)

// Pool is one set of pictures to draw from, with its share of the batches.
type Pool struct {
	Name     string  // for errors: the folder
	Share    float64 // of all draws; the shares of all pools are scaled to sum to one
	Pictures []dataset.Picture
}

// sampler draws pictures. What a draw gives depends on the seed and the number of
// the draw only, so that a run that was interrupted goes on with the same pictures.
//
// A draw chooses a pool by its share, then a score, then a clip of that score, then
// a picture of that clip, each evenly: neither common scores nor long clips
// outweigh the others.
type sampler struct {
	seed  uint64
	pools []pool
	upTo  []float64 // running sum of the shares
}

// pool holds pictures by score, then by clip.
type pool struct{ scores [][][]dataset.Picture }

func newSampler(seed uint64, pools []Pool) (*sampler, error) {
	s := &sampler{seed: seed}
	total := 0.0
	for _, p := range pools {
		grouped, err := group(p)
		if err != nil {
			return nil, err
		}
		if !(p.Share > 0) {
			return nil, fmt.Errorf("%s: share %v of the pictures is not positive", p.Name, p.Share)
		}
		total += p.Share
		s.pools, s.upTo = append(s.pools, grouped), append(s.upTo, total)
	}
	if len(s.pools) == 0 {
		return nil, errors.New("no pictures to train on")
	}
	for i := range s.upTo {
		s.upTo[i] /= total
	}
	return s, nil
}

func group(p Pool) (pool, error) {
	byScore := map[int]map[string][]dataset.Picture{}
	for _, picture := range p.Pictures {
		if byScore[picture.Score] == nil {
			byScore[picture.Score] = map[string][]dataset.Picture{}
		}
		key := clipOf(picture)
		byScore[picture.Score][key] = append(byScore[picture.Score][key], picture)
	}
	if len(byScore) == 0 {
		return pool{}, fmt.Errorf("%s: no picture has a score", p.Name)
	}
	var out pool
	for _, score := range slices.Sorted(maps.Keys(byScore)) {
		var clips [][]dataset.Picture
		for _, key := range slices.Sorted(maps.Keys(byScore[score])) {
			clips = append(clips, byScore[score][key])
		}
		out.scores = append(out.scores, clips)
	}
	return out, nil
}

// clipOf tells the clips of all patients apart.
func clipOf(p dataset.Picture) string {
	return p.Patient + "\x00" + p.Exam + "\x00" + p.Zone + "\x00" + p.Clip
}

// draw returns picture number n with its score, and the random source for its
// augmentation.
func (s *sampler) draw(n uint64) (*image.Gray, int, *rand.Rand) {
	r := rand.New(rand.NewPCG(s.seed, n))
	x := r.Float64()
	i := slices.IndexFunc(s.upTo, func(up float64) bool { return x < up })
	if i < 0 {
		i = len(s.pools) - 1
	}
	scores := s.pools[i].scores
	clips := scores[r.IntN(len(scores))]
	clip := clips[r.IntN(len(clips))]
	picture := clip[r.IntN(len(clip))]
	return picture.Image, picture.Score, r
}
