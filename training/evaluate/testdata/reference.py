#!/usr/bin/env python3
"""Writes reference.json beside this file: what evaluate and calibrate compute, as
scikit-learn and numpy compute it.

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python reference.py

Nothing here follows the Go code: the vote is written down again from the paper's
section 3.2, and no-consensus pictures are left out before scikit-learn counts.
A figure that is not defined is null.
"""
import json
import math
import pathlib
import warnings

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, cohen_kappa_score, confusion_matrix, f1_score,
                             log_loss, precision_score, recall_score, roc_auc_score)

warnings.filterwarnings("ignore")  # about the classes that some cases leave out on purpose
SCORES = [0, 1, 2, 3]
random = np.random.default_rng(20261123)


def null(x):
    return None if x is None or math.isnan(x) else float(x)


def table(truth, predicted):
    """All figures of one confusion matrix."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    one = dict(labels=SCORES, average=None, zero_division=0)
    macro = dict(labels=SCORES, average="macro", zero_division=0)
    # Specificity is the recall of "any other score".
    specificity = [recall_score(truth != s, predicted != s, zero_division=0) for s in SCORES]
    accuracy = [accuracy_score(truth == s, predicted == s) for s in SCORES]
    return {
        "confusion": confusion_matrix(truth, predicted, labels=SCORES).tolist(),
        "accuracy": accuracy_score(truth, predicted),
        "balanced": balanced_accuracy_score(truth, predicted),
        "kappa": null(cohen_kappa_score(truth, predicted, weights="quadratic", labels=SCORES)),
        "severe": float(np.mean(abs(truth - predicted) >= 2)),
        "perScore": {
            "accuracy": accuracy, "precision": precision_score(truth, predicted, **one).tolist(),
            "sensitivity": recall_score(truth, predicted, **one).tolist(), "specificity": specificity,
            "f1": f1_score(truth, predicted, **one).tolist(),
        },
        "mean": {
            "accuracy": float(np.mean(accuracy)), "precision": precision_score(truth, predicted, **macro),
            "sensitivity": recall_score(truth, predicted, **macro), "specificity": float(np.mean(specificity)),
            "f1": f1_score(truth, predicted, **macro),
        },
    }


def areas(truth, values0, values1):
    """The two questions: score 0 against 1 to 3, and 0 and 1 against 2 and 3."""
    out = {}
    for name, values, positive in [("auc0", values0, np.asarray(truth) >= 1), ("auc1", values1, np.asarray(truth) >= 2)]:
        out[name] = null(roc_auc_score(positive, values)) if len(set(positive)) == 2 else None
    return out


def metrics():
    def near(truth, spread):
        return np.clip(np.round(truth + random.normal(0, spread, len(truth))), 0, 3).astype(int)

    def case(name, truth, predicted, values=None):
        if values is None:
            values = np.round(truth + random.normal(0, 1, len(truth)), 1)  # rounded: many are equal
        return {"name": name, "truth": truth.tolist(), "predicted": predicted.tolist(), "values": values.tolist(),
                **table(truth, predicted), **areas(truth, values, values)}

    out = []
    for n, spread in [(40, 0.5), (200, 1.0), (1000, 2.0)]:
        truth = random.integers(0, 4, n)
        out.append(case(f"{n} pictures", truth, near(truth, spread)))
    truth = random.integers(0, 4, 60)
    predicted = near(truth, 0.8)
    out.append(case("score 2 never predicted", truth, np.where(predicted == 2, 1, predicted)))
    out.append(case("score 1 absent from the truth", np.where(truth == 1, 0, truth), predicted))
    out.append(case("score 3 on neither side", np.minimum(truth, 2), np.minimum(predicted, 2)))
    out.append(case("one score in the truth", np.full(60, 2), predicted))
    out.append(case("one score predicted", truth, np.full(60, 1)))
    out.append(case("one score on both sides", np.full(60, 3), np.full(60, 3)))
    out.append(case("one other score on both sides", np.full(60, 3), np.full(60, 0)))
    out.append(case("all right", truth, truth))
    out.append(case("all as wrong as can be", np.where(truth < 2, 0, 3), np.where(truth < 2, 3, 0)))
    out.append(case("rare score", np.concatenate([np.zeros(59, int), [3]]), predicted))
    out.append(case("all values equal", truth, predicted, np.full(60, 0.25)))
    out.append(case("values of two kinds", truth, predicted, (predicted >= 2).astype(float)))
    out.append(case("values the wrong way round", truth, predicted, -truth.astype(float)))
    out.append(case("one picture", np.array([1]), np.array([2])))
    return out


def vote(probs):
    """The paper's: two agree, or the surest one above 0.80; -1 without either."""
    scores = np.argmax(probs, axis=1)
    counts = np.bincount(scores, minlength=4)
    if counts.max() >= 2:
        return int(np.argmax(counts))
    sure = probs.max(axis=1)
    return int(scores[np.argmax(sure)]) if sure.max() > 0.80 else -1


