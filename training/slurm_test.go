package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// slurm starts a real Slurm of two nodes with a slot each on this machine, for one user
// and one test, and returns the environment in which its commands find it.
func slurm(t *testing.T) []string {
	t.Helper()
	for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch", "squeue"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian's slurm-wlm): make test installs it where it can", program)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("slurmd wants to be root")
	}
	dir, err := os.MkdirTemp("", "slurm") // a short path: a socket lies in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	key := make([]byte, 128)
	rand.Read(key)
	conf := fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=%[2]s/munge.sock
StateSaveLocation=%[2]s/state
SlurmdSpoolDir=%[2]s/spool-%%n
SlurmctldPidFile=%[2]s/ctld.pid
SlurmdPidFile=%[2]s/slurmd-%%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
NodeName=n1 NodeHostname=%[1]s NodeAddr=127.0.0.1 Port=16821 CPUs=1
NodeName=n2 NodeHostname=%[1]s NodeAddr=127.0.0.1 Port=16822 CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
`, host, dir)
	for name, text := range map[string][]byte{"slurm.conf": []byte(conf), "munge.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"state", "spool-n1", "spool-n2"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"), beProgram+"=1")
	begin := func(name string, args ...string) {
		c := exec.Command(name, args...)
		c.Env = env
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	begin("munged", "--foreground", "--force", "--key-file="+in("munge.key"), "--socket="+in("munge.sock"), "--pid-file="+in("munge.pid"), "--log-file="+in("munge.log"), "--seed-file="+in("munge.seed"))
	await(t, in("munge.sock"))
	begin("slurmctld", "-D", "-i")
	begin("slurmd", "-D", "-N", "n1")
	begin("slurmd", "-D", "-N", "n2")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		c := exec.Command("sinfo", "-h", "-t", "idle", "-o", "%D")
		c.Env = env
		if out, err := c.Output(); err == nil && strings.TrimSpace(string(out)) == "2" {
			return env
		}
		if time.Now().After(deadline) {
			t.Fatal("Slurm's two nodes did not come up")
		}
	}
}

// A run whose trainings Slurm spreads over two nodes completes, although one of them is
// killed on the way.
func TestSlurm(t *testing.T) {
	needLiteRT(t)
	env := slurm(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, nil)
	_, stderr := succeed(t, dir, "run", "--preset", recipe, "--data", "sim", "--out", "r", "--prepare")
	if !strings.Contains(stderr, "the run is prepared: 9 trainings, of which 3 need the others") {
		t.Errorf("said %q", stderr)
	}
	submit := exec.Command(filepath.Join(dir, "r", "cluster", "slurm.sh"))
	submit.Env = env
	out, err := submit.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "submitted: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	killOne(t, filepath.Join(dir, "r"))
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) {
		if _, err := os.Stat(filepath.Join(dir, "r", "report.html")); err == nil {
			break
		}
		c := exec.Command("squeue", "-h")
		c.Env = env
		queue, _ := c.Output()
		if time.Now().After(deadline) || len(bytes.TrimSpace(queue)) == 0 {
			logs(t, dir)
			t.Fatalf("the run did not complete; queue:\n%s", queue)
		}
	}
	if text := logs(t, dir); !strings.Contains(text, "(try 1 of 4)") {
		t.Error("no task was started again: none was killed")
	}
	listed, _ := succeed(t, dir, "task", "--of", "r", "--list")
	if strings.Count(listed, "done") != 9 {
		t.Errorf("tasks\n%s", listed)
	}
}

// killOne kills the first training that Slurm starts, with no chance to write anything.
func killOne(t *testing.T, run string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil || !bytes.HasSuffix(text, []byte("\x00--of\x00"+run+"\x00")) || bytes.HasPrefix(text, []byte("/bin/sh")) {
				continue
			}
			if _, err := os.Stat(filepath.Join(run, "stage1", "fold0", "fit.json")); err != nil {
				continue // it has not begun to train
			}
			pid, err := strconv.Atoi(strings.Split(path, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			process, err := os.FindProcess(pid)
			if err == nil && process.Kill() == nil {
				return
			}
		}
	}
	t.Fatal("Slurm started no training")
}

// logs shows what the tasks said.
func logs(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "r", "cluster", "slurm-*.log"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all += filepath.Base(path) + ":\n" + string(text)
	}
	t.Log(all)
	return all
}
