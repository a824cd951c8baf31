"""Write the parity goldens under goldens/: small CLIP models with random weights,
their features, loss and parameter gradients as open_clip computes them, plus
statistics of open_clip's initialisation and token ids of its tokenizer.

    python make_goldens.py [--out DIR] [--only models|init|tokenizer]

See README.md for the file formats.
"""

import argparse
import html
import json
import math
import pathlib
import platform
from unittest import mock

import ftfy
import numpy as np
import open_clip
import regex
import safetensors
import torch
from open_clip import tokenizer as oc_tokenizer
from open_clip.loss import ClipLoss
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

BATCH = 6
HERE = pathlib.Path(__file__).resolve().parent

# ---------------------------------------------------------------- model cases

CASES = {
    # QuickGELU, four heads in both towers, two layers each.
    "vit-quickgelu": dict(
        seed=101,
        logit_scale=math.log(1 / 0.07),
        config={
            "embed_dim": 20,
            "quick_gelu": True,
            "vision_cfg": {
                "image_size": 32,
                "layers": 2,
                "width": 24,
                "head_width": 6,
                "patch_size": 8,
            },
            "text_cfg": {
                "context_length": 16,
                "vocab_size": 128,
                "width": 24,
                "heads": 4,
                "layers": 2,
            },
        },
    ),
    # Exact GELU, odd sizes, towers of different depth, another logit scale.
    "vit-gelu": dict(
        seed=202,
        logit_scale=math.log(20.0),
        config={
            "embed_dim": 17,
            "quick_gelu": False,
            "vision_cfg": {
                "image_size": 28,
                "layers": 3,
                "width": 24,
                "head_width": 8,
                "patch_size": 7,
                "mlp_ratio": 4.0,
            },
            "text_cfg": {
                "context_length": 11,
                "vocab_size": 99,
                "width": 20,
                "heads": 2,
                "layers": 1,
            },
        },
    ),
    # ModifiedResNet; quick_gelu left out (its default is false).
    # The seed is the one of 303..452 that keeps the ReLU inputs farthest from zero
    # (relu_margin), so that rounding cannot flip a unit and step the gradients.
    "resnet": dict(
        seed=391,
        logit_scale=math.log(5.0),
        config={
            "embed_dim": 24,
            "vision_cfg": {
                "image_size": 64,
                "layers": [2, 1, 1, 2],
                "width": 4,
                "head_width": 32,  # heads = width * 32 // head_width = 4
                "patch_size": None,
            },
            "text_cfg": {
                "context_length": 12,
                "vocab_size": 80,
                "width": 16,
                "heads": 2,
                "layers": 1,
            },
        },
    ),
}


def build(config):
    return CLIP(**json.loads(json.dumps(config)))


