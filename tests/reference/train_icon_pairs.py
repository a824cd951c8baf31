"""Train a model on IconPairs with open_clip's own training program, as `examples/pretrain.rs` trains ours:
the other side of a comparison of the two. Makes a folder that `--model` reads, and `summary.json`.

    python train_icon_pairs.py --data DIR --model RN-nano.json --steps 800 --out DIR

`open_clip_train.main.main` runs as it is, from arguments to checkpoint: its model, initial weights, loss,
optimizer, schedule and loop. Shards are read, shuffled and split by open_clip's and webdataset's stages;
the stages after these, which make a picture and a caption of a sample, are here, for open_clip has none
for names and keywords. They draw from the distributions of `crates/clip-data`. See README.md for what
differs.
"""

import argparse
import functools
import io
import json
import logging
import math
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from unittest import mock

import numpy
import open_clip
import PIL
import torch
import torchvision
import webdataset
from open_clip.push_to_hf_hub import save_config_for_hf
from open_clip.transform import MaybeToTensor
from PIL import Image
from safetensors.torch import save_file
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import IterableDataset, get_worker_info
from torchvision.transforms import Compose, Normalize

# open_clip's training code names pandas, which only its data in CSV files needs.
if find_spec("pandas") is None:
    sys.modules["pandas"] = module_from_spec(ModuleSpec("pandas", None))
import open_clip_train.main as program  # noqa: E402
from open_clip_train import data as reader  # noqa: E402

BETA1 = 0.9  # both sides' default
LOSS_EVERY = 10  # steps

# ------------------------------------------------------------------- captions
# As in crates/clip-data/src/captions: `named` in text.rs, the rest in draw.rs.

MAX_KEYWORDS = 3
SHARES = (0.35, 0.35, 0.20, 0.10)  # name, framed, name_and_keywords, keywords
FRAMES = (
    "a drawing of {}",
    "a picture of {}",
    "an icon of {}",
    "an emoji of {}",
    "an image of {}",
    "a small picture of {}",
    "a simple drawing of {}",
    "an illustration of {}",
    "a symbol for {}",
    "clip art of {}",
    "a cartoon of {}",
    "this is {}",
)


def read_text(sample):
    """Name, keywords and frames of a sample, and its concept."""
    fields = json.loads(sample["json"])

    def strings(field):
        texts = (text.strip() for text in fields.get(field) or [] if isinstance(text, str))
        return [text for text in texts if text]

    name = fields["name"].strip()
    if not name:
        raise ValueError(f"{sample['__url__']}: sample {sample['__key__']} has no name")
    keywords = [keyword for keyword in strings("keywords") if keyword != name]
    frames = [frame for frame in strings("frames") if "{}" in frame]
    concept = fields.get("concept")
    return name, keywords, frames, None if concept is None else str(concept)


def draw_caption(name, keywords, frames, shares, rng):
    of_keywords = 1 if keywords else 0
    weights = (shares[0], shares[1], shares[2] * of_keywords, shares[3] * of_keywords)
    kind = rng.choices(range(4), weights)[0]
    if kind == 1:
        return rng.choice(frames or FRAMES).replace("{}", name, 1)
    if kind == 2:
        return f"{name}, {some_of(keywords, rng)}"
    return some_of(keywords, rng) if kind == 3 else name


def some_of(keywords, rng):
    """One to three keywords in random order."""
    amount = rng.randint(1, min(len(keywords), MAX_KEYWORDS))
    return ", ".join(rng.sample(keywords, amount))


# ------------------------------------------------------------------- pictures
# As in crates/clip-data/src/augment: `square` in crop.rs, the rest in view.rs.


def draw_view(width, height, min_scale, white_share, rng):
    """The colour behind a transparent picture, and the square that is shown: left, top, side."""
    colour = tuple(rng.randrange(256) for _ in range(3))
    background = (255, 255, 255) if rng.random() < white_share else colour
    shortest = min(width, height)
    side = math.floor(rng.uniform(min_scale, 1) * shortest + 0.5)
    side = min(max(side, 1), shortest)
    return background, (rng.randint(0, width - side), rng.randint(0, height - side), side)


