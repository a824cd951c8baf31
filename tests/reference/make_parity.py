"""Write full-size models with random weights in the formats that hold them, with their features;
or check what was exported from here. Run by `cargo xtask parity`.

    python make_parity.py model NAME FOLDER
    python make_parity.py check FOLDER GOLDEN OUT

`check` loads FOLDER with open_clip or transformers, whichever its files are for, encodes the images
and tokens of the file GOLDEN, and writes them with their features to OUT.

Features are computed in f32, as users get them. The weights of OpenAI's models are rounded to f16,
as in the archives that OpenAI released.
"""

import argparse
import copy
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import clip.model
import make_format_goldens as small
import open_clip
import safetensors.torch
import torch
import transformers
from torch.nn import functional as F

OPENAI = ["RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"]
OTHERS = ["ViT-S-32-alt", "ViT-B-16-plus-240", "ViT-L-14-CLIPA", "ViT-B-16-SigLIP", "ViT-B-32-SigLIP2-256"]


def inputs(config):
    """Two images and three texts of different lengths."""
    generator = torch.Generator().manual_seed(5)
    size, text = config["vision_cfg"]["image_size"], config["text_cfg"]
    context, vocab = text.get("context_length", 77), text.get("vocab_size", 49408)
    pixels = torch.randn(2, 3, size, size, generator=generator)
    tokens = torch.randint(8, vocab - 2, (3, context), generator=generator)
    tokens[:, 0] = vocab - 2
    for row, end in enumerate((context - 1, 2, context // 2)):
        tokens[row, end] = vocab - 1
        tokens[row, end + 1 :] = 0
    return pixels, tokens


def features(model, images, tokens):
    image, text = F.normalize(model.encode_image(images)), F.normalize(model.encode_text(tokens))
    logits = model.logit_scale.exp() * image @ text.T
    bias = getattr(model, "logit_bias", None)
    logits = logits if bias is None else logits + bias
    return {"image_features_norm": image, "text_features_norm": text, "logits_per_image": logits}


def randomise(model, config, images, openai):
    """Random weights whose features f32 can tell; OpenAI's own model with them, rounded to f16.

    Now and then a random ResNet is so ill-conditioned that PyTorch's own f32 features are off by
    1e-5; no comparison could say anything then.
    """
    for seed in range(11, 21):
        small.randomise(model, seed)
        archive = None
        if openai:
            archive = openai_model(config)
            archive.load_state_dict(model.state_dict())
            clip.model.convert_weights(archive.eval())
            model.load_state_dict(archive.state_dict())
        if not isinstance(model.visual, open_clip.modified_resnet.ModifiedResNet):
            return archive
        image = F.normalize(model.encode_image(images))
        exact = F.normalize(copy.deepcopy(model.visual).double()(images.double()))
        if (image - exact).abs().max() < 1e-6:
            return archive
    raise SystemExit("no random weights are well-conditioned")


def save(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({key: value.contiguous() for key, value in tensors.items()}, path)


def openai_model(config):
    """OpenAI's own class, of the sizes of an open_clip configuration."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    layers = vision["layers"]
    return clip.model.CLIP(
        embed_dim=config["embed_dim"], image_resolution=vision["image_size"],
        vision_layers=tuple(layers) if isinstance(layers, list) else layers,
        vision_width=vision["width"], vision_patch_size=vision.get("patch_size"),
        context_length=text["context_length"], vocab_size=text["vocab_size"],
        transformer_width=text["width"], transformer_heads=text["heads"], transformer_layers=text["layers"])


def save_archive(model, images, tokens, path):
    """As OpenAI's archives: f16, traced, with three numbers as buffers."""
    numbers = {"input_resolution": images.shape[-1], "context_length": model.context_length,
               "vocab_size": model.vocab_size}
    for key, value in numbers.items():
        if hasattr(model, key):
            delattr(model, key)
        model.register_buffer(key, torch.tensor(value))
    traced = torch.jit.trace(model, (images[:1].half(), tokens[:1]), check_trace=False)
    torch.jit.save(traced, str(path))


def save_transformers(state, config, out):
    vision, text = config["vision_cfg"], config["text_cfg"]
    width = vision["width"]
    common = {"projection_dim": config["embed_dim"], "hidden_act": "quick_gelu" if config.get("quick_gelu") else "gelu"}
    hf = transformers.CLIPConfig(
        projection_dim=config["embed_dim"],
        vision_config=common | {
            "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": vision["layers"],
            "num_attention_heads": width // vision.get("head_width", 64), "image_size": vision["image_size"],
            "patch_size": vision["patch_size"]},
        text_config=common | {
            "hidden_size": text["width"], "intermediate_size": 4 * text["width"], "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"], "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"], "eos_token_id": 2})
    with torch.device("meta"):
        model = transformers.CLIPModel(hf)
    model.to_empty(device="cpu")
    for name, buffer in model.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.shape[-1])[None])
    missing = model.load_state_dict(small.clip_to_hf(state, config), strict=False)
    assert not missing.unexpected_keys and all("position_ids" in key for key in missing.missing_keys), missing
    model.save_pretrained(out / "transformers")
    model.save_pretrained(out / "transformers_sharded", max_shard_size="200MB")


@torch.no_grad()
def write_model(name, out):
    out.mkdir(parents=True, exist_ok=True)
    full = name + "-quickgelu" if name in OPENAI else name
    config = open_clip.get_model_config(full)
    model = open_clip.create_model(full, pretrained=None)
    images, tokens = inputs(config)
    archive = randomise(model, config, images, name in OPENAI)
    if archive is not None:
        save_archive(archive, images, tokens, out / "archive.pt")
        del archive
    save(out / "golden.safetensors", {"images": images, "tokens": tokens} | features(model, images, tokens))
    state = model.state_dict()
    torch.save({"state_dict": {"module." + key: value for key, value in state.items()}}, out / "checkpoint.pt")
    folder = out / "open_clip"
    save(folder / "open_clip_model.safetensors", state)
    preprocess = open_clip.model.get_model_preprocess_cfg(model)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    plain = {"ls_init_value", "no_ln_pre", "timm_model_name"}.isdisjoint(config["vision_cfg"])
    if plain and config["vision_cfg"].get("patch_size"):
        save_transformers(state, config, out)


@torch.no_grad()
def check(folder, golden, out):
    golden = safetensors.torch.load_file(golden)
    images, tokens = golden["images"], golden["tokens"]
    if (folder / "open_clip_config.json").exists():
        model = open_clip.create_model(f"local-dir:{folder}").eval()
        save(out, golden | features(model, images, tokens))
        return
    model, info = transformers.AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    model.eval()
    outputs = model(pixel_values=images, input_ids=tokens)
    save(out, golden | {"image_features_norm": outputs.image_embeds, "text_features_norm": outputs.text_embeds,
                        "logits_per_image": outputs.logits_per_image})


def versions():
    names = dict(torch=torch, open_clip=open_clip, transformers=transformers)
    return {name: module.__version__ for name, module in names.items()} | {"openai-clip": "1.0.1"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("model")
    write.add_argument("name", choices=OPENAI + OTHERS)
    write.add_argument("folder", type=pathlib.Path)
    read = commands.add_parser("check")
    read.add_argument("folder", type=pathlib.Path)
    read.add_argument("golden", type=pathlib.Path)
    read.add_argument("out", type=pathlib.Path)
    commands.add_parser("versions")
    options = parser.parse_args()
    if options.command == "model":
        write_model(options.name, options.folder)
    elif options.command == "check":
        check(options.folder, options.golden, options.out)
    else:
        print(json.dumps(versions()))


if __name__ == "__main__":
    main()
