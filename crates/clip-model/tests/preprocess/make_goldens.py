"""Makes the files that the preprocessing is compared with, byte for byte.

    python crates/clip-model/tests/preprocess/make_goldens.py
    python crates/clip-model/tests/preprocess/make_goldens.py --count 2000 --seed 1 --out more.zip
    CLIP_PREPROCESS_GOLDENS=$PWD/more.zip cargo test -p clip-model preprocess

The second line makes other and more cases, which the third compares.

Last made with Python 3.11, Pillow 13.0.0, torchvision 0.29.2, torch 2.15.0, open_clip 3.3.0,
numpy 2.4.6.

The zip holds small image files (`sources/NAME`) of all formats and modes, and `cases.json`:

- `versions`: of the libraries
- `sources`: of each file, Pillow's mode and size, and the SHA-256 of `convert("RGB")`
- `cases`: `[source, resize_mode, interpolation, size, fill_color, sha256, first bytes]` of
  open_clip's evaluation transform before it becomes a tensor
- `tensors`: `[source, preset, size, sha256]` of the whole transform, as little-endian f32 in CHW

JPEG decoders differ in a few pixels by a few levels, so `exact/INDEX` holds the bytes of the cases
of JPEG files, and `rgb/NAME` those of the whole file.
"""

import argparse
import hashlib
import io
import json
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import open_clip
import PIL
import torch
import torchvision
from open_clip.transform import image_transform
from PIL import Image

