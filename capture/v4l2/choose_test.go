package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestBest(t *testing.T) {
	yuyv, nv12, mjpg := fourCC("YUYV"), fourCC("NV12"), fourCC("MJPG")
	// What a common USB 2 stick offers: uncompressed pictures are slow when large.
	stick := []mode{
		{mjpg, 1920, 1080, 30}, {mjpg, 1280, 720, 60}, {mjpg, 640, 480, 60},
		{yuyv, 1920, 1080, 5}, {yuyv, 1280, 720, 10}, {yuyv, 640, 480, 30},
	}
	for _, c := range []struct {
		can    []mode
		config Config
		want   string
	}{
		{stick, Config{}, "MJPEG 1280×720"},
		{stick, Config{Width: 1920, Height: 1080}, "MJPEG 1920×1080"},
		{stick, Config{Width: 640}, "YUYV 640×480"},
		{stick, Config{Rate: 60}, "MJPEG 1280×720"},
		{stick[:1], Config{}, "MJPEG 1920×1080"},
		{stick[3:4], Config{}, "YUYV 1920×1080"},
		{[]mode{{yuyv, 720, 576, 25}, {nv12, 720, 576, 25}}, Config{}, "NV12 720×576"},
		{[]mode{{yuyv, 720, 576, 0}}, Config{}, "YUYV 720×576"},
		{stick, Config{Width: 800}, "error: it has no pictures of 800×0: set source.width and source.height to one of 1920×1080, 1280×720, 640×480, 1920×1080, 1280×720, 640×480"},
	} {
		m, err := best(c.can, c.config)
		got := fmt.Sprintf("%s %d×%d", codeName(m.code), m.width, m.height)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.config, got, c.want)
		}
	}
}

func TestPick(t *testing.T) {
	obs := Grabber{Path: "/dev/video0", Card: "OBS USB Capture"}
	cam := Grabber{Path: "/dev/video2", Card: "Front Camera"}
	none := errors.New("no permission for the grabber /dev/video0: put the user into the group video")
	for _, c := range []struct {
		all     []Grabber
		wanted  string
		refused error
		want    string
	}{
		{[]Grabber{obs}, "", nil, "/dev/video0"},
		{[]Grabber{obs, cam}, "usb capture", nil, "/dev/video0"},
		{[]Grabber{obs, cam}, "", nil, "2 grabbers fit: OBS USB Capture (/dev/video0), Front Camera (/dev/video2)"},
		{[]Grabber{cam}, "OBS", nil, `no grabber is called "OBS"`},
		{nil, "", nil, "no grabber is plugged in"},
		{nil, "", none, "no permission"},
	} {
		g, err := pick(c.all, c.wanted, c.refused)
		got := g.Path
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%v %q: %s, want %s", c.all, c.wanted, got, c.want)
		}
	}
}

// Without a grabber every call says so and may be repeated; Close ends it.
func TestAbsent(t *testing.T) {
	if _, err := New(Config{Format: "H264"}); err == nil || !strings.Contains(err.Error(), "MJPEG") {
		t.Errorf("a format that cannot be read: %v", err)
	}
	s, err := New(Config{Device: "/dev/video-none"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "/dev/video-none is not there: plug it in") {
			t.Errorf("no grabber: %v", err)
		}
	}
	if got := s.Status(); got.Open || got.String() != "no grabber" {
		t.Errorf("status %s", got)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
