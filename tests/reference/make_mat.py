"""Write small data sets whose labels are in MATLAB files, as scipy writes them, for clip-data's tests.

    python make_mat.py [--out crates/clip-data/tests/labelled]

Needs numpy, scipy and Pillow, and downloads nothing.
"""

import argparse
import pathlib

import numpy as np
from numpy.lib.recfunctions import drop_fields
from PIL import Image
from scipy.io import savemat


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = pathlib.Path(__file__).parents[2] / "crates/clip-data/tests/labelled"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    out = parser.parse_args().out
    for name, compress in [("plain", False), ("packed", True)]:
        save(out / f"values/{name}.mat", values(), compress)
    svhn(out / "svhn")
    cars(out / "cars")
    flowers(out / "flowers")
    iiit5k(out / "iiit5k/IIIT5K")


def save(path, variables, compress):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables, do_compression=compress)
    # The header holds the time of writing.
    data = bytearray(path.read_bytes())
    data[:116] = b"MATLAB 5.0 MAT-file, written by scipy".ljust(116)
    path.write_bytes(data)


def values():
    point = np.array([(1, "one"), (2, "zwölf")], dtype=[("number", object), ("name", object)])
    return {
        "bytes": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "doubles": np.array([[0.5, -1e300]]),
        "shorts": np.array([[-3, 300]], dtype=np.int16),
        "text": "a cat",
        "cells": np.array(["x", np.array([[7]])], dtype=object),
        "points": point,
        "empty": np.zeros((0, 0)),
    }


def svhn(folder):
    images = (np.arange(2 * 3 * 32 * 32) % 251).astype(np.uint8).reshape(2, 32, 32, 3)
    labels = np.array([[10], [3]], dtype=np.uint8)
    save(folder / "test_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": labels}, True)


def cars(folder):
    fields = [(name, object) for name in ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname"]]
    annotations = np.array([[(1, 2, 3, 4, 196, "00001.jpg"), (1, 2, 3, 4, 1, "00002.jpg")]], dtype=fields)
    save(folder / "cars_test_annos_withlabels.mat", {"annotations": annotations}, True)
    unlabelled = drop_fields(annotations, "class", usemask=False)
    save(folder / "devkit/cars_train_annos.mat", {"annotations": unlabelled}, True)
    pictures(folder / "cars_test", ["00001.jpg", "00002.jpg"])


def flowers(folder):
    save(folder / "imagelabels.mat", {"labels": np.array([[77, 1, 2]], dtype=np.uint8)}, True)
    sets = {"trnid": [[2]], "valid": [[3]], "tstid": [[1]]}
    sets = {name: np.array(numbers, dtype=np.uint16) for name, numbers in sets.items()}
    save(folder / "setid.mat", sets, True)
    pictures(folder / "jpg", [f"image_{number:05}.jpg" for number in (1, 2, 3)])


def iiit5k(folder):
    """Three images whose lexicons have 3 and 4 words, one of them twice, and for the last one not its own."""
    fields = [(name, object) for name in ["ImgName", "GroundTruth", "smallLexi", "mediumLexi"]]
    entries = [
        ("test/1002_1.png", "PRIVATE", ["PRIVATE", "PARKING", "Parking"], ["PARKING", "HOTEL", "PRIVATE", "BAR"]),
        ("test/1009_1.png", "bar", ["HOTEL", "PRIVATE", "BAR"], ["BAR", "INN", "HOTEL", "2008"]),
        ("test/1010_1.png", "2008", ["INN", "BAR", "HOTEL"], ["INN", "BAR", "HOTEL", "2008"]),
    ]
    cells = lambda words: np.array([words], dtype=object)
    entries = [(name, word, cells(small), cells(medium)) for name, word, small, medium in entries]
    save(folder / "testdata.mat", {"testdata": np.array([entries], dtype=fields)}, True)
    pictures(folder / "test", [pathlib.Path(name).name for name, *_ in entries])


def pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (8, 8), "green").save(folder / name)


if __name__ == "__main__":
    main()
