"""Compare zero-shot classification with CLIP_benchmark's, image by image.

    pip install --no-deps clip-benchmark
    cargo build --release --package clip-examples --example benchmark
    python compare_clip_benchmark.py --model runs/pretrain-1/export --data data --datasets fashion_mnist mnist

The data sets are read by both from shards in CLIP_benchmark's layout, which this script writes from the
IDX files or shards in `--data` (see `cargo xtask data eval`). Both take the model from the same
folder, in open_clip's format. Needs open_clip, webdataset and Pillow on top of clip-benchmark. The
exit status is 1 where fewer than 99.99 percent of the images are named alike.
"""

import argparse
import gzip
import importlib.metadata
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np
import open_clip
import torch
from clip_benchmark.datasets.builder import build_dataset
from clip_benchmark.metrics import zeroshot_classification
from PIL import Image

LIMIT = 0.9999
TEMPLATES = {"fashion_mnist": ["a photo of a {c}.", "a {c}."], "mnist": ['a photo of the number: "{c}".']}
FASHION = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
NAMES = {"fashion_mnist": FASHION, "mnist": [str(digit) for digit in range(10)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--datasets", nargs="+", default=["fashion_mnist", "mnist"])
    default = pathlib.Path(__file__).parents[2] / "target/release/examples/benchmark"
    parser.add_argument("--benchmark", type=pathlib.Path, default=default)
    args = parser.parse_args()
    print({name: importlib.metadata.version(name) for name in ["clip-benchmark", "open-clip-torch", "torch"]})
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for dataset in args.datasets:
            write(args.data / dataset, folder / f"wds_{dataset}", dataset)
        ours = measure(args, folder)
        for dataset in args.datasets:
            theirs, accuracy, features = reference(args.model, folder / f"wds_{dataset}", dataset)
            row, guesses = ours[dataset]
            same = float((theirs == np.array(guesses)).mean())
            print(
                f"{dataset}: {len(guesses)} images, named alike {100 * same:.3f}%, "
                f"top-1 {row['value']:.6f} and {accuracy:.6f} of CLIP_benchmark"
            )
            fine &= same >= LIMIT
            [kept] = (folder / "out/features").glob(f"*/{dataset}-test-*.npy")
            kept = np.load(kept)
            # Of a ViT, ours are those before the projection.
            if kept.shape == features.shape:
                difference = np.abs(kept - features).max() / np.abs(features).max()
                print(f"  features differ by {difference:.1e} of the largest")
                fine &= difference < 1e-5
    sys.exit(0 if fine else 1)


def write(source, target, dataset):
    """The test images, as CLIP_benchmark lays them out."""
    (target / "test").mkdir(parents=True)
    (target / "classnames.txt").write_text("\n".join(NAMES[dataset]) + "\n")
    templates = "\n".join(TEMPLATES[dataset]) + "\n"
    (target / "zeroshot_classification_templates.txt").write_text(templates)
    (target / "test/nshards.txt").write_text("1\n")
    with tarfile.open(target / "test/0.tar", "w") as tar:
        for number, (png, label) in enumerate(images(source)):
            for ending, data in [("png", png), ("cls", str(label).encode())]:
                member = tarfile.TarInfo(f"s{number:07}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def images(source):
    idx = source / "t10k-images-idx3-ubyte.gz"
    if idx.exists():
        data = np.frombuffer(gzip.open(idx).read(), np.uint8, offset=16).reshape(-1, 28, 28)
        labels = gzip.open(source / "t10k-labels-idx1-ubyte.gz").read()[8:]
        for pixels, label in zip(data, labels):
            png = io.BytesIO()
            Image.fromarray(pixels).save(png, "png")
            yield png.getvalue(), label
        return
    for shard in sorted((source / "test").glob("*.tar")):
        with tarfile.open(shard) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        for key in sorted({name.split(".")[0] for name in members}):
            yield members[f"{key}.png"], int(members[f"{key}.cls"])


def measure(args, folder):
    """Our row and guesses by data set."""
    command = [args.benchmark.resolve(), "--model", args.model.resolve(), "--data", folder, "--any-count"]
    command += ["--datasets", *args.datasets, "--out", folder / "out"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    outcomes = [json.loads(path.read_text()) for path in (folder / "out/outcomes").glob("*/*.json")]
    return {outcome["rows"][0]["dataset"]: (outcome["rows"][0], outcome["guesses"]) for outcome in outcomes}


@torch.inference_mode()
def reference(model, folder, dataset):
    """CLIP_benchmark's guesses, their accuracy and the features."""
    name = f"local-dir:{model.resolve()}"
    model, _, transform = open_clip.create_model_and_transforms(name)
    model.eval()
    tokenizer = open_clip.get_tokenizer(name)
    data = build_dataset(
        f"wds/{dataset}", root=str(folder), transform=transform, split="test", task="zeroshot_classification"
    )
    loader = torch.utils.data.DataLoader(data.batched(64), batch_size=None, shuffle=False, num_workers=0)
    classifier = zeroshot_classification.zero_shot_classifier(
        model, tokenizer, data.classes, data.templates, "cpu", amp=False
    )
    features, encode = [], model.encode_image
    model.encode_image = lambda images: features.append(encode(images)) or features[-1]
    logits, target = zeroshot_classification.run_classification(model, classifier, loader, "cpu", amp=False)
    # CLIP_benchmark's own `accuracy` fails with NumPy 2.4: the share of the targets, as there.
    guesses = logits.argmax(1)
    accuracy = float((guesses == target).float().mean())
    return guesses.numpy(), accuracy, torch.cat(features).numpy()


if __name__ == "__main__":
    main()
