"""Makes the images that preprocess.rs is compared with, byte for byte.

    python crates/clip-model/tests/preprocess/make_goldens.py

Last made with Pillow 13.0.0, torchvision 0.29.2, open_clip 3.3.0, numpy 2.4.6. `NAME.png` is a source,
`NAME.resize_WxH.png` is `Image.resize((W, H), BICUBIC)`, and `NAME.MODE_N.png` is open_clip's
evaluation transform at size N with `resize_mode` MODE, before normalisation.
"""

from pathlib import Path

import numpy as np
from open_clip.transform import image_transform
from PIL import Image

FOLDER = Path(__file__).parent

RESIZES = {
    "rgb": [(20, 31), (37, 20), (50, 53), (48, 60), (5, 3)],
}
TRANSFORMS = {
    "rgb": [("shortest", 16), ("shortest", 53), ("squash", 24)],
    "tall": [("shortest", 10)],  # shrinks far more in height: Pillow 13 begins with that pass
    "rgba": [("shortest", 17), ("shortest", 29), ("shortest", 40)],
    "grey": [("shortest", 12)],
    "grey_alpha": [("shortest", 12)],
    "deep": [("shortest", 9)],
}


def sources():
    """Smooth waves with noise and hard edges on top: overshoot makes the clipping visible."""
    rng = np.random.default_rng(7)

    def pixels(height, width, channels):
        y, x, c = np.mgrid[0:height, 0:width, 0:channels]
        waves = 127 + 90 * np.sin(x / (3 + c)) * np.cos(y / (5 - c))
        noisy = waves + rng.normal(0, 25, waves.shape)
        noisy[height // 3 : height // 2, width // 4 : width // 2] = [0, 255, 0, 60][:channels]
        return np.clip(noisy, 0, 255).astype(np.uint8)

    yield "rgb", Image.fromarray(pixels(53, 37, 3))
    yield "tall", Image.fromarray(pixels(60, 12, 3))
    yield "rgba", Image.fromarray(pixels(29, 48, 4))
    yield "grey", Image.fromarray(pixels(25, 19, 1)[..., 0])
    yield "grey_alpha", Image.fromarray(pixels(19, 25, 2))


def write_deep():
    """A 16-bit RGB file, which Pillow reads as the high byte of each sample but cannot write."""
    import struct
    import zlib

    height, width = 18, 23
    samples = np.random.default_rng(8).integers(0, 65536, (height, width, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    png += chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (FOLDER / "deep.png").write_bytes(png)


def main():
    for name, image in sources():
        image.save(FOLDER / f"{name}.png", optimize=True)
    write_deep()
    for name, sizes in RESIZES.items():
        image = Image.open(FOLDER / f"{name}.png")
        for width, height in sizes:
            resized = image.resize((width, height), Image.Resampling.BICUBIC)
            resized.save(FOLDER / f"{name}.resize_{width}x{height}.png", optimize=True)
    for name, cases in TRANSFORMS.items():
        image = Image.open(FOLDER / f"{name}.png")
        for mode, size in cases:
            transform = image_transform(size, is_train=False, resize_mode=mode)
            expected = image
            for step in transform.transforms[:-2]:  # all but ToTensor and Normalize
                expected = step(expected)
            expected.save(FOLDER / f"{name}.{mode}_{size}.png", optimize=True)


if __name__ == "__main__":
    main()
