package main

import (
	"image"
	"os"
	"strings"
	"testing"
	"time"

	"lungbox/sync/journal"
)

// On a disk that is nearly full, pictures of exams that the archive has make room, the oldest
// first; others stay, and a new one is not kept: results go before pictures.
func TestPicturesLeaveRoom(t *testing.T) {
	store, err := journal.Open(t.Context(), t.TempDir(), journal.Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	x := &clipPictures{store: store, folder: t.TempDir()}
	ctx := t.Context()
	add := func(id string, clip int) error {
		t.Helper()
		c := journal.Clip{Exam: id, Number: clip, Zone: "R1"}
		if err := x.save(ctx, c, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
			return err
		}
		return store.SaveClip(ctx, c)
	}
	there := func(id string, clip int) bool { _, err := os.Stat(x.file(id, clip)); return err == nil }
	for i, id := range []string{"sent", "waits"} {
		if err := store.SaveExam(ctx, journal.Exam{ID: id, Scheme: "blue12", Started: time.Now().Add(time.Duration(i) * time.Second), Ended: time.Now()}); err != nil {
			t.Fatal(err)
		}
		for clip := range 2 {
			if err := add(id, clip+1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Sent(ctx, "sent", 4); err != nil {
		t.Fatal(err)
	}
	x.floor = 1 << 62 // more than any disk has
	err = add("waits", 3)
	if err == nil || !strings.Contains(err.Error(), "the disk is nearly full") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a picture on a full disk: %v", err)
	}
	if there("sent", 1) || there("sent", 2) || !there("waits", 1) || !there("waits", 2) || there("waits", 3) {
		t.Error("the wrong pictures made room")
	}
	x.floor = 0
	if err := add("waits", 3); err != nil || !there("waits", 3) {
		t.Errorf("with room again: %v", err)
	}
}
