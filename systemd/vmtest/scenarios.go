package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Lines of the PL061 chip that are lamps. Line 3 is the machine's power button.
const lampLines = "0,1,2,4,5"

// configure installs the package with a configuration and starts the box. Limits are wide:
// the emulated machine scores a frame or two a second.
func configure(m *machine, source, panel string) error {
	text := "[box]\nname = 'bedside'\nstate = '/var/lib/lungbox'\n[source]\nfrom = '" + source + "'\nloop = true\n" +
		"[engine]\nuse = 'litert'\ncache = '/var/cache/lungbox'\n[panel]\ndriver = '" + panel + "'\nfade = 10\ntest = 0\nagree = 1\n" +
		"[page]\nlisten = '0.0.0.0:8080'\nopen = true\n"
	if _, err := m.sh("mkdir -p /etc/lungbox && cat > /etc/lungbox/lungbox.toml <<'E'\n" + text + "E\n"); err != nil {
		return err
	}
	// Debian's own packages were unpacked and not installed: dpkg knows none of them.
	_, err := m.sh("dpkg -i --force-depends --force-confold /root/lungbox.deb")
	return err
}

func running(s state) bool { return s.State == "running" && s.Result != nil }

// lit is the levels that the lamps must have for what the page says.
func lit(s state) (levels byte) {
	for i, bit := range []byte{0, 1, 2, 4} {
		if s.Panel.Lamps.Score[i] {
			levels |= 1 << bit
		}
	}
	if s.Panel.Lamps.Live {
		levels |= 1 << 5
	}
	return levels
}

const lampMask = 0b110111

