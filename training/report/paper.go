package report

// Figures of Xing et al. 2022 (doi 10.1016/j.bspc.2022.103561), shown beside a run's.
//
// Table 6 does not fit its own equations 3 to 5. Its ACC are the per-score accuracies of
// section 3.2, shares of 250 pictures: equation 4's sensitivity. Its SEN are no shares of
// 250, and F1 is the harmonic mean of both, so they are precisions; its SPE fit negative
// predictive values.
var (
	// paperFolds is Table 3: accuracy of the five ResNet-50 on the test set, percent.
	paperFolds = [5][5]float64{
		{92.90, 83.19, 55.03, 98.90, 82.51},
		{84.79, 86.34, 87.47, 94.41, 88.25},
		{91.08, 96.53, 64.37, 99.21, 87.80},
		{65.72, 92.99, 83.78, 95.30, 84.45},
		{95.74, 94.75, 57.74, 99.69, 86.98},
	}
	// paperGiven and paperKept are section 3 and the rows of Table 4: pictures before and
	// after selection, by score.
	paperGiven = [4]int{4930, 5710, 4070, 3620}
	paperKept  = [4]int{952 + 547 + 779 + 358 + 878, 711 + 850 + 694 + 1002 + 985, 316 + 469 + 566 + 386 + 102, 586 + 717 + 715 + 679 + 657}
	// paperVote is Table 6's averages as printed, percent.
	paperVote = PerScore{Accuracy: 96.1, Sensitivity: 96.3, Specificity: 98.8, F1: 96.1}
)
