"""Makes the images that decoding and augmentation are compared with.

    python crates/clip-data/tests/images/make_goldens.py

Last made with Python 3.11, Pillow 13.0.0, torchvision 0.29.2, torch 2.15.0, numpy 2.4.6.

goldens.tar holds:

- `files/NAME` and `rgb/NAME.png`: a file, and Pillow's `convert("RGB")` of it; for a file with
  transparency, Pillow's paste on white
- `source.png` and `adjusted/INDEX.png`: a picture, and torchvision's change of it by
  `cases.json`'s `adjustments[INDEX]`, a name and a factor
- `boxes/INDEX.png`: the grey picture between `cases.json`'s `boxes[INDEX]`, which are edges,
  resized by Pillow to a width and a height
- `cases.json` also has `crops`: image width and height, area share, aspect, and the box (x, y,
  width, height) of torchvision's RandomResizedCrop where both are fixed; x and y are null where
  they are random
"""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms import functional as F

FOLDER = Path(__file__).parent


def picture(width, height):
    """Every hue, bright and dark, dull and vivid, with some noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    hsv = np.stack([x * 255 / width, (y % 5) * 60 + 15, y * 255 / height], -1)
    rgb = np.array(Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB"), np.int32)
    return Image.fromarray((rgb + rng.integers(-9, 10, rgb.shape)).clip(0, 255).astype(np.uint8))


def encoded(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def files():
    rgb = picture(26, 19)
    alpha = Image.fromarray(np.add.outer(np.arange(19) * 9, np.arange(26) * 3).astype(np.uint8))
    rgba, cmyk, other = rgb.copy(), rgb.convert("CMYK"), rgb.rotate(180)
    rgba.putalpha(alpha)
    words = np.array(rgb.convert("L"), np.uint16) % 250
    yield "rgb.png", encoded(rgb, "PNG")
    yield "rgba.png", encoded(rgba, "PNG")
    yield "grey.png", encoded(rgb.convert("L"), "PNG")
    yield "grey-alpha.png", encoded(rgba.convert("LA"), "PNG")
    yield "palette.png", encoded(rgb.quantize(23), "PNG")
    yield "bilevel.png", encoded(rgb.convert("1"), "PNG")
    for name, options in {"": {}, "-420": {"subsampling": 2}, "-progressive": {"progressive": True}}.items():
        yield f"rgb{name}.jpg", encoded(rgb, "JPEG", quality=95, **{"subsampling": 0} | options)
    yield "grey.jpg", encoded(rgb.convert("L"), "JPEG", quality=95)
    yield "cmyk.jpg", encoded(cmyk, "JPEG", quality=95, subsampling=0)
    yield "lossless.webp", encoded(rgb, "WEBP", lossless=True)
    yield "alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True)
    yield "animated.webp", encoded(rgb, "WEBP", lossless=True, save_all=True, append_images=[other])
    yield "palette.gif", encoded(rgb, "GIF")
    yield "animated.gif", encoded(rgb, "GIF", save_all=True, append_images=[other])
    yield "rgb.bmp", encoded(rgb, "BMP")
    yield "palette.bmp", encoded(rgb.quantize(30), "BMP")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
        yield f"{compression}.tiff", encoded(rgb, "TIFF", compression=compression)
    yield "grey.tiff", encoded(rgb.convert("L"), "TIFF")
    yield "cmyk.tiff", encoded(cmyk, "TIFF")


def converted(data):
    image = Image.open(io.BytesIO(data))
    if "A" not in image.getbands():
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white


def adjustments():
    for factor in (0.0, 0.3, 0.68, 0.97, 1.0, 1.05, 1.32, 2.5):
        yield from (("brightness", factor), ("contrast", factor), ("saturation", factor))
    for turns in (-0.5, -0.31, -0.08, -0.004, 0.0, 0.003, 0.05, 0.2, 0.5):
        yield "hue", turns
    yield "grey", 0


def adjusted(image, name, factor):
    if name == "grey":
        return F.to_grayscale(image, 3)
    # The factors that torchvision draws are of single precision.
    return getattr(F, f"adjust_{name}")(image, float(np.float32(factor)))


def crops():
    rng = np.random.default_rng(3)
    torch.manual_seed(0)
    sizes = [(500, 375), (375, 500), (64, 64), (1, 1), (3, 200), (200, 3), (640, 480), (31, 33), (7, 9)]
    for width, height in sizes:
        for _ in range(12):
            share, aspect = np.float32(rng.uniform(0.05, 1)), np.float32(rng.uniform(0.5, 2))
            image = Image.new("L", (width, height))
            boxes = {
                tuple(RandomResizedCrop.get_params(image, (float(share),) * 2, (float(aspect),) * 2))
                for _ in range(8)
            }
            y, x, h, w = next(iter(boxes))
            fixed = len(boxes) == 1
            yield width, height, float(share), float(aspect), x if fixed else None, y if fixed else None, w, h


def boxes():
    rng = np.random.default_rng(4)
    for width, height in [(16, 16), (40, 30), (7, 33), (33, 7), (64, 9), (1, 1), (20, 20), (24, 18)]:
        left, top = rng.uniform(0, 12), rng.uniform(0, 9)
        edges = left, top, left + rng.uniform(4, 27), top + rng.uniform(4, 20)
        yield tuple(float(np.float32(edge)) for edge in edges), (width, height)


def main():
    source = picture(40, 30)
    members = {"source.png": encoded(source, "PNG")}
    for name, data in files():
        members[f"files/{name}"] = data
        members[f"rgb/{name}.png"] = encoded(converted(data), "PNG")
    cases = list(adjustments())
    for index, (name, factor) in enumerate(cases):
        members[f"adjusted/{index}.png"] = encoded(adjusted(source, name, factor), "PNG")
    grey, places = source.convert("L"), list(boxes())
    for index, (edges, size) in enumerate(places):
        members[f"boxes/{index}.png"] = encoded(grey.resize(size, Image.BICUBIC, edges), "PNG")
    data = {"adjustments": cases, "crops": list(crops()), "boxes": places}
    members["cases.json"] = json.dumps(data).encode()
    with tarfile.open(FOLDER / "goldens.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    main()
