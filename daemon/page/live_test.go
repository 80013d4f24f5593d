package page_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/daemon/page"
	"lungbox/daemon/page/browsertest"
	"lungbox/ensemble"
)

// facts is what a person reads off the page, as JavaScript.
const facts = `(() => {
	const text = (id) => document.getElementById(id).textContent;
	return {
		mode: document.body.dataset.mode,
		score: text('score'), title: text('title'), reason: text('reason'),
		lamps: [...document.querySelectorAll('#lamps li')].map((l) => l.classList.contains('lit') ? l.textContent : '-').join('') + (document.querySelector('#live-lamp').classList.contains('lit') ? ' live' : ''),
		votes: [...document.querySelectorAll('#votes tr')].map((r) => [...r.children].filter((c) => !c.hidden).map((c) => c.textContent).join(' ')).join('; '),
		picture: document.querySelectorAll('#picture img').length,
		demo: document.getElementById('demo').hidden ? '' : text('demo-text'),
		notice: document.querySelector('.notice').getClientRects().length > 0 ? document.querySelector('.notice').textContent : '',
		file: text('file'), device: text('device'), release: text('release'), engine: text('engine'),
		dropped: text('dropped'), rate: text('in-rate'), latency: text('latency'),
	};
})()`

type shown struct {
	Mode, Score, Title, Reason, Lamps, Votes string
	Picture                                  int
	Demo, Notice, File, Device, Release      string
	Engine, Dropped, Rate, Latency           string
}

// gone reports what of a score can still be read.
func (s shown) gone() string {
	var left []string
	if s.Score != "–" {
		left = append(left, "the digit "+s.Score)
	}
	if strings.Trim(s.Lamps, "-") != "" {
		left = append(left, "the lamps "+s.Lamps)
	}
	if s.Picture != 0 {
		left = append(left, "the picture")
	}
	if strings.ContainsAny(s.Votes, "%") {
		left = append(left, "the votes "+s.Votes)
	}
	return strings.Join(left, ", ")
}

func TestPageShowsTheFrame(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.url, 1280, 800)
	tab.Until(`document.querySelectorAll("#lamps .lit").length === 3 && Number(document.querySelector("#in-rate").textContent) > 5`)
	got := browsertest.Eval[shown](tab, facts)
	for _, check := range []struct{ name, got, want string }{
		{"mode", got.Mode, "score"},
		{"score", got.Score, "2"},
		{"reason", got.Reason, "GoogLeNet and ResNet\u201150 agree, confidence\u00a090\u00a0%"},
		{"lamps", got.Lamps, "012- live"},
		{"votes", got.Votes, "GoogLeNet 2 5% 5% 86% 5%; ResNet-50 2 2% 2% 94% 2%; VGG-19 – not needed"},
		{"demo", got.Demo, demoText},
		{"notice", got.Notice, "AI score, not a diagnosis – research use only, not a medical device"},
		{"file", got.File, "convex-b-lines-07.mp4"},
		{"device", got.Device, "ward-3"},
		{"release", got.Release, "2026.11.23-1"},
		{"engine", got.Engine, "LiteRT on 2 CPU threads, lazy vote"},
		{"dropped", got.Dropped, "0"},
	} {
		if check.got != check.want {
			t.Errorf("%s: %q, want %q", check.name, check.got, check.want)
		}
	}
	if got.Picture != 1 || !strings.HasSuffix(got.Latency, " ms") {
		t.Errorf("%d pictures, latency %q", got.Picture, got.Latency)
	}
	b.set(func(s *scene) { s.simulate = true })
	tab.Until(`document.querySelector("#demo-text").textContent.startsWith("simulated picture · small nets")`)
	tab.Clean(b.url)
}

