package fit

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"lungbox/training/dataset"
	"lungbox/training/split"
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
// A draw chooses a pool by its share. Balanced sampling then draws a score, a clip of
// that score and a picture of that clip, each evenly: neither common scores nor long
// clips outweigh the others. Shuffled sampling goes through all pictures of a single
// pool in an order that is new in every epoch; of several pools it draws pictures
// evenly. Sampling by sources draws who published a clip between score and clip, so that
// no hospital with many clips stands for a score.
type sampler struct {
	seed     uint64
	pools    []pool
	upTo     []float64 // running sum of the shares
	shuffled bool
	orders   orders
}

// pool holds pictures, and again by score, source and clip.
type pool struct {
	pictures []dataset.Picture
	scores   [][][][]dataset.Picture // score, source (one for all unless drawn by it), clip
}

func newSampler(seed uint64, sampling string, pools []Pool) (*sampler, error) {
	s := &sampler{seed: seed, shuffled: sampling == Shuffled}
	total := 0.0
	for _, p := range pools {
		grouped, err := group(p, sampling == Sources)
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

func group(p Pool, bySource bool) (pool, error) {
	byScore := map[int]map[string]map[string][]dataset.Picture{}
	for _, picture := range p.Pictures {
		source := ""
		if bySource {
			source = split.SiteOf(picture.Source)
		}
		if byScore[picture.Score] == nil {
			byScore[picture.Score] = map[string]map[string][]dataset.Picture{}
		}
		if byScore[picture.Score][source] == nil {
			byScore[picture.Score][source] = map[string][]dataset.Picture{}
		}
		key := clipOf(picture)
		byScore[picture.Score][source][key] = append(byScore[picture.Score][source][key], picture)
	}
	if len(byScore) == 0 {
		return pool{}, fmt.Errorf("%s: no picture has a score", p.Name)
	}
	out := pool{pictures: p.Pictures}
	for _, score := range slices.Sorted(maps.Keys(byScore)) {
		var sources [][][]dataset.Picture
		for _, source := range slices.Sorted(maps.Keys(byScore[score])) {
			var clips [][]dataset.Picture
			for _, key := range slices.Sorted(maps.Keys(byScore[score][source])) {
				clips = append(clips, byScore[score][source][key])
			}
			sources = append(sources, clips)
		}
		out.scores = append(out.scores, sources)
	}
	return out, nil
}

// clipOf tells the clips of all patients apart.
func clipOf(p dataset.Picture) string {
	return p.Patient + "\x00" + p.Exam + "\x00" + p.Zone + "\x00" + p.Clip
}

// draw returns picture number n, and the random source for its augmentation.
func (s *sampler) draw(n uint64) (dataset.Picture, *rand.Rand) {
	r := rand.New(rand.NewPCG(s.seed, n))
	x := r.Float64()
	i := slices.IndexFunc(s.upTo, func(up float64) bool { return x < up })
	if i < 0 {
		i = len(s.pools) - 1
	}
	switch all := s.pools[i].pictures; {
	case s.shuffled && len(s.pools) == 1:
		return all[s.orders.at(s.seed, n, len(all))], r
	case s.shuffled:
		return all[r.IntN(len(all))], r
	}
	scores := s.pools[i].scores
	sources := scores[r.IntN(len(scores))]
	clips := sources[0]
	if len(sources) > 1 {
		clips = sources[r.IntN(len(sources))]
	}
	clip := clips[r.IntN(len(clips))]
	return clip[r.IntN(len(clip))], r
}

// any draws a picture of any score, pools by their shares.
func (s *sampler) any(r *rand.Rand) *image.Gray {
	x := r.Float64()
	i := max(0, slices.IndexFunc(s.upTo, func(up float64) bool { return x < up }))
	all := s.pools[i].pictures
	return all[r.IntN(len(all))].Image
}

// orders keeps the shuffles of the epochs in use: batches that are prepared side by
// side lie in two epochs at most.
type orders struct {
	mutex sync.Mutex
	epoch [2]uint64
	order [2][]int
}

// at is which of size pictures draw number n takes.
func (o *orders) at(seed, n uint64, size int) int {
	epoch, slot := n/uint64(size), n/uint64(size)%2
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.order[slot] == nil || o.epoch[slot] != epoch {
		r := rand.New(rand.NewPCG(seed, ^epoch)) // far from the draws' own numbers
		o.epoch[slot], o.order[slot] = epoch, r.Perm(size)
	}
	return o.order[slot][n%uint64(size)]
}
