package stream

import (
	"strings"
	"testing"
)

// ffmpeg may write the address otherwise than it was given: the password is still not told.
func TestPasswordIsNotTold(t *testing.T) {
	s, err := Open("rtsp://anna:geheim@scanner/live", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"rtsp://anna:geheim@scanner/live: refused", "rtsp://anna:geheim@scanner:554/live/track1: refused"} {
		if got := s.why(nil, nil, said).Error(); strings.Contains(got, "geheim") || !strings.Contains(got, "refused") {
			t.Errorf("%s becomes %s", said, got)
		}
	}
}