def render(image, background, square, size):
    left, top, side = square
    transparent = image.has_transparency_data
    # Cropping first leaves less to convert and to blend; a palette keeps its transparency.
    image = image.crop((left, top, left + side, top + side))
    if transparent:
        image = image.convert("RGBA")
        picture = Image.new("RGB", image.size, background)
        picture.paste(image, mask=image.getchannel("A"))
    else:
        picture = image.convert("RGB")
    return picture.resize((size, size), Image.Resampling.BICUBIC)


# --------------------------------------------------------------------- tokens


def cut_vocabulary(tokenizer, size):
    """Keeps the first merges, so that there are `size` ids; the last two are start and end of a text.

    As in crates/clip-model/src/tokenizer/vocabulary.rs. open_clip has no such thing.
    """
    merges = size - 2 * 256 - 2
    if not 0 <= merges <= len(tokenizer.bpe_ranks):
        raise ValueError(f"vocab_size {size} is not what CLIP's vocabulary can give")
    tokenizer.bpe_ranks = {pair: rank for pair, rank in tokenizer.bpe_ranks.items() if rank < merges}
    special = [tokenizer.decoder[token] for token in tokenizer.all_special_ids]
    words = [tokenizer.decoder[token] for token in range(size - 2)] + special
    tokenizer.encoder = {word: token for token, word in enumerate(words)}
    tokenizer.decoder = dict(enumerate(words))
    tokenizer.all_special_ids = [tokenizer.encoder[word] for word in special]
    tokenizer.sot_token_id, tokenizer.eot_token_id = tokenizer.all_special_ids
    tokenizer.vocab_size = size
    return tokenizer


# -------------------------------------------------------------------- batches
# As in crates/clip-data/src/loader/assembler.rs.

MAX_DEFERRED_BATCHES = 4
WINDOW = 5000  # half of the default `shuffle_buffer`


def unique_batches(pairs, batch_size):
    """Batches of (concept, pair) with at most one pair of a concept; others wait for a later batch,
    for a time. What doesn't fill a batch at the end is left out."""
    patience = max(WINDOW, MAX_DEFERRED_BATCHES * batch_size)
    filling, concepts, deferred = [], set(), deque()

    def place(concept, pair):
        if concept is not None:
            if concept in concepts:
                return False
            concepts.add(concept)
        filling.append(pair)
        return True

    def refill():
        for _ in range(len(deferred)):
            index, concept, pair = deferred.popleft()
            if len(filling) == batch_size or not place(concept, pair):
                deferred.append((index, concept, pair))

    for index, (concept, pair) in enumerate(pairs):
        while deferred and deferred[0][0] + patience < index:
            deferred.popleft()
        if not place(concept, pair):
            if len(deferred) < MAX_DEFERRED_BATCHES * batch_size:
                deferred.append((index, concept, pair))
            continue
        while len(filling) == batch_size:
            yield list(filling)
            filling.clear()
            concepts.clear()
            refill()


def read_samples(shards):
    """open_clip's `tarfile_to_samples_nothrow`, but for errors, which are raised, and for webdataset's marks
    between shards, which open_clip 3.3 takes for files; keys don't repeat from shard to shard."""
    files = reader.tar_file_expander(reader.url_opener(shards), eof_value=None)
    return reader.group_by_keys_nothrow(files)


