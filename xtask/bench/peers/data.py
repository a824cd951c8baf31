"""Write shards and captions to measure with, and do with them what Python's libraries do. Run by
`cargo xtask bench data`.

    python data.py FOLDER

Writes what FOLDER doesn't hold yet, prints the versions as one line of JSON, and then answers each
line `NAME SECONDS` of the input with how many things a second NAME does:

* `read-single-DIR`, `read-workers-DIR`, `read-batched-DIR`: undecoded samples of the shards in
  FOLDER/DIR, with webdataset in this process or in two workers of torch's DataLoader
* `decode`: images of FOLDER/photos, decoded by Pillow, cropped and normalised as open_clip does for
  training, in batches of 128 from two workers
* `tokenize-openai`, `tokenize-hf`: the captions in FOLDER/captions.txt

The photographs are the two of scikit-learn, cut, flipped, brightened and resized into a few hundred.
"""

import io
import itertools
import json
import pathlib
import random
import sys
import tarfile
import time

WORKERS = 2
BATCH = 128
PHOTOS, SIZE = 400, (500, 375)
SHARDS = 8


def add(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_shards(folder, per_shard, samples):
    """Shards, all of them or none, of so many samples each."""
    if folder.exists():
        return
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    for shard in range(SHARDS):
        with tarfile.open(part / f"{shard:03}.tar", "w") as tar:
            for number in range(per_shard):
                for extension, content in next(samples).items():
                    add(tar, f"{shard:03}{number:06}.{extension}", content)
    part.rename(folder)


def photos(rng):
    """JPEGs of 500 x 375 pixels, endlessly the same few hundred, with captions."""
    from PIL import Image, ImageEnhance
    from sklearn.datasets import load_sample_images

    originals = [Image.fromarray(image) for image in load_sample_images().images]
    encoded = []
    for _ in range(PHOTOS):
        original = rng.choice(originals)
        width = rng.randint(400, original.width)
        height = min(width * 3 // 4, original.height)
        left, top = rng.randint(0, original.width - width), rng.randint(0, original.height - height)
        image = original.resize(SIZE, Image.BICUBIC, box=(left, top, left + width, top + height))
        if rng.random() < 0.5:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.3))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=90, subsampling="4:2:0")
        encoded.append(out.getvalue())
    for number, image in enumerate(itertools.cycle(encoded)):
        yield {"jpg": image, "txt": f"photograph number {number} of many, taken from nearby".encode()}


def raw(rng):
    """Bytes of the sizes of photographs, with a text and metadata."""
    noise = rng.randbytes(1 << 20)
    while True:
        size, start = rng.randint(10_000, 30_000), rng.randint(0, 1 << 19)
        yield {"jpg": noise[start : start + size], "json": b'{"width": 500, "height": 375}', "txt": b"a photograph of a dog"}


def tiny(rng):
    while True:
        yield {"png": rng.randbytes(80), "cls": b"%d" % rng.randint(0, 999)}


def write_captions(path):
    """Class names in templates, and of these again texts as long as people write."""
    if path.exists():
        return
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES

    rng = random.Random(3)

    def caption():
        text = rng.choice(OPENAI_IMAGENET_TEMPLATES)(rng.choice(IMAGENET_CLASSNAMES))
        kind = rng.random()
        if kind < 0.3:
            text = f"{text[:-1].capitalize()} next to a {rng.choice(IMAGENET_CLASSNAMES)}, {rng.choice(['2014', 'vintage', 'HD', 'stock photo', 'café'])}"
        elif kind < 0.4:
            text = ", ".join(rng.sample(IMAGENET_CLASSNAMES, rng.randint(2, 8))) + " &amp; more…"
        return text

    path.write_text("".join(caption() + "\n" for _ in range(100_000)))


def urls(folder):
    return [str(path) for path in sorted(folder.glob("*.tar"))]


def rate(items, count, seconds, warm_up=0):
    """Things a second, `count(item)` in each, once some items have passed."""
    for _ in itertools.islice(items, warm_up):
        pass
    start, done = time.perf_counter(), 0
    for item in items:
        done += count(item)
        if time.perf_counter() - start >= seconds:
            break
    return done / (time.perf_counter() - start)


def loader(dataset):
    import torch

    return torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=WORKERS)


