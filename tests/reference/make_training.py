"""Write goldens/train-*: 20 steps of open_clip's own training program on tiny models, as losses,
learning rates, logit scales, gradient norms and final weights.

    python make_training.py [--out DIR] [--only CASE ...]

`open_clip_train.main.main` runs as it is, from arguments to checkpoint; only its data, which it would
read from shards, is replaced by fixed pairs. See README.md for the file formats.
"""

import argparse
import json
import logging
import math
import pathlib
import platform
import sys
import tempfile
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import SimpleNamespace
from unittest import mock

import numpy as np
import open_clip
import safetensors
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch.optim.optimizer import register_optimizer_step_pre_hook

# open_clip's training code names pandas, which only its data in CSV files needs.
sys.modules.setdefault("pandas", module_from_spec(ModuleSpec("pandas", None)))
sys.dont_write_bytecode = True  # of make_goldens
import open_clip_train.main as program  # noqa: E402
from make_goldens import randomise  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
STEPS = 20
BATCH = 16
ALL = ("losses", "contrastive_losses", "distill_losses", "lrs", "grad_norms", "logit_scales", "logit_biases")

# ---------------------------------------------------------------------- cases

TEXT = {"context_length": 10, "vocab_size": 64, "width": 16, "heads": 4, "layers": 2}
VISION = {"image_size": 16, "layers": 2, "width": 16, "head_width": 4, "patch_size": 4}
VIT = {"embed_dim": 12, "quick_gelu": True, "vision_cfg": VISION, "text_cfg": TEXT}
RESNET = {
    "embed_dim": 12,
    "vision_cfg": {
        "image_size": 32,
        "layers": [1, 1, 1, 1],
        "width": 4,
        "head_width": 32,  # heads = width * 32 // head_width = 4
        "patch_size": None,
    },
    "text_cfg": TEXT | {"layers": 1},
}
# open_clip's defaults for names with and without "vit", but for the learning rate.
OF_VIT = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.98, "eps": 1e-6, "wd": 0.2}
OF_RESNET = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "wd": 0.2}
COSINE = {"lr_scheduler": "cosine", "warmup": 5}

CASES = {
    "train-vit-softmax": dict(
        seed=501,
        config=VIT,
        settings=OF_VIT | COSINE | {"grad_clip_norm": 1.0},
    ),
    # The logit scale and bias that `--siglip` sets.
    "train-vit-sigmoid": dict(
        seed=502,
        config=VIT | {"quick_gelu": False, "init_logit_scale": math.log(10), "init_logit_bias": -10.0},
        settings=OF_VIT | {"lr_scheduler": "const-cooldown", "warmup": 3, "epochs_cooldown": 2, "siglip": True},
    ),
    "train-resnet-softmax": dict(
        seed=503,
        config=RESNET,
        pairs=32,
        settings=OF_RESNET | COSINE,
    ),
    # Four micro-batches of four. The logit scale starts above its limit: the first step clamps it.
    "train-vit-accum": dict(
        seed=504,
        config=VIT | {"init_logit_scale": 4.7},
        settings=OF_VIT | COSINE | {"accum_freq": 4},
    ),
    # A teacher with other weights of the same shape.
    "train-vit-distill": dict(
        seed=505,
        config=VIT,
        teacher=dict(seed=605, logit_scale=math.log(8)),
        settings=OF_VIT | COSINE,
    ),
}

# Wrong settings, to see that the goldens tell them from the right ones.
WRONG = {
    "no weight decay": {"wd": 0.0},
    "beta1 0.88": {"beta1": 0.88},
    "beta2 off by 0.005": lambda s: {"beta2": s["beta2"] - 0.005},
    "eps 100 times": lambda s: {"eps": 100 * s["eps"]},
    "warm-up of one step more": lambda s: {"warmup": s["warmup"] + 1},
    "clipping at 1 or not at all": lambda s: {"grad_clip_norm": 1e9 if "grad_clip_norm" in s else 1.0},
}


def weights(config, seed, logit_scale):
    model = CLIP(**json.loads(json.dumps(config)))
    bias, model.logit_bias = model.logit_bias, None
    randomise(model, seed, logit_scale)
    model.logit_bias = bias
    return {k: v.clone().contiguous() for k, v in model.state_dict().items()}


