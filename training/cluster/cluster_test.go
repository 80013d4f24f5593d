package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// noting is a run in a folder whose name a shell would take apart, with a program that
// notes its arguments and, as often as the file fails says, dies.
func noting(t *testing.T) (j Job, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "it's $HOME; a \"run\"")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "lungtrain")
	script := `#!/bin/sh
here=$(dirname "$0")
printf '%s|' "$@" >>"$here/calls"; echo >>"$here/calls"
n=$(cat "$here/fails" 2>/dev/null || echo 0)
[ "$n" -gt 0 ] || exit 0
echo $((n - 1)) >"$here/fails"
kill -9 $$
`
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return Job{Program: program, Run: dir, First: []int{0, 1, 5}, Second: []int{3, 4}, Threads: 2, Finish: []string{program, "run", "--out", dir}}, dir
}

func calls(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A task that dies is started again, and a path with spaces and quotes arrives whole.
func TestTaskScript(t *testing.T) {
	j, dir := noting(t)
	paths, err := Write(filepath.Join(dir, Folder), j)
	if err != nil || len(paths) != 3 {
		t.Fatalf("%v, %v", paths, err)
	}
	task := filepath.Join(dir, Folder, TaskFile)
	for _, c := range []struct {
		fails string
		args  []string
		code  int
		want  string
	}{
		{"0", nil, 0, "task|5|--of|" + dir + "|\n"},
		{"2", nil, 0, strings.Repeat("task|5|--of|"+dir+"|\n", 3)},
		{"9", nil, 137, strings.Repeat("task|5|--of|"+dir+"|\n", 4)},
		{"0", []string{"finish"}, 0, "run|--out|" + dir + "|\n"},
	} {
		os.Remove(filepath.Join(dir, "calls"))
		if err := os.WriteFile(filepath.Join(dir, "fails"), []byte(c.fails), 0o644); err != nil {
			t.Fatal(err)
		}
		run := exec.Command(task, c.args...)
		run.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=5")
		out, _ := run.CombinedOutput()
		if code := run.ProcessState.ExitCode(); code != c.code || calls(t, dir) != c.want {
			t.Errorf("dying %s times: code %d, calls\n%swant %d and\n%s%s", c.fails, code, calls(t, dir), c.code, c.want, out)
		}
	}
}

// The pods of the manifest run the tasks of their index, with the shell that a container
// would use, and no name or number is off.
func TestKubernetesManifest(t *testing.T) {
	j, dir := noting(t)
	j.GPUs = 1
	if _, err := Write(filepath.Join(dir, Folder), j); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, Folder, KubernetesFile))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Kind  string
		Items []struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				CompletionMode           string
				Completions, Parallelism int
				Template                 struct {
					Spec struct {
						Containers []struct {
							Command   []string
							Resources struct {
								Limits map[string]int
							}
							VolumeMounts []struct{ MountPath string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if list.Kind != "List" || len(list.Items) != 3 {
		t.Fatalf("%s of %d", list.Kind, len(list.Items))
	}
	for i, tasks := range [][]string{{"0", "1", "5"}, {"3", "4"}, nil} {
		item := list.Items[i]
		pod := item.Spec.Template.Spec.Containers[0]
		if item.Kind != "Job" || item.Spec.CompletionMode != "Indexed" || item.Spec.Completions != max(1, len(tasks)) || item.Spec.Parallelism != item.Spec.Completions || pod.VolumeMounts[0].MountPath != dir {
			t.Errorf("%s: %+v", item.Metadata.Name, item)
		}
		if gpus := pod.Resources.Limits["nvidia.com/gpu"]; gpus != min(1, len(tasks)) {
			t.Errorf("%s wants %d GPUs", item.Metadata.Name, gpus)
		}
		for index, number := range tasks {
			os.Remove(filepath.Join(dir, "calls"))
			run := exec.Command(pod.Command[0], pod.Command[1:]...)
			run.Env = append(os.Environ(), "JOB_COMPLETION_INDEX="+string(rune('0'+index)))
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := "task|" + number + "|--of|" + dir + "|"
			if i == 1 {
				want += "--wait|"
			}
			if got := calls(t, dir); got != want+"\n" {
				t.Errorf("%s, index %d: %s, want %s", item.Metadata.Name, index, got, want)
			}
		}
	}
	if command := list.Items[2].Spec.Template.Spec.Containers[0].Command; strings.Join(command, "|") != j.Program+"|run|--out|"+dir+"|--wait" {
		t.Errorf("the end: %q", command)
	}
}
