package clips

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Set is what a folder offers: clips and what is known of them.
type Set struct {
	From  string // the folder that the files are relative to
	Table string // what lists the clips, for messages
	Clips []Clip
	// KeepUnscored takes clips without a score too; without, they are left out.
	KeepUnscored bool
	// Warnings are for a person to read before the dataset is used, one line each.
	Warnings []string
	// Skipped are files and rows that are no clip, with the reason.
	Skipped []Skipped
}

// Skipped is a file that was left out because something is wrong with it.
type Skipped struct {
	File string
	Err  error
}

// Options say what to take from the clips.
type Options struct {
	Every int // frames between two pictures of a clip; 10 in the paper (section 2.1)
	Most  int // pictures of a clip at most; 50 in the paper (section 2.1)
	// Test holds the patients whose pictures get the split [dataset.Test]; the others
	// get [dataset.Train]. Without any the split is what the layout says.
	Test []string
	// Strict ends the import at the first broken file; without, it is skipped and listed.
	Strict bool
	// Secret is kept in the unfinished folder as [SecretFile], for an import that goes on.
	Secret []byte
}

// Unfinished ends the name of the folder that an import works in.
const Unfinished = ".unfinished"

// SecretFile is the file in an unfinished folder that keeps Options.Secret.
const SecretFile = "secret"

// check refuses what would show only after long work, or not at all.
func (s *Set) check(opt Options) error {
	if opt.Every < 1 || opt.Most < 1 {
		return fmt.Errorf("every %d frames, %d pictures of a clip: want at least 1", opt.Every, opt.Most)
	}
	if len(s.Clips) == 0 && len(s.Skipped) > 0 {
		return fmt.Errorf("%s: no clips; %d files cannot be read, the first: %w", s.Table, len(s.Skipped), s.Skipped[0].Err)
	}
	if len(s.Clips) == 0 {
		return fmt.Errorf("%s: no clips", s.Table)
	}
	if opt.Strict && len(s.Skipped) > 0 {
		return fmt.Errorf("%d files cannot be read, the first: %w", len(s.Skipped), s.Skipped[0].Err)
	}
	for _, patient := range opt.Test {
		if !slices.ContainsFunc(s.Clips, func(c Clip) bool { return c.Patient == patient }) {
			return fmt.Errorf("test patient %q is not in %s", patient, s.Table)
		}
	}
	files, pictures := map[string]string{}, map[string]bool{}
	for _, c := range s.Clips {
		if other, taken := files[c.name()]; taken && other != c.File {
			return fmt.Errorf("%s: %s and %s differ in their ending only: rename one", s.Table, other, c.File)
		}
		files[c.name()] = c.File
		key := fmt.Sprintf("%s\x00%d", filepath.Clean(c.File), c.Only)
		if pictures[key] {
			return fmt.Errorf("%s: %s is there twice", s.Table, c.File)
		}
		pictures[key] = true
	}
	return nil
}

// Distinguish gives clips whose names differ in their ending only an alias each, so that
// their pictures do not mix.
func Distinguish(all []Clip) {
	files := map[string]string{}
	for i := range all {
		c := &all[i]
		if other, taken := files[c.name()]; taken && other != c.File {
			ending := filepath.Ext(c.File)
			c.Alias = c.name() + "_" + ending[min(1, len(ending)):]
		}
		files[c.name()] = c.File
	}
}
