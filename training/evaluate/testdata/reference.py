#!/usr/bin/env python3
"""Writes reference.json: metrics as scikit-learn computes them.

    pip install scikit-learn==1.9.1 numpy
    python reference.py > reference.json
"""
import json
import sys

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, confusion_matrix, roc_auc_score

random = np.random.default_rng(20261123)
cases = []
for n, spread in [(40, 0.5), (200, 1.0), (1000, 2.0)]:
    truth = random.integers(0, 4, n)
    predicted = np.clip(np.round(truth + random.normal(0, spread, n)), 0, 3).astype(int)
    values = np.round(truth + random.normal(0, spread, n), 1)  # rounded: many are equal
    cases.append({
        "truth": truth.tolist(), "predicted": predicted.tolist(), "values": values.tolist(),
        "accuracy": accuracy_score(truth, predicted), "balanced": balanced_accuracy_score(truth, predicted),
        "kappa": cohen_kappa_score(truth, predicted, weights="quadratic", labels=[0, 1, 2, 3]),
        "confusion": confusion_matrix(truth, predicted, labels=[0, 1, 2, 3]).tolist(),
        "auc0": roc_auc_score(truth >= 1, values), "auc1": roc_auc_score(truth >= 2, values),
    })
json.dump(cases, sys.stdout)
print()