def read(form, folder, seconds):
    import webdataset

    dataset = webdataset.WebDataset(urls(folder), shardshuffle=False).repeat()
    if form == "single":
        return rate(iter(dataset), lambda sample: 1, seconds)
    if form == "workers":
        return rate(iter(loader(dataset)), lambda sample: 1, seconds, warm_up=100)
    dataset = dataset.listed(64)
    return rate(iter(loader(dataset)), len, seconds, warm_up=4)


def decode(folder, seconds):
    import open_clip.transform
    import webdataset

    mean, std = open_clip.transform.OPENAI_DATASET_MEAN, open_clip.transform.OPENAI_DATASET_STD
    transform = open_clip.transform.image_transform(224, is_train=True, mean=mean, std=std)
    dataset = webdataset.WebDataset(urls(folder / "photos"), shardshuffle=False).repeat()
    dataset = dataset.decode("pilrgb").to_tuple("jpg", "txt").map_tuple(transform).batched(BATCH)
    # The workers finish nearly at once, so a time that ends between them would be off by a batch.
    rounds = zip(*[iter(loader(dataset))] * WORKERS)
    return rate(rounds, lambda batches: sum(len(batch[0]) for batch in batches), seconds, warm_up=1)


class Captions:
    """Chunks of the captions, again and again."""

    def __init__(self, path):
        lines = path.read_text().splitlines()
        self.openai = itertools.cycle(lines[at : at + 200] for at in range(0, len(lines), 200))
        self.hugging_face = itertools.cycle(lines[at : at + 10_000] for at in range(0, len(lines), 10_000))

    def tokenize_openai(self, seconds):
        import clip

        chunks = (clip.tokenize(chunk, truncate=True) for chunk in self.openai)
        return rate(chunks, len, seconds, warm_up=1)

    def tokenize_hugging_face(self, seconds):
        tokenizer = hugging_face_tokenizer()
        chunks = ([text.ids for text in tokenizer.encode_batch(chunk)] for chunk in self.hugging_face)
        return rate(chunks, len, seconds, warm_up=1)


def hugging_face_tokenizer():
    """CLIP's tokenizer as `transformers` builds it, from OpenAI's merges."""
    from clip.simple_tokenizer import SimpleTokenizer
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    openai = SimpleTokenizer()
    start, end = "<|startoftext|>", "<|endoftext|>"
    merges = sorted(openai.bpe_ranks, key=openai.bpe_ranks.get)
    tokenizer = Tokenizer(models.BPE(openai.encoder, merges, unk_token=end, continuing_subword_prefix="",
                                     end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.post_processor = processors.RobertaProcessing(
        (end, openai.encoder[end]), (start, openai.encoder[start]), add_prefix_space=False, trim_offsets=False)
    tokenizer.enable_truncation(77)
    tokenizer.enable_padding(length=77, pad_id=0, pad_token="!")
    # What both make of a text must be the same, or the comparison says nothing.
    text = "A photo of 2 Dogs, it's a café."
    expected = [openai.encoder[start], *openai.encode(text), openai.encoder[end]]
    assert tokenizer.encode(text).ids[: len(expected)] == expected
    return tokenizer


def versions():
    import importlib.metadata as metadata

    names = {"webdataset": "webdataset", "torch": "torch", "torchvision": "torchvision", "Pillow": "pillow",
             "open_clip": "open_clip_torch", "openai-clip": "openai-clip", "ftfy": "ftfy", "tokenizers": "tokenizers"}
    found = {name: metadata.version(package) for name, package in names.items()}
    return found | {"Python": ".".join(map(str, sys.version_info[:3]))}


def main():
    folder = pathlib.Path(sys.argv[1])
    # Whatever a library prints must not look like an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    write_shards(folder / "photos", 256, photos(random.Random(1)))
    write_shards(folder / "raw", 640, raw(random.Random(2)))
    write_shards(folder / "tiny", 5000, tiny(random.Random(4)))
    write_captions(folder / "captions.txt")
    captions = Captions(folder / "captions.txt")
    print(json.dumps(versions()), file=answers, flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        seconds = float(seconds)
        if name == "decode":
            found = decode(folder, seconds)
        elif name == "tokenize-openai":
            found = captions.tokenize_openai(seconds)
        elif name == "tokenize-hf":
            found = captions.tokenize_hugging_face(seconds)
        else:
            _, form, shards = name.split("-")
            found = read(form, folder / shards, seconds)
        print(found, file=answers, flush=True)


if __name__ == "__main__":
    main()
