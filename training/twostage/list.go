package twostage

import (
	"fmt"
	"path/filepath"

	"lungbox/ensemble/arch"
	"lungbox/training/split"
)

// Kind is what a task trains on.
type Kind string

// Kinds of tasks.
const (
	Fold       Kind = "fold"       // stage one: a ResNet-50 on all folds but one
	Selected   Kind = "selected"   // stage two: on what selection kept
	Unselected Kind = "unselected" // on all training pictures, to compare
)

// Task is one training of a run.
type Task struct {
	Number int
	Kind   Kind
	Net    string
	Fold   int // of stage one
}

// String names a task for people.
func (t Task) String() string {
	switch t.Kind {
	case Fold:
		return fmt.Sprintf("stage one, fold %d", t.Fold+1)
	case Unselected:
		return t.Net + " without selection"
	}
	return "stage two, " + t.Net
}

// Dir is the task's folder in its run.
func (t Task) Dir() string {
	switch t.Kind {
	case Fold:
		return filepath.Join(stageOneFolder, split.FoldName(t.Fold))
	case Unselected:
		return filepath.Join(unselectedFiles, t.Net)
	}
	return t.Net
}

// Tasks lists the trainings of a run: first the folds of stage one, then the three nets
// of stage two, then, for the ablation, the same nets on all pictures.
func (r *Run) Tasks() []Task {
	var tasks []Task
	add := func(t Task) {
		t.Number = len(tasks)
		tasks = append(tasks, t)
	}
	for k := range r.Preset.Split.Folds {
		add(Task{Kind: Fold, Net: arch.ResNet50, Fold: k})
	}
	kinds := []Kind{Selected}
	if r.Preset.Evaluate.Ablation {
		kinds = append(kinds, Unselected)
	}
	for _, kind := range kinds {
		for _, name := range arch.Names() {
			add(Task{Kind: kind, Net: name})
		}
	}
	return tasks
}