def pairs(config, count, seed):
    """Noisy gratings of a colour in a corner, and captions with a word for each of these and filler."""
    g = torch.Generator().manual_seed(seed + 1)
    size = config["vision_cfg"]["image_size"]
    context, vocab = config["text_cfg"]["context_length"], config["text_cfg"]["vocab_size"]
    colours = torch.randn(4, 3, generator=g)
    line = torch.arange(size) / size
    gratings = [torch.sin(2 * math.pi * n * line) for n in (1, 2, 3, 4)]
    images = 0.3 * torch.randn(count, 3, size, size, generator=g)
    tokens = torch.zeros(count, context, dtype=torch.int64)
    for i in range(count):
        colour, corner, grating = i % 4, i // 4 % 4, i // 16
        window = torch.full((size, size), 0.3)
        half = size // 2
        y, x = corner // 2 * half, corner % 2 * half
        window[y : y + half, x : x + half] = 1.0
        pattern = gratings[grating][None, :] + gratings[grating][:, None] + 1.0
        images[i] += colours[colour][:, None, None] * window * pattern
        filler = torch.randint(0, context - 4, (1,), generator=g).item()
        words = [1 + colour, 5 + corner, 9 + grating] + torch.randint(13, vocab - 2, (filler,), generator=g).tolist()
        row = [vocab - 2, *words, vocab - 1]
        tokens[i, : len(row)] = torch.tensor(row)
    return images, tokens


def draw_order(count, seed):
    """Epochs of shuffled pairs, cut into batches: [STEPS, BATCH]."""
    g = torch.Generator().manual_seed(seed + 2)
    epochs = STEPS * BATCH // count
    assert epochs * count == STEPS * BATCH
    return torch.cat([torch.randperm(count, generator=g) for _ in range(epochs)]).reshape(STEPS, BATCH)


# ------------------------------------------------------------------- the run


class Loader:
    """What open_clip's data gives: one epoch of `order` in batches of its `--batch-size`."""

    def __init__(self, images, tokens, order, batch_size):
        self.images, self.tokens, self.order, self.batch_size = images, tokens, order, batch_size
        self.num_samples = len(images)
        self.num_batches = self.num_samples // batch_size
        self.dataloader = self

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        rows = self.order.reshape(-1, self.num_samples)[self.epoch]
        for part in rows.split(self.batch_size):
            yield self.images[part], self.tokens[part]


