// Package cluster writes the files with which a run's trainings go to many machines
// that share its folder: scripts for Slurm, a manifest for Kubernetes. Both call
// `lungtrain task N --of R`, which goes on where a task was ended.
package cluster

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"lungbox/sync/atomicfile"
)

//go:embed slurm.sh task.sh
var scripts embed.FS

// Job is a run to be trained by many.
type Job struct {
	Program string   // lungtrain, as all machines find it
	Run     string   // folder of the run, the same on all machines
	First   []int    // tasks that can start at once
	Second  []int    // tasks that need the first
	Finish  []string // command that judges, exports and reports, when all are done
	GPUs    int      // that a training wants; 0: a CPU will do
	Threads int      // CPU threads of a training
}

// Files of a job, in a folder of the run.
const (
	Folder         = "cluster"
	SlurmFile      = "slurm.sh"
	TaskFile       = "task.sh"
	KubernetesFile = "kubernetes.json"
)

// Write writes the files into a folder and returns their paths.
func Write(dir string, j Job) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range []string{SlurmFile, TaskFile} {
		text, err := script(name, j)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		if err := atomicfile.Write(path, text); err != nil {
			return nil, err
		}
		if err := os.Chmod(path, 0o755); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	text, err := json.MarshalIndent(manifest(j), "", "  ")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, KubernetesFile)
	return append(paths, path), atomicfile.Write(path, append(text, '\n'))
}

func script(name string, j Job) ([]byte, error) {
	parsed, err := template.New(name).Funcs(template.FuncMap{"quote": quote, "list": list, "words": words}).ParseFS(scripts, name)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = parsed.Execute(&text, j)
	return text.Bytes(), err
}

// quote makes one word of a shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// words makes a command of a shell.
func words(command []string) string {
	quoted := make([]string, len(command))
	for i, w := range command {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}

// list is numbers as Slurm's --array wants them.
func list(tasks []int) string {
	words := make([]string, len(tasks))
	for i, n := range tasks {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}
