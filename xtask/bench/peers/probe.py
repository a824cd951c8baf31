"""Make features to fit linear probes to, and fit them with scikit-learn. Run by `cargo xtask bench probe`.

    python probe.py FOLDER

Writes features and labels as `.npy` into FOLDER, prints the versions as one line of JSON, and then
answers each line `NAME SECONDS` of the input:

* `fit`: fits a second, from zero to scikit-learn's own tolerance
* `objective`: what is minimised, where no component of the gradient is above 1e-8
* `accuracy`: of that fit on the test features, in percent
"""

import importlib.metadata
import json
import pathlib
import sys
import time

import numpy as np
from sklearn.linear_model import LogisticRegression

CLASSES, WIDTH, TRAIN, TEST = 100, 256, 20_000, 10_000
STRENGTH = 1.0


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (train, labels), (test, test_labels) = make()
    for name, array in [("train", train), ("train-labels", labels[:, None].astype(np.float32)),
                        ("test", test), ("test-labels", test_labels[:, None].astype(np.float32))]:
        np.save(folder / f"{name}.npy", array)
    print(json.dumps({"scikit-learn": importlib.metadata.version("scikit-learn")}), flush=True)
    exact = None
    for line in sys.stdin:
        command, seconds = line.split()
        if command == "fit":
            answer = rate(lambda: fit(train, labels, 1e-4), float(seconds))
        else:
            exact = exact or fit(train.astype(np.float64), labels, 1e-8)
            answer = objective(exact, train, labels)
            if command == "accuracy":
                answer = 100.0 * exact.score(test, test_labels)
        print(repr(float(answer)), flush=True)


def make():
    """Normalised features of overlapping classes, as an image tower's are."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, WIDTH))
    def draw(count):
        labels = rng.integers(CLASSES, size=count)
        features = centres[labels] + 6.0 * rng.normal(size=(count, WIDTH))
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        return (10.0 * features).astype(np.float32), labels
    return draw(TRAIN), draw(TEST)


def fit(features, labels, tolerance):
    return LogisticRegression(C=1 / STRENGTH, max_iter=1000, tol=tolerance).fit(features, labels)


def objective(model, features, labels):
    logits = features.astype(np.float64) @ model.coef_.T.astype(np.float64) + model.intercept_
    peak = logits.max(axis=1)
    normaliser = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
    loss = (normaliser - logits[np.arange(len(labels)), labels]).sum()
    return loss + 0.5 * STRENGTH * (model.coef_.astype(np.float64) ** 2).sum()


def rate(work, seconds):
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
