"""Encode and train with open_clip in PyTorch and with ONNX Runtime. Run by `cargo xtask bench encode`,
`train`, `loss` and `startup`.

    python models.py FOLDER [DEVICE PRECISION]

DEVICE is `cpu` or `cuda:N`, PRECISION `f32` or `bf16`. FOLDER/MODEL holds each model as open_clip's `local-dir:` loads it. Prints the versions as one line of
JSON, and then answers each line `NAME SECONDS` of the input:

* `TOWER:MODEL:INPUT:BATCH:PEER`: images or texts a second that PEER (`torch`, `compile`, `onnx`)
  encodes
* `first:...`: the first feature of the same, normalised, as a list
* `flops:MODEL:image` or `flops:MODEL:text`: floating-point operations of one image or text
* `train:MODEL:INPUT:BATCH:PEER`: pairs a second of whole training steps
* `loss:PAIRS:WIDTH`: losses with gradient a second, in the dense form
* `loss-memory:PAIRS:WIDTH`: what that takes of memory beside the features, in megabytes; of a process
  that has done nothing else
* `peak`: the largest resident memory of this process, or what it held of a GPU's, in megabytes
* `matmul`: the matrix product's floating-point operations a second
* `startup:MODEL:FILE`: starts and first embeddings a second, each in a new process

INPUT is what the text tower gets: `prompts` (short, as zero-shot classifiers are made of) or `full`
(every position taken).
"""

import functools
import importlib.metadata
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
import open_clip
import torch

THREADS = 2
CONTEXT, START, END = 77, 49406, 49407

FIRST = """
import sys, torch, open_clip
from PIL import Image
torch.set_num_threads(%d)
model, transform = open_clip.create_model_from_pretrained("local-dir:" + sys.argv[1])
with torch.inference_mode():
    model.eval().encode_image(transform(Image.open(sys.argv[2])).unsqueeze(0), normalize=True).tolist()
""" % THREADS


DEVICE, PRECISION = sys.argv[2:] or ("cpu", "f32")
DTYPE = {"f32": torch.float32, "bf16": torch.bfloat16}[PRECISION]


def main():
    torch.set_num_threads(THREADS)
    folder = pathlib.Path(sys.argv[1])
    packages = ["torch", "open_clip_torch", "onnxruntime"]
    print(json.dumps({name: importlib.metadata.version(name) for name in packages}), flush=True)
    for line in sys.stdin:
        command, seconds = line.split()
        print(json.dumps(answer(folder, command.split(":"), float(seconds))), flush=True)


def answer(folder, command, seconds):
    match command:
        case ["first", *rest]:
            feature = encoder(folder, *rest)()[0]
            return (feature / np.linalg.norm(feature)).tolist()
        case ["flops", name, tower]:
            return flops(folder, name, tower)
        case ["train", name, texts, batch, peer]:
            return rate(trainer(folder, name, texts, int(batch), peer), int(batch), seconds)
        case ["loss", pairs, width]:
            return rate(dense_loss(int(pairs), int(width)), 1, seconds)
        case ["loss-memory", pairs, width]:
            return memory_of(lambda: dense_loss(int(pairs), int(width)))
        case ["peak"] if DEVICE != "cpu":
            return torch.cuda.max_memory_allocated() / 1e6
        case ["peak"]:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        case ["matmul"]:
            side = 2048 if DEVICE == "cpu" else 8192
            a = torch.randn(side, side, device=DEVICE, dtype=DTYPE)
            return rate(lambda: synchronized(a @ a), 2 * side**3, seconds)
        case ["startup", name, file]:
            start = [sys.executable, "-c", FIRST, str(folder / name), file]
            return rate(lambda: subprocess.run(start, check=True), 1, seconds)
        case [_, _, _, batch, _]:
            return rate(encoder(folder, *command), int(batch), seconds)


def memory_of(prepare):
    def status(field):
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6

    work = prepare()
    before = status("VmRSS:")
    work()
    return status("VmHWM:") - before


def rate(work, things, seconds):
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or done == 0:
        work()
        done += things
    return done / (time.perf_counter() - start)


