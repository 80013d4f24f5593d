package exam_test

import (
	"fmt"
	"testing"
	"time"

	"lungbox/daemon/exam"
	"lungbox/ensemble"
)

func TestSession(t *testing.T) {
	named := 0
	s := exam.NewSession(exam.Blue12, func() string { named++; return fmt.Sprint("exam-", named) })
	if s.Place() != (ensemble.Place{}) || s.NextZone() != "" {
		t.Error("an exam is under way before the first patient")
	}
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	begun, ended := s.NewPatient(noon)
	if begun.ID != "exam-1" || begun.Started != noon || ended != nil {
		t.Errorf("first patient: %+v, ended %+v", begun, ended)
	}
	seen := []string{s.Place().Zone}
	for range 12 {
		zone := s.NextZone()
		if s.Place() != (ensemble.Place{Exam: "exam-1", Zone: zone, Scheme: "blue12"}) {
			t.Errorf("zone %s: place %+v", zone, s.Place())
		}
		seen = append(seen, zone)
	}
	if fmt.Sprint(seen) != "[R1 R2 R3 R4 R5 R6 L1 L2 L3 L4 L5 L6 R1]" {
		t.Errorf("zones %v", seen)
	}
	s.NextZone()
	begun, ended = s.NewPatient(noon.Add(time.Hour))
	if begun.ID != "exam-2" || ended == nil || ended.ID != "exam-1" || ended.Ended != noon.Add(time.Hour) || s.Place().Zone != "R1" {
		t.Errorf("second patient: %+v, ended %+v, at %s", begun, ended, s.Place().Zone)
	}
}

func TestSchemes(t *testing.T) {
	for name, want := range map[string]int{"blue12": 12, "iclus14": 14, "volpicelli8": 8, "blue6": 6} {
		s, err := exam.ParseScheme(name)
		if err != nil || len(s.Zones()) != want {
			t.Errorf("%s: %d zones, %v", name, len(s.Zones()), err)
		}
	}
	if _, err := exam.ParseScheme("blue13"); err == nil {
		t.Error("blue13 is taken for a scheme")
	}
}
