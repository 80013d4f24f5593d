package panel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"lungbox/ensemble"
)

var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// noTest are the default rules without the lamp test.
var noTest = Rules{Test: -1}

// play feeds one frame every 100 ms, written as one letter: 0 to 3 a score,
// n no-consensus, p poor-image, l not-lung, f frozen, e engine; "." is no frame,
// "X" blocks with a fault, "S" with no signal, "U" is updating, "R" ends all three.
// It returns the reading at the time of the last letter.
func play(t *testing.T, i *Indicator, letters string) Reading {
	t.Helper()
	now := epoch
	var r Reading
	for _, letter := range letters {
		now = now.Add(100 * time.Millisecond)
		switch letter {
		case '0', '1', '2', '3':
			i.Frame(ensemble.Score(letter-'0'), ensemble.Majority, now, now)
		case 'n', 'p', 'l', 'f', 'e':
			reason := map[rune]ensemble.Reason{
				'n': ensemble.NoConsensus, 'p': ensemble.PoorImage, 'l': ensemble.NotLung, 'f': ensemble.Frozen, 'e': ensemble.EngineFault,
			}[letter]
			i.Frame(ensemble.None, reason, now, now)
		case 'X':
			i.Block(Fault)
		case 'S':
			i.Block(NoSignal)
		case 'U':
			i.Updating(true)
		case 'R':
			i.Block("")
			i.Updating(false)
		case '.':
		default:
			t.Fatalf("unknown letter %q", letter)
		}
		r = i.Read(now)
	}
	return r
}

func TestIndicator(t *testing.T) {
	none := ensemble.None
	tests := []struct {
		name    string
		letters string
		score   ensemble.Score
		state   State
	}{
		{"nothing yet", ".", none, Stale},
		{"one frame is not enough", "2", none, Scoring},
		{"two are not enough", "22", none, Scoring},
		{"three agree", "222", 2, Scoring},
		{"score 0 is a score", "000", 0, Scoring},
		{"one odd frame changes nothing", "2223", 2, Scoring},
		{"two odd frames change nothing", "22233", 2, Scoring},
		{"three change it", "222333", 3, Scoring},
		{"agreement must be in a row", "2223323", 2, Scoring},
		{"one poor frame changes nothing", "222p", 2, Scoring},
		{"three poor frames end it", "222ppp", none, PoorImage},
		{"three frames without a score end it, whatever the reasons", "222pnl", none, NotLung},
		{"mixed with scores they do not", "222pn2pn", 2, Scoring},
		{"no consensus", "nnn", none, NoConsensus},
		{"not lung", "lll", none, NotLung},
		{"frozen", "fff", none, Frozen},
		{"a crash costs a frame, not the score", "222e2", 2, Scoring},
		{"an engine that fails again and again is a fault", "222eee", none, Fault},
		{"and recovers", "222eee111", 1, Scoring},
		{"still fresh", "222...................", 2, Scoring}, // 1.9 s after the last frame
		{"gone after two seconds", "222....................", none, Stale},
		{"after the dark, frames must agree anew", "222....................2", none, Scoring},
		{"after the dark, three again", "222....................222", 2, Scoring},
		{"frames that never agree do not keep a score", "222" + "13131313131313131313", none, Scoring},
		{"the last support counts", "222" + "13131313132313131313", 2, Scoring},
		{"reasons fade too", "ppp" + "13131313131313131313", none, Scoring},
		{"frames too rare to agree", "2...................." + "2...................." + "2", none, Scoring},
		{"fault", "222X", none, Fault},
		{"no signal", "222S", none, NoSignal},
		{"updating", "222U", none, Updating},
		{"fault before updating", "222UX", none, Fault},
		{"updating before no signal", "222SU", none, Updating},
		{"frames do not end a fault", "222X222", none, Fault},
		{"after a block, nothing is left", "222SR", none, Stale},
		{"after a block, frames must agree anew", "222SR22", none, Scoring},
		{"after a block, three", "222SR222", 2, Scoring},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := play(t, NewIndicator(noTest, epoch), test.letters)
			if r.Score != test.score || r.State != test.state {
				t.Errorf("%s gives %v, %s; want %v, %s", test.letters, r.Score, r.State, test.score, test.state)
			}
			want := Lamps{}
			switch test.state {
			case Scoring, NoConsensus, PoorImage, NotLung, Frozen:
				want = Bar(test.score)
			}
			if r.Lamps != want {
				t.Errorf("lamps %v, want %v", r.Lamps, want)
			}
		})
	}
}

