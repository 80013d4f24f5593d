package gpio

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/warthog618/go-gpiocdev"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
)

// These tests run on a chip of the machine, which LUNGBOX_TEST_GPIOCHIP names: five
// of its free lines will go high and low. A gpio-sim chip has its buttons tested too.
const (
	realChip = "LUNGBOX_TEST_GPIOCHIP"
	child    = "LUNGBOX_TEST_GPIO_CHILD" // lines of the child that is to be killed
)

func TestMain(m *testing.M) {
	if lines := os.Getenv(child); lines != "" {
		live(strings.Split(lines, ","))
	}
	os.Exit(m.Run())
}

// live is a process that lights lamps and never ends by itself.
func live(lines []string) {
	d, err := Open(realConfig(lines, os.Getenv(child+"_LOW") != ""))
	if err == nil {
		err = d.Show(panel.Bar(2))
	}
	fmt.Println("shown:", err)
	select {}
}

func realConfig(lines []string, activeLow bool) Config {
	return Config{Chip: os.Getenv(realChip), Score: [4]string(lines), Live: lines[4], ActiveLow: activeLow}
}

// freeLines are n lines of the chip that nobody uses.
func freeLines(t *testing.T, n int) (lines []string) {
	t.Helper()
	name := os.Getenv(realChip)
	if name == "" {
		t.Skipf("%s is not set: there is no real GPIO chip to test on", realChip)
	}
	c, err := findChip(kernel{}, name)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Logf("%s, %d lines", called(c), c.count())
	for o := range c.count() {
		info, err := c.info(o)
		if err != nil {
			t.Fatal(err)
		}
		if info.Used {
			t.Logf("line %s is used by %q", describe(info), info.Consumer)
		} else if len(lines) < n {
			lines = append(lines, strconv.Itoa(o))
		}
	}
	if len(lines) < n {
		t.Fatalf("%s has %d free lines, %d are needed", called(c), len(lines), n)
	}
	return lines
}

// readBack is the kernel, whose lines can be read.
type readBack struct {
	kernel
	lines *gpiocdev.Lines
}

type readBackChip struct {
	chip
	*readBack
}

func (r *readBack) open(path string) (chip, error) {
	c, err := r.kernel.open(path)
	return readBackChip{c, r}, err
}

func (c readBackChip) outputs(offsets, values []int, activeLow bool) (outputs, error) {
	o, err := c.chip.outputs(offsets, values, activeLow)
	if err == nil {
		c.lines = o.(*gpiocdev.Lines)
	}
	return o, err
}

// levels reads lines that nobody holds, without changing them.
func levels(t *testing.T, lines []string) (all []bool) {
	t.Helper()
	c, err := findChip(kernel{}, os.Getenv(realChip))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	offsets, err := findLines(c, lines)
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.(kernelChip).RequestLines(offsets, gpiocdev.AsIs)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	values := make([]int, len(offsets))
	if err := l.Values(values); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		all = append(all, v == 1)
	}
	return all
}

var inOrder = [5]int{0, 1, 2, 3, 4}

func TestRealChip(t *testing.T) {
	lines := freeLines(t, 5)
	for _, activeLow := range []bool{false, true} {
		t.Run(fmt.Sprintf("active low %v", activeLow), func(t *testing.T) {
			paneltest.Run(t, func(t *testing.T) paneltest.Fixture {
				r := &readBack{}
				d, err := open(r, realConfig(lines, activeLow))
				if err != nil {
					t.Fatal(err)
				}
				return paneltest.Fixture{Driver: panel.Bound(d, answer), Lit: func() panel.Lamps {
					values := make([]int, 5)
					if r.lines.Values(values) != nil { // closed
						return lit(levels(t, lines), inOrder, activeLow)
					}
					return lit([]bool{values[0] == 1, values[1] == 1, values[2] == 1, values[3] == 1, values[4] == 1}, inOrder, false)
				}}
			})
		})
	}
}

func TestRealChipAfterKill(t *testing.T) {
	lines := freeLines(t, 5)
	for _, low := range []string{"", "1"} {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), child+"="+strings.Join(lines, ","), child+"_LOW="+low)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if said, err := bufio.NewReader(out).ReadString('\n'); said != "shown: <nil>\n" {
			t.Fatalf("%q, %v", said, err)
		}
		if err := Blank(realConfig(lines, low != "")); err == nil || !strings.Contains(err.Error(), `used by "lungbox"`) {
			t.Errorf("Blank while the process lives: %v", err)
		}
		c.Process.Kill()
		c.Wait()
		t.Logf("after SIGKILL the lamps are %v", lit(levels(t, lines), inOrder, low != ""))
		if err := Blank(realConfig(lines, low != "")); err != nil {
			t.Fatal(err)
		}
		if got := lit(levels(t, lines), inOrder, low != ""); got != (panel.Lamps{}) {
			t.Errorf("after Blank %v is lit", got)
		}
	}
}

func TestRealButtons(t *testing.T) {
	lines := freeLines(t, 2)
	name := os.Getenv(realChip)
	b, err := OpenButtons(ButtonConfig{Chip: name, NextZone: lines[0], NewPatient: lines[1], ActiveLow: true, PullUp: true, Debounce: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := findChip(kernel{}, name)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	fingers := filepath.Join("/sys/bus/gpio/devices", c.name())
	if _, err := os.Stat(filepath.Join(fingers, "sim_gpio"+lines[0])); err != nil {
		t.Skipf("%s is no gpio-sim chip: nobody can press its buttons", called(c))
	}
	finger := func(line, pull string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(fingers, "sim_gpio"+line, "pull"), []byte(pull), 0); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond)
	for i, want := range []Button{NextZone, NewPatient, NextZone} {
		line := lines[i%2]
		for range 5 {
			finger(line, "pull-down")
			finger(line, "pull-up")
		}
		finger(line, "pull-down")
		select {
		case p := <-b.Presses():
			if p.Button != want {
				t.Errorf("%s, want %s", p.Button, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was pressed and not heard", want)
		}
		finger(line, "pull-up")
		time.Sleep(200 * time.Millisecond)
	}
	select {
	case p := <-b.Presses():
		t.Errorf("one press too many: %s", p.Button)
	case <-time.After(200 * time.Millisecond):
	}
}