class Batches(IterableDataset):
    """Batches without end, one pass over the shards after the other."""

    def __init__(self, shards, settings, tokenizer, to_tensor, size):
        super().__init__()
        self.shards, self.settings = shards, settings
        self.tokenizer, self.to_tensor, self.size = tokenizer, to_tensor, size

    def __iter__(self):
        for epoch in range(sys.maxsize):
            batches = 0
            for batch in unique_batches(self.one_pass(epoch), self.settings.batch_size):
                images, tokens = zip(*batch)
                yield torch.stack(images), torch.stack(tokens)
                batches += 1
            if batches == 0:
                raise RuntimeError("a pass over the shards doesn't fill a batch: make it smaller")

    def one_pass(self, epoch):
        """The stages of `open_clip_train.data.get_wds_dataset` up to its decoder, then ours."""
        seed = self.settings.seed
        worker = get_worker_info()
        rng = random.Random(f"{seed} {epoch} {worker.id if worker else 0}")
        yield from webdataset.DataPipeline(
            webdataset.SimpleShardList(self.shards),
            reader.detshuffle2(
                bufsize=reader._SHARD_SHUFFLE_SIZE,
                initial=reader._SHARD_SHUFFLE_INITIAL,
                seed=seed,
                epoch=epoch - 1,  # the stage adds one
            ),
            webdataset.split_by_node,
            webdataset.split_by_worker,
            read_samples,
            webdataset.shuffle(
                bufsize=reader._SAMPLE_SHUFFLE_SIZE,
                initial=reader._SAMPLE_SHUFFLE_INITIAL,
                rng=random.Random(rng.random()),  # open_clip's is another on every run
            ),
            functools.partial(map, lambda sample: self.pair(sample, rng)),
        )

    def pair(self, sample, rng):
        settings = self.settings
        *text, concept = read_text(sample)
        image = Image.open(io.BytesIO(sample["png"]))
        view = draw_view(*image.size, settings.min_scale, settings.white_share, rng)
        caption = draw_caption(*text, settings.captions, rng)
        return concept, (self.to_tensor(render(image, *view, self.size)), self.tokenizer(caption)[0])


class Steps:
    """What the program takes for its data: one epoch of so many batches."""

    def __init__(self, batches, settings):
        self.loader = webdataset.WebLoader(
            batches, batch_size=None, shuffle=False, num_workers=settings.workers
        )
        self.num_batches = settings.steps
        self.num_samples = settings.steps * settings.batch_size

    def __iter__(self):
        # Not `islice`, which would wait for a batch more.
        batches = iter(self.loader)
        return (next(batches) for _ in range(self.num_batches))


# ------------------------------------------------------------------ the run