def synchronized(result):
    if DEVICE != "cpu":
        torch.cuda.synchronize()
    return result


@functools.cache
def load(folder, name):
    return open_clip.create_model("local-dir:" + str(folder / name), device=DEVICE).eval()


def half():
    """bf16 compute as open_clip's `--precision amp_bf16` has it."""
    kind = DEVICE.split(":")[0]
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=PRECISION == "bf16")


def images(model, batch):
    side = model.visual.image_size
    side = side[0] if isinstance(side, tuple) else side
    values = np.sin(0.01 * np.arange(batch * 3 * side * side, dtype=np.float64))
    images = values.astype(np.float32).reshape(batch, 3, side, side)
    return torch.from_numpy(images).to(DEVICE)


def tokens(kind, batch):
    """Made-up words: from 5 to 14 of them, or as many as there is room for."""
    rows = torch.zeros(batch, CONTEXT, dtype=torch.long)
    for row in range(batch):
        words = CONTEXT - 2 if kind == "full" else 5 + row % 10
        ids = [START] + [320 + (37 * row + 11 * word) % 40000 for word in range(words)] + [END]
        rows[row, : len(ids)] = torch.tensor(ids)
    return rows.to(DEVICE)


@functools.lru_cache(maxsize=1)
def encoder(folder, tower, name, kind, batch, peer):
    model = load(folder, name)
    x = images(model, int(batch)) if tower == "image" else tokens(kind, int(batch))
    encode = model.encode_image if tower == "image" else model.encode_text
    if peer == "compile":
        encode = torch.compile(encode)
    if peer == "onnx":
        return onnx_encoder(folder / name / f"{tower}-{batch}.onnx", model, tower, x)

    def run():
        with torch.inference_mode(), half():
            return encode(x).float().cpu().numpy()

    run()
    return run


def onnx_encoder(path, model, tower, x):
    """A session for this batch size, which ONNX Runtime plans its memory for."""
    import onnxruntime

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model.encode_image(x) if tower == "image" else self.model.encode_text(x)

    if not path.exists():
        with torch.inference_mode():
            torch.onnx.export(Tower().eval(), (x,), str(path), dynamo=True, external_data=True,
                              verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}
    run = lambda: session.run(None, feed)[0]
    run()
    return run


def flops(folder, name, tower):
    from torch.utils.flop_counter import FlopCounterMode

    model = load(folder, name)
    # Its fused attention is not counted on CPU, with the projections around it; the plain one is.
    torch.backends.mha.set_fastpath_enabled(False)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(
            torch.nn.attention.SDPBackend.MATH), torch.no_grad():
        if tower == "image":
            model.encode_image(images(model, 1))
        else:
            model.encode_text(tokens("full", 1))
    torch.backends.mha.set_fastpath_enabled(True)
    return counter.get_total_flops()


@functools.lru_cache(maxsize=1)
def trainer(folder, name, texts, batch, peer):
    """open_clip's training step: its loss, AdamW with the paper's settings, the clamp of the scale."""
    model = open_clip.create_model("local-dir:" + str(folder / name), device=DEVICE).train()
    run = torch.compile(model) if peer == "compile" else model
    loss_of = open_clip.ClipLoss()
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.2}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-6, betas=(0.9, 0.98), eps=1e-6)
    x, y = images(model, batch), tokens(texts, batch)

    def step():
        optimizer.zero_grad()
        with half():
            image, text, scale = run(x, y)
            loss = loss_of(image, text, scale)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.605170185988092)
        return loss.item()

    step()
    return step


def dense_loss(pairs, width):
    image = torch.nn.functional.normalize(torch.randn(pairs, width), dim=1).requires_grad_()
    text = torch.nn.functional.normalize(torch.randn(pairs, width), dim=1).requires_grad_()
    scale = torch.tensor(2.65926).requires_grad_()
    loss_of = open_clip.ClipLoss()

    def step():
        image.grad = text.grad = scale.grad = None
        loss_of(image, text, scale.exp()).backward()

    return step


if __name__ == "__main__":
    main()
