package clip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lungbox/capture/clip/simulated"
)

// probe asks ffprobe what a video file holds, and refuses it when that is no
// video or too large a picture.
func probe(ctx context.Context, path string, opts Options) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.Patience)
	defer cancel()
	complaints := &complaint{path: path}
	cmd := exec.CommandContext(ctx, opts.FFprobe, "-v", "error", "-protocol_whitelist", "file",
		"-select_streams", "v:0", "-of", "json", "-show_entries",
		"stream=width,height,avg_frame_rate,r_frame_rate,nb_frames:stream_tags=comment,title:format_tags=comment,title",
		fileURL(path))
	cmd.Stderr = complaints
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return Info{}, timeout(ctx, opts.Patience)
	case missing(err):
		return Info{}, programMissing(opts.FFprobe)
	case err != nil:
		return Info{}, fmt.Errorf("%w: %s", ErrDamaged, complaints.or(err))
	}
	return parseProbe(out)
}

func parseProbe(out []byte) (Info, error) {
	type tags struct{ Comment, Title string }
	var said struct {
		Streams []struct {
			Width, Height int
			Average       string `json:"avg_frame_rate"`
			Real          string `json:"r_frame_rate"`
			Frames        string `json:"nb_frames"`
			Tags          tags
		}
		Format struct{ Tags tags }
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return Info{}, fmt.Errorf("ffprobe's answer cannot be read: %w", err)
	}
	if len(said.Streams) == 0 {
		return Info{}, fmt.Errorf("%w: it holds no video", ErrFormat)
	}
	video := said.Streams[0]
	if err := CheckSize(video.Width, video.Height); err != nil {
		return Info{}, err
	}
	info := Info{Rate: ratio(video.Average)}
	if info.Rate == 0 {
		info.Rate = ratio(video.Real)
	}
	info.Frames, _ = strconv.Atoi(video.Frames) // "N/A" and the like: the file does not say
	for _, text := range []string{video.Tags.Comment, video.Tags.Title, said.Format.Tags.Comment, said.Format.Tags.Title} {
		info.Simulated = info.Simulated || simulated.InText(text)
	}
	return info, nil
}

// ratio reads ffprobe's "30000/1001"; 0 for what is no frame rate.
func ratio(text string) float64 {
	over, under, _ := strings.Cut(text, "/")
	a, errA := strconv.ParseFloat(over, 64)
	b, errB := strconv.ParseFloat(under, 64)
	const fastest = 1000 // frames per second; more is a time base, not a rate
	if errA != nil || errB != nil || b <= 0 || a <= 0 || a/b > fastest {
		return 0
	}
	return a / b
}

// fileURL keeps ffmpeg from taking a name for an option or another protocol.
func fileURL(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return "file:" + path
}

func missing(err error) bool { return errors.Is(err, exec.ErrNotFound) }

func programMissing(name string) error {
	return fmt.Errorf("%w: %s; install the package ffmpeg (sudo apt-get install ffmpeg)", ErrProgram, name)
}

// timeout tells a decoder that took too long from a caller who gave up.
func timeout(ctx context.Context, patience time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: the decoder gave no answer within %v", ErrDamaged, patience)
	}
	return ctx.Err()
}