def arguments(name, settings, epochs):
    """open_clip's command line, without paths."""
    accum = settings.get("accum_freq", 1)
    line = ["--model", name, "--dataset-type", "synthetic", "--device", "cpu", "--precision", "fp32"]
    line += ["--batch-size", str(BATCH // accum), "--epochs", str(epochs)]
    for key, value in settings.items():
        line += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return line


def train(name, settings, files, inputs, order, dtype=torch.float32):
    """Runs open_clip's program; every recorded value and the final weights."""
    images, tokens = inputs
    epochs = STEPS * BATCH // len(images)
    line = arguments(name, settings, epochs) + ["--pretrained", str(files / "weights.safetensors")]
    if (files / "teacher.safetensors").exists():
        line += ["--distill-model", name, "--distill-pretrained", str(files / "teacher.safetensors")]
    models, parts, norms, seen = [], [], [], {key: [] for key in ALL}

    def create_model(*args, **kwargs):
        model, *transforms = open_clip.create_model_and_transforms(*args, **kwargs)
        models.append(model.to(dtype))  # the student, then the teacher
        return model, *transforms

    def create_loss(args):
        loss = open_clip.create_loss(args)

        def record(**kwargs):
            out = loss(**kwargs)
            terms = {key: value.item() for key, value in out.items()} if len(out) > 1 else {}
            parts.append(terms | {"loss": sum(out.values()).item()})  # as the program adds them
            return out

        return record

    def get_data(args, *_, **__):
        return {"train": Loader(images.to(dtype), tokens, order, args.batch_size)}

    def norm(parameters):
        return torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in parameters])).item()

    def clip(parameters, *args, **kwargs):
        parameters = list(parameters)
        norms.append(norm(parameters))
        return clip_grad_norm(parameters, *args, **kwargs)

    def before_step(optimizer, *_):
        """Here the scheduler has run, and the logit scale is the one clamped after the last step."""
        model = models[0]
        rates = {group["lr"] for group in optimizer.param_groups}
        assert len(rates) == 1
        seen["lrs"].append(rates.pop())
        # Every micro-batch has the loss of the whole batch; the program reports the last.
        seen["losses"].append(parts[-1]["loss"])
        assert all(math.isclose(p["loss"], parts[-1]["loss"], rel_tol=1e-5) for p in parts)
        seen["contrastive_losses"].append(parts[-1].get("contrastive_loss"))
        seen["distill_losses"].append(parts[-1].get("distill_loss"))
        seen["grad_norms"].append(norms[-1] if norms else norm(list(model.parameters())))
        after_step(model)
        seen.setdefault("scale_gradients", []).append(model.logit_scale.grad.item())
        parts.clear()
        norms.clear()
        decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        seen["no_decay"] = [n for n, p in model.named_parameters() if decay[id(p)] == 0]

    def after_step(model):
        seen["logit_scales"].append(model.logit_scale.item())
        seen["logit_biases"].append(None if model.logit_bias is None else model.logit_bias.item())

    clip_grad_norm = torch.nn.utils.clip_grad_norm_
    hook = register_optimizer_step_pre_hook(before_step)
    replaced = {"get_data": get_data, "create_loss": create_loss, "create_model_and_transforms": create_model}
    replaced |= {"setup_logging": lambda *_: None}
    with (
        tempfile.TemporaryDirectory() as logs,
        mock.patch.multiple(program, **replaced),
        mock.patch.object(torch.nn.utils, "clip_grad_norm_", clip),
    ):
        program.main([*line, "--logs", logs, "--name", "run", "--save-frequency", "0"])
        checkpoint = torch.load(f"{logs}/run/checkpoints/epoch_{epochs}.pt")
    hook.remove()
    after_step(models[0])
    seen["logit_scales"].pop(0)
    seen["logit_biases"].pop(0)
    assert all(len(seen[key]) == STEPS for key in ALL)
    seen["final"] = {k: v.contiguous() for k, v in checkpoint["state_dict"].items()}
    return seen


# -------------------------------------------------------------------- output


def worst(values, reference):
    """Largest relative difference of two lists."""
    return max(abs(a - b) / abs(b) for a, b in zip(values, reference))


def without_keys(name, tensor):
    """The tensor but for biases of keys, to which attention is blind, and these."""
    if name.endswith("in_proj_bias"):
        query, key, value = tensor.chunk(3)
        return torch.cat([query, value]), key
    return (tensor[:0], tensor) if name.endswith("k_proj.bias") else (tensor, tensor[:0] if tensor.ndim else None)


def drift(run, reference, start):
    """Per final tensor, without key biases: the largest difference over its largest magnitude and over
    its largest change. And the largest difference of any key bias, absolutely."""
    out, keys = {}, 0.0
    for name, b in reference["final"].items():
        if not b.is_floating_point():
            assert torch.equal(b, run["final"][name])
            continue
        b = b.double()
        a, first = run["final"][name].double(), start[name].double()
        (d, key), (change, _) = without_keys(name, (a - b).abs()), without_keys(name, (b - first).abs())
        if key is not None and key.numel():
            keys = max(keys, key.max().item())
        if d.numel():
            change = change.max().item()
            out[name] = (d.max().item() / b.abs().max().item(), d.max().item() / change if change else 0.0)
    return dict(sorted(out.items(), key=lambda item: -item[1][0])), keys