FOLDER = Path(__file__).parent
SIDES = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 23, 29, 31, 37, 48, 53, 64]
ODD_SIZES = [(1, 1), (300, 7), (7, 200), (1, 64), (64, 1), (12, 60)]
RESIZE_MODES = ["shortest", "longest", "squash"]
INTERPOLATIONS = ["bicubic", "bilinear"]
HALF, IMAGENET = ((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PRESETS = {
    "openai": {},
    "siglip": dict(mean=HALF[0], std=HALF[1], resize_mode="squash"),
    "clipa": dict(
        mean=IMAGENET[0], std=IMAGENET[1], resize_mode="squash", interpolation="bilinear"
    ),
}


def picture(rng, width, height, channels):
    """Waves with noise and hard edges on top: overshoot makes the clipping visible."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    waves = 127 + 90 * np.sin(x / (3 + c) + rng.uniform(0, 6)) * np.cos(y / (5 - c))
    noisy = waves + rng.normal(0, 25, waves.shape)
    noisy[height // 3 : height // 2 + 1, width // 4 : width // 2 + 1] = [0, 255, 0, 60][:channels]
    return np.clip(noisy, 0, 255).astype(np.uint8)


def wide(rng, width, height, channels):
    """16-bit samples whose low bytes matter."""
    high = picture(rng, width, height, channels).astype(np.uint16)
    return high << 8 | rng.integers(0, 256, high.shape).astype(np.uint16)


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def image(rng, width, height, mode):
    channels = {"1": 1, "L": 1, "LA": 2, "P": 1, "RGB": 3, "RGBA": 4, "CMYK": 4}
    if mode == "I;16":  # mostly dark, because the conversion to RGB clips at 255
        samples = wide(rng, width, height, 1)[..., 0]
        return Image.fromarray((samples % 420 if rng.random() < 0.7 else samples).astype(np.uint16))
    pixels = picture(rng, width, height, channels[mode])
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    if mode == "1":
        return Image.fromarray(pixels).convert("1")
    if mode == "P":
        return Image.fromarray(pixels % 200).convert("P")
    return Image.fromarray(pixels, mode) if mode in ("LA", "CMYK") else Image.fromarray(pixels)


def indexed(rng, width, height, colours):
    result = Image.frombytes(
        "P", (width, height), rng.integers(0, colours, width * height, np.uint8).tobytes()
    )
    result.putpalette(rng.integers(0, 256, 3 * colours, np.uint8).tobytes())
    return result


def png(rng, width, height, kind, depth, interlaced=False, chunks=b""):
    """Files that Pillow reads and cannot write: any depth, interlaced."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    dtype = ">u2" if depth == 16 else np.uint8
    if depth == 16:
        samples = wide(rng, width, height, channels)
        samples = samples % 500 if kind == 0 else samples
    elif kind == 3:
        samples = rng.integers(0, min(2**depth, 200), (height, width, 1))
    else:
        samples = picture(rng, width, height, channels) >> (8 - depth)
    samples = samples.astype(dtype)

    def packed(part):
        rows = b""
        for row in part:
            if depth < 8:
                bits = "".join(f"{value:0{depth}b}" for value in row[:, 0])
                bits += "0" * (-len(bits) % 8)
                rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
            else:
                rows += b"\0" + row.tobytes()
        return rows

    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    passes = passes + [(0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    parts = [samples[y::dy, x::dx] for x, y, dx, dy in passes]
    data = b"".join(packed(part) for part in parts if part.size)

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    result = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    if kind == 3:
        colours = min(2**depth, 200)
        result += chunk(b"PLTE", rng.integers(0, 256, 3 * colours, np.uint8).tobytes())
        if rng.random() < 0.5:
            result += chunk(b"tRNS", rng.integers(0, 256, max(colours // 2, 1), np.uint8).tobytes())
    elif kind in (0, 2) and rng.random() < 0.5:
        result += chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())
    return result + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def bmp(rng, width, height, bits, colours=0, top_down=False, rle=False, os2=False, masks=()):
    """BMP of depths and headers that Pillow reads and cannot write."""
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    padding = b"" if os2 else b"\0"
    table = b"".join(bytes(colour) + padding for colour in palette)
    stride = (width * bits + 31) // 32 * 4
    if rle:
        values = rng.integers(0, colours, (height, width))
        encode = lambda row: b"".join(bytes([1, value]) for value in row) + b"\0\0"
        data = b"".join(encode(row) for row in values) + b"\0\1"
    elif bits <= 8:
        limit = colours if bits == 8 else 2**bits
        rows = [
            "".join(f"{v:0{bits}b}" for v in rng.integers(0, limit, width)) for _ in range(height)
        ]
        rows = [row.ljust(stride * 8, "0") for row in rows]
        data = b"".join(int(row, 2).to_bytes(stride, "big") for row in rows)
    else:
        data = rng.integers(0, 256, (height, stride), np.uint8).tobytes()
    if os2:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        tall = -height if top_down else height
        compression = 1 if rle else 3 if masks else 0
        fields = (40, width, tall, 1, bits, compression, len(data), 2835, 2835, colours, 0)
        header = struct.pack("<IiiHHIIiiII", *fields)
        table += struct.pack(f"<{len(masks)}I", *masks)
    start = 14 + len(header) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + table + data


def gif_with_offset(rng, width, height):
    """A frame that begins inside of its canvas and may reach beyond it."""
    data = bytearray(
        saved(indexed(rng, width, height, 8), "GIF", transparency=int(rng.integers(8)))
    )
    frame = 13 + (3 << (data[10] & 7) + 1)  # after the palette
    frame += 8 if data[frame] == 0x21 else 0  # after the extension that says what is transparent
    assert data[frame] == 0x2C
    data[frame + 1 : frame + 5] = struct.pack("<HH", 2, 1)
    if rng.random() < 0.5:
        data[6:10] = struct.pack("<HH", width + 5, height + 3)
    return bytes(data)


def ycck(rng, width, height):
    """A JPEG of luma, chroma and black: what Adobe writes, and Pillow only reads."""
    data = bytearray(saved(image(rng, width, height, "CMYK"), "JPEG", quality=95))
    adobe = data.index(b"Adobe")
    data[adobe + 11] = 2
    return bytes(data)


def oriented(rng, width, height, kind, value, **options):
    exif = Image.Exif()
    exif[274] = value
    return saved(image(rng, width, height, "RGB"), kind, exif=exif, **options)


def animation(rng, width, height, kind, mode):
    make = lambda: (
        indexed(rng, width, height, 30) if mode == "P" else image(rng, width, height, mode)
    )
    return saved(make(), kind, save_all=True, append_images=[make(), make()], duration=50)


def makers():
    """Name of each kind of file, and what makes one of a size."""
    kinds = {}

    def add(name, make):
        kinds[name] = make

    def plain(name, mode, kind, **options):
        add(name, lambda rng, w, h: saved(image(rng, w, h, mode), kind, **options))

    for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]:
        plain(f"{mode.replace(';', '')}.png", mode, "PNG")
    for kind, depths in {
        0: [1, 2, 4, 8, 16],
        2: [8, 16],
        3: [1, 2, 4, 8],
        4: [8, 16],
        6: [8, 16],
    }.items():
        for depth in depths:
            for interlaced in [False, True]:
                name = f"colour{kind}_{depth}bit{'_interlaced' if interlaced else ''}.png"
                add(name, lambda rng, w, h, a=(kind, depth, interlaced): png(rng, w, h, *a))
    for colours in [2, 3, 16, 100, 256]:
        add(
            f"palette{colours}.png",
            lambda rng, w, h, n=colours: saved(indexed(rng, w, h, n), "PNG"),
        )
        add(
            f"palette{colours}.gif",
            lambda rng, w, h, n=colours: saved(indexed(rng, w, h, n), "GIF"),
        )
        add(
            f"palette{colours}.bmp",
            lambda rng, w, h, n=colours: saved(indexed(rng, w, h, n), "BMP"),
        )
    add("transparent.png", lambda rng, w, h: saved(indexed(rng, w, h, 9), "PNG", transparency=3))
    add("transparent.gif", lambda rng, w, h: saved(indexed(rng, w, h, 9), "GIF", transparency=3))
    add("interlaced.gif", lambda rng, w, h: saved(indexed(rng, w, h, 40), "GIF", interlace=1))
    add("offset.gif", gif_with_offset)
    add("animation.gif", lambda rng, w, h: animation(rng, w, h, "GIF", "P"))
    add("animation_rgb.webp", lambda rng, w, h: animation(rng, w, h, "WEBP", "RGB"))
    add("animation_rgba.webp", lambda rng, w, h: animation(rng, w, h, "WEBP", "RGBA"))
    plain("L.gif", "L", "GIF")
    plain("1.gif", "1", "GIF")
    for mode in ["1", "L", "RGB", "RGBA"]:
        plain(f"{mode}.bmp", mode, "BMP")
    for name, arguments in {
        "4bit": (4, 16),
        "1bit": (1, 2),
        "few": (8, 17),
        "rle8": (8, 256, False, True),
        "15bit": (16,),
        "32bit": (32,),
        "top_down": (24, 0, True),
        "os2": (8, 256, False, False, True),
        "top_down8": (8, 200, True),
        "16bit": (16, 0, False, False, False, (0xF800, 0x7E0, 0x1F)),
        "fields": (32, 0, False, False, False, (0xFF0000, 0xFF00, 0xFF)),
    }.items():
        add(f"{name}.bmp", lambda rng, w, h, a=arguments: bmp(rng, w, h, *a))
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]:
            name = f"{mode.replace(';', '')}_{compression}.tiff"
            plain(name, mode, "TIFF", compression=compression)
    predicted = dict(compression="tiff_lzw", tiffinfo={317: 2})
    plain("RGB_predicted.tiff", "RGB", "TIFF", **predicted)
    for value in range(2, 9):
        add(f"turned{value}.tiff", lambda rng, w, h, v=value: oriented(rng, w, h, "TIFF", v))
    plain("white_is_zero.tiff", "L", "TIFF", tiffinfo={262: 0})
    plain("bilevel_inverted.tiff", "1", "TIFF", tiffinfo={262: 0})
    for mode in ["RGB", "RGBA", "L"]:
        plain(f"{mode}_lossy.webp", mode, "WEBP", quality=80)
        plain(f"{mode}_lossless.webp", mode, "WEBP", lossless=True)
    for subsampling in ["4:4:4", "4:2:2", "4:2:0"]:
        name = subsampling.replace(":", "")
        plain(f"{name}.jpg", "RGB", "JPEG", quality=90, subsampling=subsampling)
        plain(
            f"{name}_progressive.jpg",
            "RGB",
            "JPEG",
            quality=80,
            subsampling=subsampling,
            progressive=True,
        )
    plain("L.jpg", "L", "JPEG", quality=85)
    plain("CMYK.jpg", "CMYK", "JPEG", quality=90)
    plain("keep_rgb.jpg", "RGB", "JPEG", quality=90, keep_rgb=True)
    plain("restart.jpg", "RGB", "JPEG", quality=75, restart_marker_blocks=2)
    add("ycck.jpg", ycck)
    add("turned6.jpg", lambda rng, w, h: oriented(rng, w, h, "JPEG", 6, quality=90))
    return kinds


def transformed(transform, data):
    """The transform of a file without its last two steps, as bytes; None where open_clip raises."""
    result = Image.open(io.BytesIO(data))
    try:
        for step in transform.transforms[:-2]:  # all but ToTensor and Normalize
            result = step(result)
    except ValueError:
        return None
    assert result.mode == "RGB"
    return result.tobytes()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sizes(rng):
    if rng.random() < 0.12:
        return ODD_SIZES[rng.integers(len(ODD_SIZES))]
    return int(rng.choice(SIDES)), int(rng.choice(SIDES))


def make(seed, count, out):
    rng = np.random.default_rng(seed)
    kinds = makers()
    result = {
        "versions": {
            "pillow": PIL.__version__,
            "torchvision": torchvision.__version__,
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
            "numpy": np.__version__,
        },
        "seed": seed,
        "sources": [],
        "cases": [],
        "tensors": [],
    }
    files, modes = {}, [(mode, filter) for mode in RESIZE_MODES for filter in INTERPOLATIONS]
    while len(result["cases"]) < count:
        for kind, maker in kinds.items():
            name = f"{len(result['sources']):04}.{kind}"
            data = maker(rng, *sizes(rng))
            opened = Image.open(io.BytesIO(data))
            rgb = opened.convert("RGB")
            mode = opened.mode
            result["sources"].append([name, mode, *opened.size, sha256(rgb.tobytes())])
            files[f"sources/{name}"] = data
            if kind.endswith(".jpg"):
                files[f"rgb/{name}"] = rgb.tobytes()
            for _ in range(4):
                index = len(result["cases"])
                resize_mode, interpolation = modes[index % len(modes)]
                size = int(rng.integers(1, 41))
                if rng.random() < 0.1:  # nothing to resize
                    size = min(opened.size)
                fill = int(rng.choice([0, 0, 1, 114, 255]))
                options = dict(
                    resize_mode=resize_mode, interpolation=interpolation, fill_color=fill
                )
                expected = transformed(image_transform(size, False, **options), data)
                if expected is None:
                    continue
                case = [name, resize_mode, interpolation, size, fill, sha256(expected)]
                result["cases"].append(case + [expected[:12].hex()])
                if kind.endswith(".jpg"):
                    files[f"exact/{index}"] = expected
    exact = [source[0] for source in result["sources"] if not source[0].endswith(".jpg")]
    for index in range(30):
        name = exact[rng.integers(len(exact))]
        preset, size = list(PRESETS)[index % 3], int(rng.integers(1, 41))
        transform = image_transform(size, False, **PRESETS[preset])
        tensor = transform(Image.open(io.BytesIO(files[f"sources/{name}"])))
        data = tensor.numpy().astype("<f4").tobytes()
        result["tensors"].append([name, preset, size, sha256(data)])
    files["cases.json"] = json.dumps(result, separators=(",", ":")).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    size = Path(out).stat().st_size
    print(f"{len(result['sources'])} files, {len(result['cases'])} cases, {size} bytes")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=600, help="least number of cases")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", default=FOLDER / "goldens.zip")
    arguments = parser.parse_args()
    make(arguments.seed, arguments.count, arguments.out)
