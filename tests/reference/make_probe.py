"""Write the goldens of clip-eval's linear probe and metrics, of random inputs, as scikit-learn and
torchmetrics compute them, and of RareAct's means by its authors' definitions.

    python make_probe.py [--out crates/clip-eval/tests/goldens]

Needs numpy, scikit-learn, torch and torchmetrics, and downloads nothing. `versions.json` names theirs.
"""

import argparse
import json
import pathlib
import platform

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    precision_recall_curve,
    roc_auc_score,
)
from torchmetrics.functional.classification import multiclass_calibration_error

WIDTH = 8


def objective(model, features, labels, strength):
    """What LogisticRegression minimises, from its coefficients, in f64."""
    logits = features @ model.coef_.T + model.intercept_
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    peak = logits.max(axis=1, keepdims=True)
    normaliser = peak[:, 0] + np.log(np.exp(logits - peak).sum(axis=1))
    loss = (normaliser - logits[np.arange(len(labels)), labels]).sum()
    return loss + 0.5 * strength * (model.coef_**2).sum()


def fit(features, labels, test, strength):
    # Tight, so that what is compared is the optimum and not the way there.
    model = LogisticRegression(C=1 / strength, max_iter=100_000, tol=1e-10).fit(features, labels)
    return {
        "lambda": strength,
        "objective": objective(model, features, labels, strength),
        "classes": model.predict(test).tolist(),
    }


def probe(rng, classes):
    centres = rng.normal(size=(classes, WIDTH))
    labels = rng.integers(classes, size=150)
    draw = lambda labels: np.round(centres[labels] + 1.5 * rng.normal(size=(len(labels), WIDTH)), 2)
    features, test = draw(labels), draw(rng.integers(classes, size=40))
    return {
        "features": features.tolist(),
        "labels": labels.tolist(),
        "classes": classes,
        "test_features": test.tolist(),
        "fits": [fit(features, labels, test, strength) for strength in (0.01, 1.0, 100.0)],
    }


def eleven_points(positive, scores):
    """As the devkit of VOC 2007 has it."""
    precision, recall, _ = precision_recall_curve(positive, scores)
    # The last point is none of the ranking's.
    precision, recall = precision[:-1], recall[:-1]
    at = lambda level: precision[recall >= level].max(initial=0.0)
    return float(np.mean([at(tenths / 10) for tenths in range(11)]))


def metrics(rng, count, classes):
    # Of few values, so that there are equals.
    scores = np.round(rng.normal(size=count), 1).astype(np.float32)
    positive = rng.random(count) < 1 / (1 + np.exp(-scores))
    logits = torch.tensor(rng.normal(size=(count, classes)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(classes, size=count))
    probabilities, guesses = (2 * logits).softmax(1).max(1)
    error = multiclass_calibration_error((2 * logits).softmax(1), labels, num_classes=classes, n_bins=15)
    return {
        "scores": scores.tolist(),
        "positive": positive.tolist(),
        "roc_auc": roc_auc_score(positive, scores),
        "average_precision": average_precision_score(positive, scores),
        "average_precision_11_point": eleven_points(positive, scores),
        "predictions": [
            list(row) for row in zip(labels.tolist(), guesses.tolist(), probabilities.tolist())
        ],
        "classes": classes,
        "mean_per_class": balanced_accuracy_score(labels, guesses),
        "calibration_error": float(error),
    }


def weighted(golden, rng):
    """Adds weights to scores, and the average precision by them."""
    weights = 1 / rng.integers(1, 5, size=len(golden["scores"]))
    scores = np.array(golden["scores"], np.float32)
    value = average_precision_score(golden["positive"], scores, sample_weight=weights)
    return golden | {"weights": weights.tolist(), "weighted_average_precision": value}


def rare_act(rng, segments=150, draws=1000):
    """Segments of few videos and actions, with scores and both means (Miech et al. 2020)."""
    classes = [(f"verb {n % 4}", f"noun {n // 4}") for n in range(8)]
    rows = [
        {
            "id": str(number),
            "video_id": f"video {rng.integers(40)}",
            "start": 10 * number,
            "end": 10 * number + 10,
            "class_id": int(label),
            "verb": classes[label][0],
            "noun": classes[label][1],
            "annotation": int(rng.choice(5, p=[0.4, 0.3, 0.1, 0.1, 0.1])) if label else 0,
        }
        for number, label in enumerate(rng.integers(len(classes), size=segments))
    ]
    scores = rng.random((segments, len(classes))).round(2).astype(np.float32)
    means = []
    for label, (verb, noun) in enumerate(classes):
        groups = ([], [], [])
        for at, row in enumerate(rows):
            shared = (row["verb"] == verb) + (row["noun"] == noun)
            if shared == 2:
                groups[{1: 0, 0: 1}.get(row["annotation"], 2)].append(at)
            elif row["annotation"] == 1:
                groups[1 + shared].append(at)
        if not groups[0]:
            continue
        videos = [{} for _ in groups]
        for group, of_video in zip(groups, videos):
            for at in group:
                of_video.setdefault(rows[at]["video_id"], []).append(at)
        parts = [(at, 1 / len(same), not number) for number, of_video in enumerate(videos)
                 for same in of_video.values() for at in same]
        at, weights, right = (np.array(part) for part in zip(*parts))
        weighted_mean = average_precision_score(right, scores[at, label], sample_weight=weights)
        is_right = [not number for number, of_video in enumerate(videos) for _ in of_video]
        drawn = []
        for _ in range(draws):
            one = [rng.choice(same) for of_video in videos for same in of_video.values()]
            drawn.append(average_precision_score(is_right, scores[one, label]))
        means.append((weighted_mean, np.mean(drawn)))
    mwap, msap = np.mean(means, axis=0)
    return {
        "segments": rows,
        "classes": classes,
        "scores": scores.flatten().astype(float).round(2).tolist(),
        "mwap": mwap,
        "msap": msap,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    default = pathlib.Path(__file__).parents[2] / "crates/clip-eval/tests/goldens"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
        "torchmetrics": torchmetrics.__version__,
    }
    files = {
        "probe": [probe(rng, classes) for classes in (2, 3, 7)],
        "metrics": [metrics(rng, *shape) for shape in ((50, 3), (400, 5))],
        "versions": versions,
    }
    files["metrics"] = [weighted(golden, rng) for golden in files["metrics"]]
    files["rare_act"] = rare_act(rng)
    for name, content in files.items():
        (out / f"{name}.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
