package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/ensemble/worker"
)

// finding is the outcome of one of doctor's checks.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, note or fault
	Found string `json:"found"`
	Do    string `json:"do"` // what to do about it, "" when nothing
}

func newDoctor() *cobra.Command {
	s := &settings{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine: engine, GPU, programs, grabber, lamps, folders, clock",
		Long: `Check this machine and say what to do about every fault: which engine and device
really run and why a GPU is not used, the release and its golden frames, the
programs that decoding needs, the source of pictures, the lamp panel, folders, what
is kept, and the clock. The exit code is 1 when something that the box needs is missing;
without --config it is 1 only when something that scoring needs is.`,
		RunE: func(c *cobra.Command, _ []string) error { return s.examine(c.Context(), asJSON) },
	}
	s.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object for each check")
	return c
}

func (s *settings) examine(ctx context.Context, asJSON bool) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	findings := []finding{machine()}
	findings = append(findings, engineFindings(ctx, c.Engine)...)
	findings = append(findings, programs()...)
	// Full-width nets in float32 take 700 MB, in int8 170 MB.
	findings = append(findings, folderFinding("cache", c.Engine.Cache, "engine.cache", 600))
	box := boxFindings(ctx, c)
	if s.file == "" {
		// Nobody has said that this machine is a box: it need not have a grabber.
		for i := range box {
			if box[i].State == "fault" {
				box[i].State = "note"
			}
		}
	}
	findings = append(findings, box...)
	return reportFindings(os.Stdout, findings, asJSON)
}

func reportFindings(w io.Writer, findings []finding, asJSON bool) error {
	faults := 0
	for _, f := range findings {
		if f.State == "fault" {
			faults++
		}
		if asJSON {
			text, err := json.Marshal(f)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", text)
			continue
		}
		fmt.Fprintf(w, "%-5s  %-10s  %s\n", f.State, f.Check, f.Found)
		if f.Do != "" {
			fmt.Fprintf(w, "       %-10s  → %s\n", "", f.Do)
		}
	}
	if faults > 0 {
		return fmt.Errorf("%d faults: %w", faults, commandline.ErrReported)
	}
	return nil
}

func machine() finding {
	var memory unix.Sysinfo_t
	found := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if unix.Sysinfo(&memory) == nil {
		found += fmt.Sprintf(", %d MB memory", memory.Totalram*uint64(memory.Unit)>>20)
	}
	return finding{Check: "machine", State: "ok", Found: found}
}

// engineFindings starts the engine as scoring would and says what really runs.
func engineFindings(ctx context.Context, e config.Engine) []finding {
	gpu := finding{Check: "gpu", State: "ok", Found: "TensorFlow runs on a GPU"}
	if why := tensorflowGPU(e); why != "" {
		gpu.State, gpu.Found = "note", "not used: "+why
	}
	w, err := workerConfig(e)
	if err != nil {
		return []finding{gpu, {Check: "engine", State: "fault", Found: err.Error()}}
	}
	child, err := worker.New(ctx, w)
	if err != nil {
		do := "run `lungbox release verify` on the release, and see engine.litert and engine.use in the configuration"
		return []finding{gpu, {Check: "engine", State: "fault", Found: err.Error(), Do: do}}
	}
	defer child.Close()
	ready := child.Ready()
	release := finding{Check: "release", State: "ok", Found: fmt.Sprintf("%s, golden frames differ by %.4f", ready.Release, ready.GoldenOff)}
	if ready.Notice != "" {
		release.State = "note"
		release.Found += ": " + ready.Notice
		release.Do = "name a release with --release or engine.release for anything but a demonstration"
	}
	engine := finding{Check: "engine", State: "ok", Found: fmt.Sprintf("%s, %s vote", ready.Engine, ready.Vote)}
	return []finding{gpu, engine, release}
}

// programs looks for what decoding calls.
func programs() []finding {
	var findings []finding
	for _, p := range []struct{ name, need, missing, pack string }{
		{"ffmpeg", "videos", "fault", "ffmpeg"},
		{"ffprobe", "videos", "fault", "ffmpeg"},
		{"dcmdjpeg", "JPEG lossless DICOM files", "note", "dcmtk"},
		{"dcmdjpls", "JPEG-LS DICOM files", "note", "dcmtk"},
		{"dcmdrle", "RLE DICOM files", "note", "dcmtk"},
		{"storescp", "receiving DICOM files", "note", "dcmtk"},
		{"storescu", "sending reports to an archive", "note", "dcmtk"},
		{"gdcmconv", "JPEG 2000 DICOM files", "note", "libgdcm-tools"},
	} {
		f := finding{Check: p.name, State: "ok"}
		path, err := exec.LookPath(p.name)
		if f.Found = path; err != nil {
			f.State, f.Found, f.Do = p.missing, "not installed; needed for "+p.need, "apt-get install "+p.pack
		}
		findings = append(findings, f)
	}
	return findings
}

// folderFinding tries to write into a folder, and looks how much room there is; need is
// in MB.
func folderFinding(check, dir, key string, need uint64) finding {
	f := finding{Check: check, State: "ok", Found: dir}
	err := os.MkdirAll(dir, 0o750)
	if err == nil {
		trial := filepath.Join(dir, ".doctor")
		err = os.WriteFile(trial, []byte(strings.Repeat("x", 4096)), 0o644)
		os.Remove(trial)
	}
	if err != nil {
		f.State, f.Found, f.Do = "fault", err.Error(), "make the folder writable or set "+key
		return f
	}
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) == nil {
		free := disk.Bavail * uint64(disk.Bsize) >> 20
		f.Found += fmt.Sprintf(", %d MB free", free)
		if free < need {
			f.State, f.Do = "note", fmt.Sprintf("free some space: up to %d MB are needed", need)
		}
	}
	return f
}