@torch.no_grad()
def randomise(model, seed, logit_scale):
    """Overwrite every parameter and running statistic with seeded values."""
    g = torch.Generator().manual_seed(seed)

    def randn(t):
        return torch.randn(t.shape, generator=g, dtype=torch.float32)

    norms = {
        name
        for name, m in model.named_modules()
        if isinstance(m, (nn.LayerNorm, nn.BatchNorm2d))
    }
    convs = {name for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    for name, p in model.named_parameters():
        owner, _, leaf = name.rpartition(".")
        if name == "logit_scale":
            p.fill_(logit_scale)
        elif owner in norms:
            p.copy_((1.0 if leaf == "weight" else 0.0) + 0.1 * randn(p))
        elif leaf == "class_embedding":
            p.copy_(0.2 * randn(p))
        elif leaf == "positional_embedding":
            p.copy_(0.5 * randn(p))
        elif owner == "token_embedding":
            p.copy_(randn(p))
        elif leaf in ("proj", "text_projection"):
            p.copy_(randn(p) * p.shape[0] ** -0.5)
        elif p.ndim == 1:
            p.copy_(0.1 * randn(p))
        else:
            gain = math.sqrt(2.0) if owner in convs else 1.4
            p.copy_(randn(p) * gain * p[0].numel() ** -0.5)
    for name, b in model.named_buffers():
        if name.endswith("running_mean"):
            b.copy_(0.2 * randn(b))
        elif name.endswith("running_var"):
            b.copy_(torch.exp(0.3 * randn(b)))


def inputs(config, seed):
    g = torch.Generator().manual_seed(seed + 1)
    size = config["vision_cfg"]["image_size"]
    images = torch.randn(BATCH, 3, size, size, generator=g)
    context = config["text_cfg"]["context_length"]
    vocab = config["text_cfg"]["vocab_size"]
    # Row 0 is an empty caption, row 1 fills the context, the rest lie between.
    words = [0, context - 2] + torch.linspace(1, context - 4, BATCH - 2).round().int().tolist()
    tokens = torch.zeros(BATCH, context, dtype=torch.int64)
    for row, n in zip(tokens, words):
        row[0] = vocab - 2
        row[1 : 1 + n] = torch.randint(1, vocab - 2, (n,), generator=g)
        row[1 + n] = vocab - 1
    return images, tokens


def compute(config, state, images, tokens, dtype):
    """Every golden tensor, computed in `dtype`."""
    model = build(config)
    model.load_state_dict(state)
    model = model.to(dtype)
    images = images.to(dtype)
    out = {}

    model.eval()
    with torch.no_grad():
        eval_features = model.encode_image(images)

    model.train()
    image = model.encode_image(images)
    text = model.encode_text(tokens)
    image_norm, text_norm = F.normalize(image, dim=-1), F.normalize(text, dim=-1)
    scale = model.logit_scale.exp()
    loss = ClipLoss()(image_norm, text_norm, scale)
    loss.backward()
    out["image_features"] = image
    out["text_features"] = text
    out["image_features_norm"] = image_norm
    out["text_features_norm"] = text_norm
    out["logits_per_image"] = scale * image_norm @ text_norm.T
    out["loss"] = loss
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        out[f"grad.{name}"] = p.grad

    after = {
        name: b
        for name, b in model.state_dict().items()
        if name.endswith(("running_mean", "running_var"))
    }
    if after:
        out["eval.image_features"] = eval_features
        out["eval.image_features_norm"] = F.normalize(eval_features, dim=-1)
        out.update({f"after.{name}": b for name, b in after.items()})
    return {k: v.detach() for k, v in out.items()}


@torch.no_grad()
def relu_margin(config, state, images):
    """Smallest |ReLU input| of a training-mode pass over the largest float32
    error of that layer's inputs, minimised over layers (inf without ReLU)."""

    def relu_inputs(dtype):
        model = build(config)
        model.load_state_dict(state)
        model.to(dtype).train()
        seen = []
        for m in model.modules():
            if isinstance(m, nn.ReLU):
                m.register_forward_pre_hook(lambda _, x: seen.append(x[0].double().clone()))
        model.encode_image(images.to(dtype))
        return seen

    pairs = zip(relu_inputs(torch.float32), relu_inputs(torch.float64))
    return min((float(b.abs().min() / (a - b).abs().max()) for a, b in pairs), default=math.inf)


def rel_err(a, b):
    """(relative l2 error, largest error over largest magnitude) of a against b."""
    d = a.double() - b
    n, m = b.norm().item(), b.abs().max().item()
    return (d.norm().item() / n if n else math.inf, d.abs().max().item() / m if m else math.inf)


def model_case(name, out_dir):
    case = CASES[name]
    config, seed = case["config"], case["seed"]
    model = build(config)
    randomise(model, seed, case["logit_scale"])
    state = {k: v.clone().contiguous() for k, v in model.state_dict().items()}
    images, tokens = inputs(config, seed)
    ref = compute(config, state, images, tokens, torch.float64)
    low = compute(config, state, images, tokens, torch.float32)
    margin = relu_margin(config, state, images)
    assert margin > 5, f"{name}: a ReLU input lies {margin} rounding errors from zero"

    golden = {"images": images, "tokens": tokens}
    golden.update({k: v.float().contiguous() for k, v in ref.items()})
    d = out_dir / name
    d.mkdir(parents=True, exist_ok=True)
    (d / "config.json").write_text(json.dumps(config, indent=4) + "\n")
    for file, tensors in (("weights", state), ("golden", golden)):
        save_file(tensors, d / f"{file}.safetensors")
        (d / f"{file}.safetensors").chmod(0o644)

    img, txt = ref["image_features_norm"], ref["text_features_norm"]
    off = ~torch.eye(BATCH, dtype=torch.bool)
    print(
        f"== {name}: {sum(p.numel() for p in model.parameters())} parameters, loss {ref['loss']:.4f},"
        f" feature std {ref['image_features'].std():.3f}/{ref['text_features'].std():.3f},"
        f" mean cosine between samples {(img @ img.T)[off].mean():.3f}/{(txt @ txt.T)[off].mean():.3f}"
    )
    grad_max = max(v.abs().max().item() for k, v in ref.items() if k.startswith("grad."))
    noise = {"outputs": {}, "grads": {}, "zero_grads": []}
    for k, v in ref.items():
        l2, mx = rel_err(low[k], v)
        size = v.abs().max().item()
        print(f"  {k:70s} max|x| {size:9.2e}  rel l2 {l2:8.1e}  rel max {mx:8.1e}")
        assert torch.isfinite(v).all()
        if not k.startswith("grad."):
            noise["outputs"][k] = float(f"{mx:.2e}")
        elif size < 1e-12 * grad_max:
            noise["zero_grads"].append(k)  # zero but for rounding
        else:
            noise["grads"][k] = float(f"{mx:.2e}")
    grads = sorted(noise["grads"].items(), key=lambda kv: kv[1])
    after = [v for k, v in noise["outputs"].items() if k.startswith("after.")]
    summary = {k: v for k, v in noise["outputs"].items() if not k.startswith("after.")}
    if after:
        summary["after.* worst"] = max(after)
    summary["grad.* median"] = grads[len(grads) // 2][1]
    summary["grad.* worst"] = {grads[-1][0]: grads[-1][1]}
    summary["grads that are zero but for rounding"] = noise["zero_grads"]
    return summary


# ------------------------------------------------------------------ init stats


def init_stats(name, out_dir):
    path = pathlib.Path(open_clip.__file__).parent / "model_configs" / f"{name}.json"
    torch.manual_seed(0)
    model = CLIP(**json.loads(path.read_text()))
    layers = {}
    pattern = regex.compile(r"^(.*(?:resblocks|layer\d))\.(\d+)\.")
    for k in dict(model.named_parameters()):
        if m := pattern.match(k):
            layers[m[1]] = max(layers.get(m[1], 0), int(m[2]))
    lines = []
    for k, p in model.named_parameters():
        m = pattern.match(k)
        if m and int(m[2]) not in (0, layers[m[1]]):
            continue
        x = p.detach().double().flatten()
        mean = x.mean()
        std = (x - mean).square().mean().sqrt()
        kurtosis = ((x - mean) / std).pow(4).mean() if std > 0 else torch.tensor(0.0)
        stats = {
            "shape": list(p.shape),
            "mean": float(f"{mean:.5g}"),
            "std": float(f"{std:.5g}"),
            "max_abs": float(f"{x.abs().max():.5g}"),
            "kurtosis": float(f"{kurtosis:.4g}"),
        }
        lines.append(f"{json.dumps(k)}: {json.dumps(stats)}")
    d = out_dir / "init"
    d.mkdir(parents=True, exist_ok=True)
    (d / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


# ------------------------------------------------------------------- tokenizer

TEXTS = [
    "",
    " ",
    "a",
    "A",
    "a photo of a cat",
    "a photo of a dog.",
    "A photo of a CAT",
    "A PHOTO OF THE GOLDEN GATE BRIDGE",
    "itap of a {}.",
    "a bad photo of a tench, a type of fish.",
    "a photo of a great white shark",
    "William Shakespeare and Charles Dickens",
    "Elizabeth Bennet",
    "Alexander Montgomery-Fitzgerald III",
    "Dr. Martin Luther King, Jr.",
    "O'Brien's pub",
    "it's a dog",
    "IT'S A DOG",
    "they're here, we've gone, I'll go, I'm in, he'd know, don't!",
    "rock 'n' roll",
    "the dogs' bowls",
    "''quoted'' 's 't",
    "hello, world!",
    "Hello... World?!",
    "wait -- what?",
    "(parentheses) [brackets] {braces} <angles>",
    "a/b\\c|d",
    "#hashtag @mention $5.99 50% off",
    "e-mail: someone@example.com",
    "https://www.example.com/a?b=c_d&e=f#g",
    "snake_case and camelCase",
    "1",
    "1234567890",
    "the year 1984, 3.14159 and 1,000,000",
    "4k 1080p 3d b2b",
    "x^2 + y^2 = z^2",
    "½ cup, 10⁻³ m², 5°C",
    "  leading blanks",
    "trailing blanks   ",
    "  many    blanks \t tabs \n newlines \r\n inside  ",
    "café",
    "Crème brûlée à la carte",
    "Ångström, Zürich, São Paulo, Łódź, Kraków",
    "Straße in KÖLN",
    "naïve façade",
    "ΟΔΥΣΣΕΥΣ and Σίσυφος",
    "Москва, Россия",
    "東京タワー",
    "서울 타워",
    "नमस्ते दुनिया",
    "مرحبا بالعالم",
    "I ❤️ NY",
    "😀",
    "party time 🎉🎉🎊",
    "👩‍👩‍👧‍👦 family 👍🏽",
    "price: £20 – €30 — ¥400",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "zqxjkvbp",
    "!!!!!!!!!!!!!!!!",
    " ".join(["word"] * 75),
    " ".join(["word"] * 76),
    " ".join(["The quick brown fox jumps over the lazy dog."] * 12),
    "1" * 200,
    # what ftfy and HTML unescaping change
    "“curly” ‘quotes’ and it’s",
    "Tom &amp; Jerry",
    "Tom &amp;amp; Jerry &lt;3",
    "<b>bold</b> &quot;R&amp;B&quot; &eacute;",
    "caf\u0065\u0301 (decomposed)",
    "non\u00a0breaking\u2003space",
    "ﬁne ﬂower",
    "ＦＵＬＬ　ＷＩＤＴＨ",
    "schÃ¶n",
    "soft\u00adhyphen and zero\u200bwidth and \ufeffbom",
    "a\u0000null\u0007bell",
    # the words that stand for the special tokens
    "<start_of_text> a <end_of_text>",
    "<|startoftext|> a <|endoftext|>",
]

TEXTS_16 = [
    "",
    "a photo of a cat",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
    "a very long caption that keeps going on and on until it certainly does not fit any more",
    "supercalifragilisticexpialidocious antidisestablishmentarianism floccinaucinihilipilification",
    "🎉" * 12,
]


def tokenizer_goldens(out_dir):
    tok = oc_tokenizer.SimpleTokenizer()

    def ids(text, context):
        row = tok([text], context_length=context)[0].tolist()
        n = len(row) - row[::-1].index(tok.eot_token_id)  # the last end token
        assert not any(row[n:])
        return row[:n]

    def ids_with(text, fix_text=ftfy.fix_text, unescape=html.unescape):
        """The ids with these cleaning steps in place of the tokenizer's own."""
        with mock.patch.object(ftfy, "fix_text", fix_text), mock.patch.object(html, "unescape", unescape):
            return ids(text, 77)

    lines = []
    for context, texts in ((77, TEXTS), (16, TEXTS_16)):
        for text in texts:
            row = ids(text, context)
            entry = {"context": context, "text": text, "ids": row}
            if context == 77:
                # Which cleaning steps these ids depend on (ftfy unescapes HTML too).
                no_ftfy = ids_with(text, fix_text=str)
                plain = ids_with(text, fix_text=str, unescape=str)
                if no_ftfy != row:
                    entry["needs_ftfy"] = True
                if plain != no_ftfy:
                    entry["needs_html_unescape"] = True
            lines.append(json.dumps(entry))
    (out_dir / "tokenizer.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"tokenizer: {len(lines)} strings")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "goldens")
    parser.add_argument("--only", choices=["models", "init", "tokenizer"])
    args = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    args.out.mkdir(parents=True, exist_ok=True)

    if args.only in (None, "models"):
        noise = {name: model_case(name, args.out) for name in CASES}
        (args.out / "noise.json").write_text(json.dumps(noise, indent=1) + "\n")
    if args.only in (None, "init"):
        for name in ("ViT-B-32", "RN50"):
            init_stats(name, args.out)
    if args.only in (None, "tokenizer"):
        tokenizer_goldens(args.out)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "open_clip": open_clip.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
        "ftfy": ftfy.__version__,
        "regex": regex.__version__,
    }
    (args.out / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