func TestPageSaysWhyThereIsNoScore(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.url, 1280, 800)
	engine := func(int) ensemble.Decision {
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}
	}
	unfit := func(u capture.Unfit) func(*scene) { return func(s *scene) { s.unfit = u } }
	tests := []struct {
		change         func(*scene)
		title, reason  string
		mode, lamps    string
		votes, picture string
	}{
		{func(s *scene) { s.decide = func(int) ensemble.Decision { return differ(0.55) } }, "No consensus", "none is sure", "no-score", "---- live", "VGG-19 3", "1"},
		{unfit(capture.PoorImage), "Poor image", "Too dark", "no-score", "---- live", "VGG-19 – not run", "1"},
		{unfit(capture.NotLung), "No lung picture", "no ultrasound picture", "no-score", "---- live", "not run", "1"},
		{unfit(capture.Frozen), "Frozen", "stopped moving", "no-score", "---- live", "not run", "1"},
		{func(s *scene) { s.unfit, s.decide = "", engine }, "Engine fault", "could not be scored", "no-score", "----", "not run", "1"},
		{func(s *scene) { s.silent = true }, "No signal", "No frame for 2s", "off", "----", "VGG-19 –", "0"},
		{func(s *scene) { s.silent, s.ended = false, true }, "Replay ended", "no more frames", "off", "----", "VGG-19 –", "0"},
	}
	for _, test := range tests {
		b.set(test.change)
		tab.Until(`document.querySelector("#title").textContent === "` + test.title + `"`)
		tab.Until(`[...document.querySelectorAll('#lamps li.lit')].length === 0 && document.querySelector('#live-lamp').classList.contains('lit') === ` + map[bool]string{true: "true", false: "false"}[strings.Contains(test.lamps, "live")])
		got := browsertest.Eval[shown](tab, facts)
		if got.Score != "–" || got.Mode != test.mode || !strings.Contains(got.Reason, test.reason) || got.Lamps != test.lamps || !strings.Contains(got.Votes, test.votes) {
			t.Errorf("%s: %+v", test.title, got)
		}
		if got.Picture != int(test.picture[0]-'0') {
			t.Errorf("%s: %d pictures", test.title, got.Picture)
		}
	}
	tab.Clean(b.url)
}

// Nothing may be left of a score when the box, its server, its engine or the way to
// it stops: each in a way that the page has to notice by itself.
func TestStaleScoreGoes(t *testing.T) {
	tests := []struct {
		name   string
		stop   func(*box)
		title  string
		reason string
		broken bool // the browser may complain about the lost connection
	}{
		{"the server stops", func(b *box) { b.hide() }, "No live data", "The connection to the box is lost", true},
		{"the engine hangs", func(b *box) { b.set(func(s *scene) { s.hung = true }) }, "No live data", "No fresh score for 2 seconds", false},
		{"the engine gives up", func(b *box) { b.set(func(s *scene) { s.err = errors.New("worker is gone") }) }, "Fault", "The engine cannot go on: worker is gone", false},
		{"the network swallows everything", func(b *box) { b.proxy.cut() }, "No live data", "No word from the box for 2 seconds", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := start(t, nil)
			tab := browsertest.Open(t, b.proxy.url, 1280, 800)
			tab.Until(`document.body.dataset.mode === "score" && document.querySelectorAll("#lamps .lit").length === 3`)
			before := browsertest.Eval[shown](tab, facts)
			if before.gone() == "" {
				t.Fatal("there is nothing that could go")
			}
			test.stop(b)
			tab.Until(`document.querySelector("#score").textContent === "–"`)
			got := browsertest.Eval[shown](tab, facts)
			if left := got.gone(); left != "" {
				t.Errorf("still there: %s", left)
			}
			if got.Title != test.title || got.Reason != test.reason {
				t.Errorf("the page says %q, %q; want %q, %q", got.Title, got.Reason, test.title, test.reason)
			}
			if got.Notice == "" || got.Demo != demoText {
				t.Errorf("the notices are gone: %q, %q", got.Notice, got.Demo)
			}
			// It stays so.
			time.Sleep(time.Second)
			if left := browsertest.Eval[shown](tab, facts).gone(); left != "" {
				t.Errorf("back again: %s", left)
			}
			tab.Screenshot("page-stale-" + strings.ReplaceAll(test.name, " ", "-") + "-1280x800")
			if !test.broken {
				tab.Clean(b.proxy.url)
			}
		})
	}
}

