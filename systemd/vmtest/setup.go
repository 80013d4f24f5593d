package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"time"
)

// lampBits are the lines where lamps hang, from that of score 0 to the live one: lampLines.
var lampBits = []int{0, 1, 2, 4, 5}

// ask posts to the setup on the machine's page.
func (m *machine) ask(ctx context.Context, path, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/api/setup/%s", m.port, path), bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	answer, err := (&http.Client{Timeout: 5 * time.Minute}).Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s: %s", path, answer.Status, text)
	}
	return string(text), err
}

// look is the eye of a technician: in which place a lamp is lit, -1 for none.
func (m *machine) look(ctx context.Context) (place int, err error) {
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		levels, err := m.lines(ctx)
		if err != nil {
			return 0, err
		}
		if levels &= lampMask; bits.OnesCount8(levels) == 1 {
			return slices.Index(lampBits, bits.TrailingZeros8(levels)), nil
		}
	}
	return -1, nil
}

// trySetup: a technician at a box whose lamps were wired in another order, on the page, and again
// on a terminal.
func trySetup(ctx context.Context, m *machine, _ options) (measured []string, err error) {
	note := func(format string, args ...any) { measured = append(measured, fmt.Sprintf(format, args...)) }
	if err := configure(m, "clip:/srv/lungbox", "simulated"); err != nil {
		return measured, err
	}
	if _, err := m.until(ctx, 3*time.Minute, "scores", running); err != nil {
		return measured, err
	}
	began := time.Now()
	// The page offers the chip that is there; its lines are typed as the wires were thought to be.
	if _, err := m.ask(ctx, "panel", `{"driver":"gpio:gpiochip0:5,2,1,0,4"}`); err != nil {
		return measured, err
	}
	for round := range 2 {
		time.Sleep(3 * time.Second) // it starts again once the answer is out
		if _, err := m.until(ctx, 3*time.Minute, "scores", running); err != nil {
			return measured, err
		}
		var seen []int
		for lamp := range len(lampBits) {
			if _, err := m.ask(ctx, "lamp", fmt.Sprintf(`{"lamp":%d}`, lamp)); err != nil {
				return measured, err
			}
			time.Sleep(2 * time.Second) // the former lamp is out
			place, err := m.look(ctx)
			if err != nil {
				return measured, err
			}
			seen = append(seen, place)
		}
		text, err := json.Marshal(map[string][]int{"seen": seen})
		if err != nil {
			return measured, err
		}
		answer, err := m.ask(ctx, "order", string(text))
		if err != nil {
			return measured, err
		}
		note("lamps lit one after the other are seen at %v: %s", seen, strings.TrimSpace(answer))
		if changed := strings.Contains(answer, "true"); changed != (round == 0) {
			return measured, fmt.Errorf("round %d: %s", round, answer)
		}
	}
	time.Sleep(3 * time.Second)
	if _, err := m.until(ctx, 3*time.Minute, "scores", running); err != nil {
		return measured, err
	}
	seen, err := compare(ctx, m, 3*time.Minute)
	if err != nil {
		return measured, err
	}
	note("sorted, lines read back what the page says: %s", seen)
	clip, err := m.ask(ctx, "clip", "{}")
	if err != nil {
		return measured, err
	}
	note("a clip that is known: %s", strings.TrimSpace(clip))
	note("all of it took %v", time.Since(began).Round(time.Second))

	// As the quick start has it for a terminal.
	said, err := m.try(6*time.Minute, "systemctl stop lungbox && printf '\\n\\n0\\n1\\n2\\n3\\nl\\n\\n' | lungbox setup --config /etc/lungbox/lungbox.toml && systemctl start lungbox")
	if err != nil {
		return measured, err
	}
	for _, want := range []string{"Every lamp is in its place.", "A clip that its readers scored 3", "Done."} {
		if !strings.Contains(said, want) {
			return measured, fmt.Errorf("lungbox setup does not say %q:\n%s", want, said)
		}
	}
	if owner, err := m.sh("stat -c '%U' /var/lib/lungbox/setup.toml"); err != nil || strings.TrimSpace(owner) != "lungbox" {
		return measured, fmt.Errorf("setup.toml belongs to %s, %w", owner, err)
	}
	took, err := m.until(ctx, 3*time.Minute, "scores", running)
	note("on a terminal, too; scores %v after it was started", took.Round(100*time.Millisecond))
	return measured, err
}