def arguments(settings, name):
    """open_clip's command line, without paths."""
    line = {
        "model": name,
        "dataset-type": "webdataset",
        "train-data": "IconPairs",  # what says that there is something to train on
        "device": settings.device,
        "precision": "fp32",
        "batch-size": settings.batch_size,
        "workers": settings.workers,
        "epochs": 1,  # of `steps` batches
        "lr": settings.lr,
        "beta1": BETA1,
        "beta2": settings.beta2,
        "eps": settings.eps,
        "wd": settings.weight_decay,
        "lr-scheduler": "cosine",
        "warmup": min(settings.warmup, settings.steps // 2),  # as our `TrainConfig::schedule`
        "seed": settings.seed,
        "log-every-n-steps": LOSS_EVERY,
        "save-frequency": 0,
    }
    return [part for key, value in line.items() for part in (f"--{key}", str(value))]


def train(settings, name, config):
    """Runs open_clip's program; the model, the loss of each step and when it was over."""
    shards = sorted(str(path) for path in settings.data.glob("train-*.tar*"))
    if len(shards) < max(1, settings.workers):
        raise SystemExit(f"{settings.data} has {len(shards)} train-*.tar, fewer than there are workers")
    models, losses, times = [], [], []

    def create_model(*args, **kwargs):
        model, *transforms = open_clip.create_model_and_transforms(*args, **kwargs)
        models.append(model)
        return model, *transforms

    def create_loss(args):
        loss = open_clip.create_loss(args)

        def record(**kwargs):
            out = loss(**kwargs)
            losses.append(sum(out.values()).item())  # as the program adds them
            return out

        return record

    def get_data(_, transforms, epoch, tokenizer):
        *_, to_tensor, normalize = transforms[0].transforms
        assert isinstance(to_tensor, MaybeToTensor) and isinstance(normalize, Normalize)
        tokenizer = cut_vocabulary(tokenizer, config["text_cfg"].get("vocab_size", 49408))
        size = config["vision_cfg"].get("image_size", 224)
        batches = Batches(shards, settings, tokenizer, Compose([to_tensor, normalize]), size)
        return {"train": reader.DataInfo(Steps(batches, settings))}

    replaced = {"get_data": get_data, "create_loss": create_loss, "create_model_and_transforms": create_model}
    line = arguments(settings, name)
    hook = register_optimizer_step_post_hook(lambda *_: times.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as logs, mock.patch.multiple(program, **replaced):
        program.main([*line, "--logs", logs, "--name", "run"])
        logging.getLogger().handlers.clear()  # one writes into the folder
    hook.remove()
    assert len(losses) == len(times) == settings.steps
    return models[0], losses, times, line


def save(settings, model, config):
    """open_clip's `save_for_hf`, but for the tokenizer, which it would fetch."""
    weights = {key: value.cpu().contiguous() for key, value in model.state_dict().items()}
    file = settings.out / "open_clip_model.safetensors"
    save_file(weights, file)
    file.chmod(0o644)
    save_config_for_hf(model, settings.out / "open_clip_config.json", config)
    bad = [key for key, value in weights.items() if not value.isfinite().all()]
    if bad:
        raise SystemExit(f"not finite: {', '.join(bad)}")


def summary(settings, name, losses, times, line):
    shown = [step for step in range(settings.steps) if step % LOSS_EVERY == 0 or step == settings.steps - 1]
    took = [after - before for before, after in zip(times, times[1:])]
    return {
        "model": name,
        "steps": settings.steps,
        "losses": {step: losses[step] for step in shown},
        # Between the ends of two steps, data and all.
        "pairs_per_second_median": settings.batch_size / statistics.median(took) if took else None,
        "seconds": times[-1] - times[0],
        "settings": {key: value for key, value in vars(settings).items() if key not in ("data", "model", "out")},
        "open_clip_arguments": " ".join(line),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "open_clip": open_clip.__version__,
            "webdataset": webdataset.__version__,
            "pillow": PIL.__version__,
            "numpy": numpy.__version__,
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    path = pathlib.Path
    parser.add_argument("--data", type=path, required=True, help="folder with train-*.tar")
    parser.add_argument("--model", type=path, required=True, help="open_clip JSON file, such as a preset's")
    parser.add_argument("--out", type=path, required=True, help="folder for the weights and summary.json")
    # Defaults are those of our TrainConfig.
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=40, help="steps; at most half of all")
    parser.add_argument("--weight-decay", type=float, default=0.2)
    parser.add_argument("--beta2", type=float, help="default: 0.98 for a ViT, 0.999 for a ResNet")
    parser.add_argument("--eps", type=float, help="default: 1e-6 for a ViT, 1e-8 for a ResNet")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, pictures and captions")
    parser.add_argument("--min-scale", type=float, default=0.8, help="of our [transform]")
    parser.add_argument("--white-share", type=float, default=0.75, help="of our [transform]")
    parser.add_argument(
        "--captions",
        type=float,
        nargs=4,
        default=SHARES,
        metavar=("NAME", "FRAMED", "NAME_AND_KEYWORDS", "KEYWORDS"),
        help="shares of our [captions]",
    )
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--workers", type=int, default=0, help="processes that load data; 0 for none but this")
    parser.add_argument("--device", default="cpu")
    settings = parser.parse_args()

    config = json.loads(settings.model.read_text())
    is_resnet = isinstance(config["vision_cfg"].get("layers"), list)
    if settings.beta2 is None:
        settings.beta2 = 0.999 if is_resnet else 0.98
    if settings.eps is None:
        settings.eps = 1e-8 if is_resnet else 1e-6
    settings.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(settings.threads)
    name = settings.model.stem
    with tempfile.TemporaryDirectory() as models:
        (path(models) / f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(models)
        model, losses, times, line = train(settings, name, config)
    save(settings, model, config)
    text = json.dumps(summary(settings, name, losses, times, line), indent=1) + "\n"
    (settings.out / "summary.json").write_text(text)


if __name__ == "__main__":
    main()