def compare(run, other, start, label, shown=3):
    tensors, keys = drift(run, other, start)
    values = [value for value, _ in tensors.values()]
    result = {
        "losses": third(worst(run["losses"], other["losses"])),
        "logit_scales": third(worst(run["logit_scales"], other["logit_scales"])),
        "weights, worst tensor": third(values[0]),
        "weights, median tensor": third(values[len(values) // 2]),
        "key biases, absolutely": third(keys),
    }
    print(f"  against {label}:", json.dumps(result))
    for key, (value, change) in list(tensors.items())[:shown]:
        print(f"    {key:60s} {value:8.1e} of the largest weight, {change:8.1e} of the largest change")
    return result


def third(digits):
    return float(f"{digits:.2e}")


def case(name, out_dir):
    spec = CASES[name]
    config, settings, seed = spec["config"], spec["settings"], spec["seed"]
    count = spec.get("pairs", 64)
    start = weights(config, seed, config.get("init_logit_scale", math.log(1 / 0.07)))
    images, tokens = inputs = pairs(config, count, seed)
    order = draw_order(count, seed)

    d = out_dir / name
    d.mkdir(parents=True, exist_ok=True)
    (d / "config.json").write_text(json.dumps(config, indent=4) + "\n")
    save(start, d / "weights.safetensors")
    if "teacher" in spec:
        save(weights(config, **spec["teacher"]), d / "teacher.safetensors")
    with tempfile.TemporaryDirectory() as models:
        (pathlib.Path(models) / f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(models)
        run = train(name, settings, d, inputs, order)
        others = {
            "float64": train(name, settings, d, inputs, order, torch.float64),
            "batches turned round": train(name, settings, d, inputs, order.flip(1)),
        }
        if "accum_freq" in settings:
            others["the whole batch at once"] = train(name, settings | {"accum_freq": 1}, d, inputs, order)
        wrong = {}
        for label, change in WRONG.items():
            change = change(settings) if callable(change) else change
            wrong[label] = train(name, settings | change, d, inputs, order)

    golden = {"images": images, "tokens": tokens, "order": order}
    golden |= {key: torch.tensor(run[key]) for key in ALL if run[key][0] is not None}
    golden |= {f"final.{key}": value for key, value in run["final"].items()}
    save(golden, d / "golden.safetensors")
    (d / "settings.json").write_text(json.dumps(describe(name, spec, count, run), indent=1) + "\n")

    print(f"== {name}: {sum(v.numel() for v in start.values())} numbers")
    for key in ALL:
        if run[key][0] is not None:
            print(f"  {key:18s}", " ".join(f"{value:.4g}" for value in run[key]))
    noise = {label: compare(run, other, start, label, 6) for label, other in others.items()}
    noticed = {label: compare(run, other, start, label, 1) for label, other in wrong.items()}
    ratios = [a / b for a, b in zip(run["scale_gradients"], others["float64"]["scale_gradients"])]
    print(f"  gradient of logit_scale over float64's: {min(ratios):.6f} to {max(ratios):.6f}")
    if "accum_freq" in settings:
        whole = others["the whole batch at once"]["scale_gradients"]
        print(f"  first gradient of logit_scale over the whole batch's: {run['scale_gradients'][0] / whole[0]:.4f}")
    return {"noise": noise, "wrong settings": noticed}


def describe(name, spec, count, run):
    """settings.json: every number of the run, and open_clip's command line."""
    settings = spec["settings"]
    per_epoch = count // BATCH
    return {
        "loss": "sigmoid" if settings.get("siglip") else "softmax",
        "distill": "teacher" in spec,
        "steps": STEPS,
        "batch_size": BATCH,
        "micro_batch": BATCH // settings.get("accum_freq", 1),
        "steps_per_epoch": per_epoch,
        **{key: settings[key] for key in ("lr", "beta1", "beta2", "eps", "wd", "warmup", "lr_scheduler")},
        "cooldown_steps": settings.get("epochs_cooldown", 0) * per_epoch,
        "cooldown_power": 1.0,
        "cooldown_end_lr": 0.0,
        "grad_clip_norm": settings.get("grad_clip_norm"),
        "logit_scale_limits": [0.0, math.log(100)],
        "no_weight_decay": run["no_decay"],
        "open_clip_arguments": " ".join(arguments(name, settings, STEPS // per_epoch)),
    }


def save(tensors, path):
    save_file(tensors, path)
    path.chmod(0o644)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "goldens")
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    args = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    logging.disable(logging.WARNING)
    cases = {name: case(name, args.out) for name in args.only}
    if args.only == list(CASES):
        versions = {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "open_clip": open_clip.__version__,
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
        }
        text = json.dumps({"versions": versions, **cases}, indent=1) + "\n"
        (args.out / "training.json").write_text(text)


if __name__ == "__main__":
    main()