func TestBar(t *testing.T) {
	for score, want := range map[ensemble.Score]string{
		ensemble.None: "○○○○ live", 0: "●○○○ live", 1: "●●○○ live", 2: "●●●○ live", 3: "●●●● live",
	} {
		if got := Bar(score).String(); got != want {
			t.Errorf("score %v: %s, want %s", score, got, want)
		}
	}
}

func TestLampTest(t *testing.T) {
	i := NewIndicator(Rules{}, epoch)
	for _, test := range []struct {
		after time.Duration
		want  string
		state State
	}{
		{0, "●●●● –", LampTest},
		{999 * time.Millisecond, "●●●● –", LampTest},
		{time.Second, "○○○○ live", LampTest},
		{2*time.Second - 1, "○○○○ live", LampTest},
		{2 * time.Second, "●●○○ live", Scoring}, // frames that came during the test count
	} {
		now := epoch.Add(test.after)
		i.Frame(1, ensemble.Majority, now, now)
		if r := i.Read(now); r.Lamps.String() != test.want || r.State != test.state {
			t.Errorf("after %v: %v %s, want %s %s", test.after, r.Lamps, r.State, test.want, test.state)
		}
		if r := i.Read(now); r.State == LampTest && (r.Score != ensemble.None || r.Lamps == Bar(3)) {
			t.Errorf("after %v: the lamp test can be taken for a score", test.after)
		}
	}
}

// A slow engine: what it says now is about a picture that has passed.
func TestScoreOfAnOldPicture(t *testing.T) {
	for _, test := range []struct {
		late time.Duration
		want ensemble.Score
	}{{0, 1}, {1500 * time.Millisecond, 1}, {2 * time.Second, ensemble.None}, {time.Minute, ensemble.None}, {-time.Hour, 1}} {
		i := NewIndicator(noTest, epoch)
		now := epoch
		for range 5 {
			now = now.Add(40 * time.Millisecond)
			i.Frame(1, ensemble.Majority, now.Add(-test.late), now)
		}
		if r := i.Read(now); r.Score != test.want {
			t.Errorf("pictures %v old: score %v, want %v", test.late, r.Score, test.want)
		}
	}
	// A picture from the future must not keep its score longer than one from now.
	i := NewIndicator(noTest, epoch)
	for range 3 {
		i.Frame(1, ensemble.Majority, epoch.Add(time.Hour), epoch)
	}
	if r := i.Read(epoch.Add(2 * time.Second)); r.Score != ensemble.None {
		t.Errorf("a score from the future is still shown: %v", r.Score)
	}
}

// Whatever comes: a score on the panel was given by a frame less than Fade ago and
// by Agree frames in a row when it appeared; lamps are a bar with the live lamp, the
// live lamp alone, or dark.
func TestNoScoreWithoutEvidence(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	reasons := []ensemble.Reason{ensemble.NoConsensus, ensemble.PoorImage, ensemble.NotLung, ensemble.Frozen, ensemble.EngineFault}
	for round := range 300 {
		i, now := NewIndicator(noTest, epoch), epoch
		var support [ensemble.Scores]time.Time
		run, last, before := 0, ensemble.None, ensemble.None
		for step := range 300 {
			now = now.Add(time.Duration(random.ExpFloat64() * float64(150*time.Millisecond)))
			switch random.IntN(12) {
			case 0:
				i.Block([]State{"", "", NoSignal, Fault}[random.IntN(4)])
			case 1, 2:
				i.Frame(ensemble.None, reasons[random.IntN(len(reasons))], now, now)
				run, last = 0, ensemble.None
			default:
				score := ensemble.Score(random.IntN(2) * random.IntN(4))
				i.Frame(score, ensemble.Majority, now, now)
				if score != last {
					run, last = 0, score
				}
				run++
				support[score] = now
			}
			r := i.Read(now)
			where := fmt.Sprintf("round %d step %d: %v %v %v", round, step, r.Score, r.State, r.Lamps)
			if r.Score != ensemble.None {
				if now.Sub(support[r.Score]) >= 2*time.Second {
					t.Fatal(where, ": no frame supports this score any more")
				}
				if r.Score != before && (run < 3 || last != r.Score) {
					t.Fatal(where, ": appeared without three frames in a row")
				}
				if r.State != Scoring || r.Lamps != Bar(r.Score) {
					t.Fatal(where, ": lamps and score differ")
				}
			} else if r.Lamps != (Lamps{}) && r.Lamps != Bar(ensemble.None) {
				t.Fatal(where, ": lamps without a score")
			}
			before = r.Score
			if dark := i.Read(now.Add(2 * time.Second)); dark.Lamps != (Lamps{}) && step == 299 {
				t.Fatal(where, ": not dark two seconds later")
			}
		}
	}
}