// A slow network delivers everything, late: an old score looks new by its arrival.
func TestLateScoreGoes(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.proxy.url, 800, 480)
	tab.Until(`document.body.dataset.mode === "score"`)
	b.proxy.delay(3 * time.Second)
	tab.Until(`document.body.dataset.mode === "stale"`)
	seen := browsertest.Eval[string](tab, `new Promise((done) => {
		const modes = new Set(), end = performance.now() + 4000;
		const look = () => { modes.add(document.body.dataset.mode); performance.now() < end ? requestAnimationFrame(look) : done([...modes].join()); };
		look();
	})`)
	if seen != "stale" {
		t.Errorf("messages come three seconds late, and the page was: %s", seen)
	}
	b.proxy.delay(0)
	tab.Until(`document.body.dataset.mode === "score"`)
	tab.Clean(b.proxy.url)
}

func TestPageComesBack(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	tab := browsertest.Open(t, b.proxy.url, 800, 480)
	tab.Until(`document.body.dataset.mode === "score"`)
	b.proxy.hangUp()
	b.set(func(s *scene) { s.decide = func(int) ensemble.Decision { return agreed(0) } })
	tab.Until(`document.querySelector("#score").textContent === "0"`)
}

// Picture and digit belong together in every frame that the browser draws: the grey
// level of the picture is the score.
func TestPictureAndScoreNeverDisagree(t *testing.T) {
	t.Parallel()
	b := start(t, nil)
	score := func(index int) ensemble.Score { return ensemble.Score(index * 7 / 3 % 4) }
	b.set(func(s *scene) {
		s.paint = flat(score)
		s.decide = func(index int) ensemble.Decision { return agreed(score(index)) }
	})
	tab := browsertest.Open(t, b.url, 800, 480)
	tab.Until(`document.body.dataset.mode === "score"`)
	type tally struct {
		Looks, Changes int
		Wrong          []string
	}
	got := browsertest.Eval[tally](tab, `new Promise((done) => {
		const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
		const t = { looks: 0, changes: 0, wrong: [] }, end = performance.now() + 5000;
		let before = '';
		const look = () => {
			const digit = document.querySelector('#score').textContent, img = document.querySelector('#picture img');
			pen.drawImage(img, 0, 0, 1, 1);
			const level = pen.getImageData(0, 0, 1, 1).data[0], expected = String(Math.round((level - 40) / 60));
			t.looks++;
			if (digit !== before) { t.changes++; before = digit; }
			if (digit !== expected) t.wrong.push(digit + ' beside a picture of ' + expected);
			performance.now() < end ? requestAnimationFrame(look) : done(t);
		};
		look();
	})`)
	if len(got.Wrong) > 0 || got.Looks < 20 || got.Changes < 5 {
		t.Errorf("%d looks, %d changes, wrong: %v", got.Looks, got.Changes, got.Wrong)
	}
	tab.Clean(b.url)
}

func TestTooManyBrowsers(t *testing.T) {
	t.Parallel()
	b := start(t, func(c *page.Config) { c.Viewers = 1 })
	first := browsertest.Open(t, b.url, 800, 480)
	first.Until(`document.body.dataset.mode === "score"`)
	second := browsertest.Open(t, b.url, 800, 480)
	second.Until(`document.querySelector("#reason").textContent.startsWith("Too many browsers")`)
	if left := browsertest.Eval[shown](second, facts).gone(); left != "" {
		t.Errorf("the second browser shows %s", left)
	}
	if got := browsertest.Eval[shown](first, facts); got.Score != "2" {
		t.Errorf("the first browser shows %q", got.Score)
	}
}
