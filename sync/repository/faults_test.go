//go:build linux && amd64

package repository_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"lungbox/sync/faultstest"
	"lungbox/sync/ota"
)

// At every point at which an installation changes files: killed there, or the call fails. A
// complete signed release scores, the old or the new, and the next try brings the new one.
func TestInstallAtEveryPoint(t *testing.T) {
	c := newCentre(t)
	known := map[string]ota.Release{}
	var before string
	for n := range 2 {
		files, pieces := content(uint64(n+1), 5<<19, n) // long enough for checkpoints of the download
		c.publish([]string{"old", "new"}[n], uint64(n+1), files, pieces)
		all, err := c.box().refresh(c.root())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			known[r.Digest()] = r
		}
		if n == 0 {
			b := c.box()
			if _, _, err := b.install(c.root()); err != nil {
				t.Fatal(err)
			}
			before = b.dir // the box as it is before each try
		}
	}
	environment := func(dir string) []string {
		return append(os.Environ(), "LUNGBOX_INSTALL_IN="+dir, "LUNGBOX_INSTALL_FROM="+c.dir)
	}
	whole := func(t testing.TB, dir string) string {
		s, err := ota.OpenSlots(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []*ota.Installed{s.Current, s.Former, s.Trial} {
			if i == nil {
				continue
			}
			if err := ota.Verify(s.Folder(*i), known[i.Digest]); err != nil {
				t.Errorf("half a release: %v", err)
			}
		}
		if s.Current == nil {
			t.Fatal("no release scores")
		}
		return s.Current.Digest
	}
	faultstest.EveryPoint(t, 4, func(t testing.TB, plan faultstest.Plan) faultstest.Outcome {
		plan.Root = t.TempDir()
		if out, err := exec.Command("cp", "-a", before+"/.", plan.Root).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		o, err := faultstest.Run(t.Context(), plan, environment(plan.Root), os.Args[0], "-test.run", "^TestKilledInstall$")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(o.Output, "panic") {
			t.Errorf("it panicked:\n%s", o.Output)
		}
		first := whole(t, plan.Root)
		if o.Exit == 0 && known[first].Counter != 2 {
			t.Errorf("it said that it had installed, and had not\n%s", o.Output)
		}
		again := exec.Command(os.Args[0], "-test.run", "^TestKilledInstall$")
		again.Env = environment(plan.Root)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("the next try: %v\n%s", err, out)
		}
		if now := whole(t, plan.Root); known[now].Counter != 2 {
			t.Errorf("the new release is not installed in the next try")
		}
		return o
	})
}