// dark waits for all lamps to be out, and says how long it took.
func dark(ctx context.Context, m *machine, limit time.Duration) (time.Duration, error) {
	began := time.Now()
	for time.Since(began) < limit {
		levels, err := m.lines(ctx)
		if err != nil {
			return 0, err
		}
		if levels&lampMask == 0 {
			return time.Since(began), nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	levels, err := m.lines(ctx)
	return 0, fmt.Errorf("lamps are lit after %v: %06b, %w", limit, levels, err)
}

// tryLamps: scores on real GPIO lines, a killed and a hanging daemon.
func tryLamps(ctx context.Context, m *machine, _ options) (measured []string, err error) {
	note := func(format string, args ...any) { measured = append(measured, fmt.Sprintf(format, args...)) }
	if err := configure(m, "clip:/srv/lungbox", "gpio:gpiochip0:"+lampLines); err != nil {
		return measured, err
	}
	took, err := m.until(ctx, 3*time.Minute, "scores", running)
	if err != nil {
		return measured, err
	}
	note("scores %v after it was started", took.Round(100*time.Millisecond))
	seen, err := compare(ctx, m, 3*time.Minute)
	if err != nil {
		return measured, err
	}
	note("lines read back what the page says: %s", seen)
	exposure, err := m.sh("systemd-analyze security --no-pager lungbox.service | tail -1")
	if err != nil {
		return measured, err
	}
	note("systemd-analyze security: %s", strings.TrimSpace(exposure))

	for range 3 {
		if _, err := m.until(ctx, time.Minute, "lamps", func(s state) bool { return running(s) && lit(s) != 0 }); err != nil {
			return measured, err
		}
		before, err := restarts(m)
		if err != nil {
			return measured, err
		}
		if _, err := m.sh("systemctl kill --kill-whom=main -s KILL lungbox"); err != nil {
			return measured, err
		}
		took, err := dark(ctx, m, 10*time.Second)
		if err != nil {
			return measured, fmt.Errorf("after SIGKILL: %w", err)
		}
		again, err := m.until(ctx, 2*time.Minute, "scores again", running)
		if err != nil {
			return measured, err
		}
		after, err := restarts(m)
		if err != nil {
			return measured, err
		}
		note("SIGKILL: dark after %v, scores again after %v, restarts %s to %s", took.Round(10*time.Millisecond), again.Round(100*time.Millisecond), before, after)
	}

	if _, err := m.until(ctx, time.Minute, "lamps", func(s state) bool { return running(s) && lit(s) != 0 }); err != nil {
		return measured, err
	}
	before, err := restarts(m)
	if err != nil {
		return measured, err
	}
	if _, err := m.sh("kill -STOP $(systemctl show -P MainPID lungbox)"); err != nil {
		return measured, err
	}
	if took, err = dark(ctx, m, 30*time.Second); err != nil {
		return measured, fmt.Errorf("while the daemon hangs: %w", err)
	}
	again, err := m.until(ctx, 2*time.Minute, "scores again", running)
	if err != nil {
		return measured, err
	}
	why, err := m.sh("journalctl -u lungbox --no-pager -o cat | grep -i watchdog | tail -1")
	if err != nil {
		return measured, fmt.Errorf("the watchdog did not fire: %w", err)
	}
	after, err := restarts(m)
	if err != nil {
		return measured, err
	}
	note("hangs: dark after %v, scores again after %v, restarts %s to %s (%s)", took.Round(10*time.Millisecond), again.Round(100*time.Millisecond), before, after, why)
	if _, err := m.sh("systemctl stop lungbox"); err != nil {
		return measured, err
	}
	if _, err := dark(ctx, m, 5*time.Second); err != nil {
		return measured, err
	}
	note("stopped: dark")
	return measured, nil
}

// lag is how long the page may take to say what lamps show: an emulated machine is slow.
const lag = 3 * time.Second

// compare watches lamps and page until both agreed while two different scores were shown.
func compare(ctx context.Context, m *machine, limit time.Duration) (string, error) {
	shown := map[byte]int{}
	agreed := time.Now()
	for began := time.Now(); time.Since(began) < limit && len(shown) < 2; time.Sleep(50 * time.Millisecond) {
		before, err := m.state(ctx)
		if err != nil {
			return "", err
		}
		levels, err := m.lines(ctx)
		if err != nil {
			return "", err
		}
		after, err := m.state(ctx)
		if err != nil {
			return "", err
		}
		if before.Panel.Lamps != after.Panel.Lamps || lit(after) == 0 {
			agreed = time.Now()
			continue
		}
		if levels&lampMask == lit(after) {
			shown[levels&lampMask]++
			agreed = time.Now()
		} else if time.Since(agreed) > lag {
			return "", fmt.Errorf("lines are %06b, the page shows %+v (%06b)", levels&lampMask, after.Panel.Lamps, lit(after))
		}
	}
	if len(shown) < 2 {
		return "", fmt.Errorf("only %v was shown within %v", shown, limit)
	}
	var all []string
	for levels, times := range shown {
		all = append(all, fmt.Sprintf("%06b (%d times)", levels, times))
	}
	return strings.Join(all, ", "), nil
}

func restarts(m *machine) (string, error) { return m.sh("systemctl show -P NRestarts lungbox") }

// summary is what `lungbox journal check --json` prints.
type summary struct {
	Epoch    string
	Results  uint64
	LastSeq  uint64   `json:"last_seq"`
	SetAside []string `json:"set_aside"`
	Sealed   bool
	Unread   bool
}

func check(m *machine) (s summary, err error) {
	text, err := m.sh("lungbox journal check --json --config /etc/lungbox/lungbox.toml")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// tryPower cuts the power while the box scores.
func tryPower(ctx context.Context, m *machine, o options) (measured []string, err error) {
	if err := configure(m, "clip:/srv/lungbox", "gpio:gpiochip0:"+lampLines); err != nil {
		return measured, err
	}
	if _, err := m.sh("sync"); err != nil { // the installation itself
		return measured, err
	}
	epoch, shown, fewest := "", uint64(0), ^uint64(0)
	var slowest time.Duration
	for cut := 1; cut <= o.cuts && ctx.Err() == nil; cut++ {
		first := uint64(0)
		pause := time.Duration(rand.Int64N(int64(5 * time.Second)))
		took, err := m.until(ctx, 3*time.Minute, "results", func(s state) bool {
			if s.Result == nil {
				return false
			}
			if first == 0 {
				first = s.Result.Seq
				if epoch == "" {
					epoch = s.Result.Epoch
				}
			}
			if s.Result.Epoch == epoch {
				shown = s.Result.Seq
			}
			return s.Result.Epoch != epoch || shown > first
		})
		if err != nil {
			return measured, fmt.Errorf("cut %d: %w", cut, err)
		}
		slowest = max(slowest, took)
		for until := time.Now().Add(pause); time.Now().Before(until); {
			if s, err := m.state(ctx); err == nil && s.Result != nil {
				shown = s.Result.Seq
			}
		}
		m.cut()
		if err := m.boot(ctx); err != nil {
			return measured, fmt.Errorf("after cut %d: %w", cut, err)
		}
		kept, err := check(m)
		if err != nil {
			return measured, fmt.Errorf("after cut %d: %w", cut, err)
		}
		if kept.Epoch != epoch || len(kept.SetAside) > 0 || kept.LastSeq < shown || kept.Results != kept.LastSeq {
			return measured, fmt.Errorf("after cut %d: result %d of %s was shown; the journal has %+v", cut, shown, epoch, kept)
		}
		fewest = min(fewest, shown-first)
		fmt.Printf("         cut %d of %d: result %d was shown, %d are there\n", cut, o.cuts, shown, kept.Results)
	}
	measured = append(measured, fmt.Sprintf("power cut %d times while scoring: it booted every time, all %d results that were shown are there", o.cuts, shown))
	return measured, ctx.Err()
}

// tryCamera: the kernel's virtual camera is unplugged and plugged in again.
func tryCamera(ctx context.Context, m *machine, _ options) (measured []string, err error) {
	note := func(format string, args ...any) { measured = append(measured, fmt.Sprintf(format, args...)) }
	if _, err := m.sh("modprobe vivid n_devs=1"); err != nil {
		return measured, err
	}
	if err := configure(m, "v4l2:", "simulated"); err != nil {
		return measured, err
	}
	judged := func(s state) bool { return s.State == "running" && s.Counters.Reasons["not-lung"] > 5 } // its test card is no lung
	if _, err := m.until(ctx, 3*time.Minute, "the test card is judged", judged); err != nil {
		return measured, err
	}
	s, err := m.state(ctx)
	if err != nil {
		return measured, err
	}
	note("source: %s; judged as %v", s.Source, s.Counters.Reasons)
	for range 3 {
		if _, err := m.sh("echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind"); err != nil {
			return measured, err
		}
		gone, err := m.until(ctx, time.Minute, "no signal", func(s state) bool { return s.State == "no-signal" })
		if err != nil {
			return measured, err
		}
		s, err := m.state(ctx)
		if err != nil {
			return measured, err
		}
		if s.Result != nil {
			return measured, fmt.Errorf("a result is shown without a camera: %+v", s.Result)
		}
		at := s.Counters.Judged
		if _, err := m.sh("sleep 1; echo vivid.0 > /sys/bus/platform/drivers/vivid/bind"); err != nil {
			return measured, err
		}
		back, err := m.until(ctx, time.Minute, "judged again", func(s state) bool { return s.State == "running" && s.Counters.Judged > at })
		if err != nil {
			return measured, err
		}
		note("unplugged: no signal after %v (%s); plugged in: judged again after %v", gone.Round(10*time.Millisecond), s.Detail, back.Round(10*time.Millisecond))
	}
	return measured, nil
}

// tryPackage: install, upgrade, remove, install again, purge. Results stay.
func tryPackage(ctx context.Context, m *machine, _ options) (measured []string, err error) {
	if err := configure(m, "clip:/srv/lungbox", "simulated"); err != nil {
		return measured, err
	}
	if _, err := m.until(ctx, 3*time.Minute, "scores", running); err != nil {
		return measured, err
	}
	last := summary{}
	for _, step := range []struct {
		name, command string
		runs          bool
	}{
		{"upgrade", "dpkg -i --force-depends --force-confold /root/lungbox.deb", true},
		{"remove", "dpkg -r lungbox", false},
		{"install again", "dpkg -i --force-depends --force-confold /root/lungbox.deb", true},
		{"purge", "dpkg -P lungbox", false},
		{"install after purge", "dpkg -i --force-depends /root/lungbox.deb", true},
	} {
		said, err := m.sh(step.command)
		if err != nil {
			return measured, fmt.Errorf("%s: %w", step.name, err)
		}
		if step.name == "purge" && !strings.Contains(said, "results are kept in /var/lib/lungbox") {
			return measured, fmt.Errorf("purge does not say where results are: %s", said)
		}
		active, _ := m.sh("systemctl is-active lungbox")
		if runs := active == "active"; runs != step.runs {
			return measured, fmt.Errorf("after %s the service is %s", step.name, active)
		}
		if !step.runs {
			if left, err := m.sh("pgrep -a lungbox"); err == nil {
				return measured, fmt.Errorf("after %s there runs %s", step.name, left)
			}
			measured = append(measured, step.name+": nothing runs")
			continue
		}
		kept, err := check(m)
		if err != nil {
			return measured, fmt.Errorf("after %s: %w", step.name, err)
		}
		if kept.Results == 0 || last.Epoch != "" && (kept.Epoch != last.Epoch || kept.Results < last.Results) || len(kept.SetAside) > 0 {
			return measured, fmt.Errorf("after %s: %+v, before: %+v", step.name, kept, last)
		}
		last = kept
		measured = append(measured, fmt.Sprintf("%s: runs, %d results of epoch %.8s", step.name, kept.Results, kept.Epoch))
	}
	pages, err := m.sh("ls /usr/share/man/man1/lungbox*.gz | wc -l; . /usr/share/bash-completion/completions/lungbox && echo completion; id lungbox; stat -c '%U %a' /var/lib/lungbox")
	if err != nil {
		return measured, err
	}
	return append(measured, strings.ReplaceAll(pages, "\n", "; ")), nil
}
