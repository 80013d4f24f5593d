// Package report writes what a training run gives to people: one self-contained page
// with plots and tables, the paper's own figures beside the run's, and a contact sheet
// of the pictures that were removed. It only writes; every figure is handed to it.
package report

import (
	"image"

	"lungbox/ensemble"
)

// Content is all that a report shows. Sections without data are left out.
type Content struct {
	Title, Subtitle string
	Warnings        []string    // shown first: leaks, random start, simulated pictures
	Facts           [][2]string // of the manifest: name, value

	Tables    []Table
	Folds     []Fold // stage one
	Selection Selection
	Curves    []Curve

	Methods                   []Method // nets and vote
	Disagreement, NoConsensus float64  // shares of the test pictures
	Ablation                  []Arm
	Verdicts                  []string // plain sentences on the ablation

	Calibration       []Calibration
	OutOfDistribution string
	Worst             []Mistake
}

// Table is any table; columns after the first hold numbers.
type Table struct {
	Title, Note string
	Head        []string
	Rows        [][]string
}

// Fold is one net of stage one.
type Fold struct {
	Name           string
	Pictures       int
	Correct, Total [4]int     // of the pictures held out of it, by given score
	TestAccuracy   [4]float64 // 0 to 1
	TestAverage    float64    // NaN: not measured
}

// Selection counts pictures by score.
type Selection struct {
	Filter                string
	Kept, Removed, Capped [4]int
	ContactSheet          string // where it lies, relative to the report
}

// Curve is one training: parallel rows; a value may be NaN.
type Curve struct {
	Name                             string
	Step, Loss, Accuracy, Validation []float64
}

// PerScore are the figures of one score against the others, 0 to 1 (paper, section 3.3).
type PerScore struct{ Accuracy, Sensitivity, Specificity, F1 float64 }

// Method is one way to score the test pictures.
type Method struct {
	Name                    string
	Count, NoScore          int
	PerScore                [4]PerScore
	Mean                    PerScore
	Accuracy, Kappa, Severe float64
	AccuracyCI              [2]float64
	Confusion               [4][4]int // rows: the readers' scores
}

// Arm is one row of the ablation.
type Arm struct {
	Name                             string
	Accuracy, Kappa, Severe, NoScore float64
	CI                               [2]float64
	Paper                            float64 // the paper's figure; NaN: none
}

// Bin is one bar of a reliability diagram.
type Bin struct {
	Confidence, Accuracy float64
	Count                int
}

// Calibration tells how honest a net's confidences are on the test pictures.
type Calibration struct {
	Net           string
	Temperature   float64
	Before, After float64 // expected calibration error
	BinsBefore    []Bin
	BinsAfter     []Bin
}

// Mistake is a test picture that the vote scores wrong.
type Mistake struct {
	Picture    *image.Gray
	Heat       *ensemble.Heat // where the vote's score comes from; nil: no net can say
	File       string
	Truth      int
	Score      int
	Confidence float64
	Note       string
}

// Removed is a training picture that selection left out, or a person decided about.
type Removed struct {
	File, Patient, Why string
	Frame              int // -1: the file holds one picture
	Given, Predicted   int
	Confidence, Margin float64
	Picture            *image.Gray
	Decision           string // "", keep, drop or relabel
	Relabel            int
	Note               string // of the decision; the page keeps it
}