def way(truth, predicted, sums, of=1):
    """One way of scoring; predicted is -1 for a picture without a score.

    sums are whole 64ths, added up over `of` probabilities: equal shares are equal
    numbers, which rounded means are not.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    scored = predicted >= 0
    out = {"count": int(scored.sum()), "unscored": int((~scored).sum())}
    if scored.any():
        out["table"] = table(truth[scored], predicted[scored])
    # The areas are over all pictures: a picture without a score has probabilities.
    return out | areas(truth, sums[:, 1:].sum(axis=1) / of, sums[:, 2:].sum(axis=1) / of)


def judged():
    """Three nets' probabilities in 64ths: many pictures, and sums over scores, are equal."""
    out = []
    for name, patients, clips, pictures, wild in [
            ("seven patients", 7, 3, 8, 0.6), ("one patient", 1, 4, 10, 0.5), ("nets that mostly guess", 5, 6, 3, 2.5)]:
        samples = []
        for p in range(patients):
            for c in range(clips):
                truth = int(random.integers(0, 4))
                for _ in range(pictures):
                    logits = random.normal(0, wild, (3, 4)) - 0.8 * abs(truth - np.arange(4))
                    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
                    parts = np.floor(64 * probs)
                    parts[np.arange(3), np.argmax(parts, axis=1)] += 64 - parts.sum(axis=1)
                    samples.append((f"p{p}", f"p{p}/{c}", truth, parts / 64))
        # Two pictures in which all nets differ: equally sure and unsure.
        equal = np.array([[58, 2, 2, 2], [2, 58, 2, 2], [2, 2, 58, 2]]) / 64
        unsure = np.array([[16, 16, 16, 16], [15, 19, 15, 15], [15, 15, 19, 15]]) / 64
        for probs in [equal, unsure]:
            samples.append(("p0", "p0/lone", 1, probs))
        samples.append(("p0", "p0/nothing", 2, unsure))  # a clip without any score
        truth = np.array([s[2] for s in samples])
        probs = np.array([s[3] for s in samples])  # picture, net, score
        whole = np.rint(64 * probs).astype(int)
        predicted = np.array([vote(p) for p in probs])
        scores = probs.argmax(axis=2)
        clip = np.array([s[1] for s in samples])
        names = list(dict.fromkeys(clip))
        clip_scores = []
        for n in names:
            counts = np.bincount(predicted[(clip == n) & (predicted >= 0)], minlength=4)
            clip_scores.append(int(max((s for s in SCORES if counts[s] == counts.max()), default=-1)) if counts.max() else -1)
        out.append({
            "name": name, "patients": [s[0] for s in samples], "clips": clip.tolist(), "truth": truth.tolist(),
            "sixtyfourths": whole.tolist(),
            "nets": [way(truth, scores[:, n], whole[:, n]) for n in range(3)],
            "vote": way(truth, predicted, whole.sum(axis=1), 3),
            "byClip": way([truth[clip == n][0] for n in names], clip_scores,
                          np.array([whole[clip == n].sum(axis=(0, 1)) for n in names]),
                          np.array([3 * (clip == n).sum() for n in names])),
            "differed": float(np.mean(scores[:, 0] != scores[:, 1])),
            "disagreement": float(np.mean([len(set(s)) > 1 for s in scores])),
            "noConsensus": float(np.mean(predicted < 0)),
        })
    return out


def calibration():
    out = []
    for n, spread, temperature in [(50, 1, 1), (120, 3, 1.7), (120, 2, 0.6)]:
        # In 16ths: the Go code's float32 has them exactly.
        logits = np.round(16 * random.normal(0, spread, (n, 4))) / 16
        truth = np.where(random.random(n) < 0.7, logits.argmax(axis=1), random.integers(0, 4, n))
        probs = np.exp(logits / temperature)
        probs /= probs.sum(axis=1, keepdims=True)
        confidence, right = probs.max(axis=1), probs.argmax(axis=1) == truth
        errors = {}
        for bins in [1, 5, 10, 15]:
            share, mean = calibration_curve(right, confidence, n_bins=bins)  # of the bins that are not empty
            counts = np.histogram(confidence, np.linspace(0, 1, bins + 1))[0]
            errors[bins] = float(np.sum(counts[counts > 0] * abs(share - mean)) / n)
        out.append({"temperature": temperature, "sixteenths": (16 * logits).astype(int).tolist(), "truth": truth.tolist(),
                    "confidence": confidence.tolist(), "right": right.tolist(),
                    "nll": log_loss(truth, probs, labels=SCORES), "ece": errors})
    return out


def percentiles():
    shares = [0, 0.025, 0.1, 1 / 3, 0.5, 0.9, 0.975, 1]
    sets = [[7.0], [1.0, 2.0], [3.0, -1.0, 2.0], [0.5] * 6, np.round(random.random(41), 2).tolist(), random.normal(0, 1, 100).tolist()]
    return [{"values": v, "shares": shares, "want": np.percentile(v, 100 * np.array(shares)).tolist()} for v in sets]


def lines(cases):
    return "[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]"


parts = {"metrics": metrics(), "judged": judged(), "calibration": calibration(), "percentiles": percentiles()}
text = "{" + ",\n".join(f'"{name}": {lines(cases)}' for name, cases in parts.items()) + "}\n"
(pathlib.Path(__file__).parent / "reference.json").write_text(text)
