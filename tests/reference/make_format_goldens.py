"""Write goldens/formats and goldens/options: tiny models with random weights in every file format
that is read, one for each group of open_clip's options, and their features.

    python make_format_goldens.py [--out DIR]

Features are computed in float64 from the stored (for f16 and bf16: rounded) weights.
"""

import argparse
import copy
import json
import pathlib
import shutil
import warnings

import clip.model
import numpy as np
import open_clip
import safetensors.torch
import timm
import torch
import transformers
from open_clip.model import CLIP, CustomTextCLIP, resize_pos_embed, resize_text_pos_embed
from torch import nn
from torch.nn import functional as F

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).resolve().parent
BATCH = 3
VOCAB = 40

TEXT = {"context_length": 8, "vocab_size": VOCAB, "width": 16, "heads": 2, "layers": 1}
VISION = {"image_size": 24, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8}


def model_config(vision=(), text=(), **top):
    config = {"embed_dim": 12, "vision_cfg": VISION | dict(vision), "text_cfg": TEXT | dict(text)}
    return config | top


# One model for each group of options that don't touch each other.
OPTIONS = {
    "plain": model_config(),
    "layer_scale-avg": model_config(
        {"ls_init_value": 0.1, "no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": True},
        {"ls_init_value": 0.2, "no_causal_mask": True, "pool_type": "last", "final_ln_after_pool": True},
        quick_gelu=True,
    ),
    "avg-first": model_config(
        {"pool_type": "avg", "pos_embed_type": "sin_cos_2d", "mlp_ratio": 2.3},
        {"pool_type": "first", "no_causal_mask": True, "proj_type": "none", "width": 12},
        custom_text=True,
    ),
    "eos-bias": model_config(
        {"norm_kwargs": {"eps": 1e-3}, "act_kwargs": {"approximate": "tanh"}, "image_size": 27},
        {"pool_type": "eos", "eos_id": 7, "proj_bias": True, "norm_kwargs": {"eps": 1e-2},
         "act_kwargs": {"approximate": "tanh"}},
        custom_text=True,
        init_logit_bias=-2.0,
        nonscalar_logit_scale=True,
    ),
    "cls": model_config(
        {"patch_dropout": 0.5, "output_tokens": False},
        {"embed_cls": True, "pad_id": 3},
        custom_text=True,
    ),
    "attentional": model_config(
        {"attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 3}),
    "attentional-equal": model_config(
        {"attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 2, "pool_type": "avg"},
        embed_dim=16),
    "parallel": model_config(
        {"attentional_pool": "parallel", "attn_pooler_queries": 4, "attn_pooler_heads": 2}, embed_dim=16),
    "cascade": model_config(
        {"attentional_pool": "cascade", "attn_pooler_queries": 4, "attn_pooler_heads": 2}, embed_dim=16),
}


def randomise(model, seed):
    """Every parameter and buffer, so that a wrong one shows."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in sorted(model.state_dict().items()):
        if not value.dtype.is_floating_point:
            continue
        noise = torch.randn(value.shape, generator=generator)
        if name.endswith(("running_var",)):
            value.copy_(noise.abs() * 0.3 + 0.5)
        elif value.dim() <= 1 and name.endswith("weight"):
            value.copy_(noise * 0.2 + 1)
        elif name.startswith("logit_scale"):
            value.fill_(2.0)
        elif name.startswith("logit_bias"):
            value.fill_(-3.0)
        elif "pos" in name or "embedding" in name or "query" in name or "latent" in name:
            value.copy_(noise * 0.5)
        else:
            fan = value[0].numel() if value.dim() > 1 else 4
            value.copy_(noise / fan**0.5)
    return model.eval()


def inputs(config, seed):
    generator = torch.Generator().manual_seed(seed)
    size, context = config["vision_cfg"]["image_size"], config["text_cfg"]["context_length"]
    images = torch.randn(BATCH, 3, size, size, generator=generator)
    vocab = config["text_cfg"]["vocab_size"]
    tokens = torch.randint(8, vocab - 2, (BATCH, context), generator=generator)
    tokens[:, 0] = vocab - 2
    for row, end in enumerate((context - 1, 2, 4)):
        tokens[row, end] = vocab - 1
        tokens[row, end + 1 :] = config["text_cfg"].get("pad_id", 0)
        tokens[row, max(1, end - 1)] = 7  # the eos of the case that looks for it
    return images, tokens


def golden(images, tokens, image_features, text_features, scale, bias=None):
    # Poolers with one query leave an axis of length one.
    image_features, text_features = F.normalize(image_features.flatten(1)), F.normalize(text_features)
    logits = scale.double().exp() * image_features @ text_features.T
    if bias is not None:
        logits = logits + bias.double()
    return {
        "images": images,
        "tokens": tokens,
        "image_features_norm": image_features.float().contiguous(),
        "text_features_norm": text_features.float().contiguous(),
        "logits_per_image": logits.float().contiguous(),
    }


@torch.no_grad()
def open_clip_golden(model, images, tokens):
    model = copy.deepcopy(model).double()
    image, text = model.encode_image(images.double()), model.encode_text(tokens)
    image, text = (x[0] if isinstance(x, tuple) else x for x in (image, text))
    return golden(images, tokens, image, text, model.logit_scale, model.logit_bias)


def write(folder, config=None, **files):
    folder.mkdir(parents=True, exist_ok=True)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    for name, tensors in files.items():
        tensors = {key: value.contiguous() for key, value in tensors.items()}
        safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")


def options(out):
    for seed, (name, config) in enumerate(OPTIONS.items()):
        kwargs = copy.deepcopy(config)
        kind = CustomTextCLIP if kwargs.pop("custom_text", False) else CLIP
        model = randomise(kind(**kwargs), seed)
        images, tokens = inputs(config, 100 + seed)
        write(out / name, config, weights=model.state_dict(), golden=open_clip_golden(model, images, tokens))


def openai_model(resnet):
    """OpenAI's own class; heads there have 64 channels."""
    layers, width = ((1, 1, 1, 1), 2) if resnet else (1, 64)
    if resnet:
        width = 8
    return clip.model.CLIP(
        embed_dim=16, image_resolution=32, vision_layers=layers, vision_width=width,
        vision_patch_size=None if resnet else 16, context_length=8, vocab_size=VOCAB,
        transformer_width=64, transformer_heads=1, transformer_layers=1)


@torch.no_grad()
def openai(out, name, resnet):
    model = randomise(openai_model(resnet), 31 + resnet)
    clip.model.convert_weights(model)
    config = {"vision_cfg": {"image_size": 32}, "text_cfg": {"context_length": 8, "vocab_size": VOCAB}}
    images, tokens = inputs(config, 131 + resnet)
    # OpenAI's LayerNorm insists on f32, so that is what its features are computed in.
    reference = openai_model(resnet)
    reference.load_state_dict(model.state_dict())
    reference = reference.float().eval()
    image, text = reference.encode_image(images), reference.encode_text(tokens)
    folder = out / name
    write(folder, golden=golden(images, tokens, image.double(), text.double(), model.logit_scale))
    # OpenAI's archives carry these three numbers as tensors.
    numbers = {"input_resolution": 32, "context_length": model.context_length, "vocab_size": model.vocab_size}
    for key, value in numbers.items():
        if hasattr(model, key):
            delattr(model, key)
        model.register_buffer(key, torch.tensor(value))
    traced = torch.jit.trace(model, (images.half(), tokens), check_trace=False)
    torch.jit.save(traced, str(folder / "model.pt"))
    loaded, _ = clip.load(str(folder / "model.pt"), device="cpu", jit=False)
    assert torch.allclose(loaded.encode_image(images), image, atol=1e-6)


def clip_to_hf(state, config):
    """open_clip's names to transformers' CLIPModel."""
    out = {}
    for key, value in state.items():
        tower = "vision_model" if key.startswith("visual.") else "text_model"
        plain = key.removeprefix("visual.")
        block = plain.removeprefix("transformer.resblocks.")
        if block != plain:
            index, part = block.split(".", 1)
            base = f"{tower}.encoder.layers.{index}."
            if part.startswith("attn.in_proj_"):
                for letter, third in zip("qkv", value.chunk(3)):
                    out[f"{base}self_attn.{letter}_proj.{part[13:]}"] = third
                continue
            for a, b in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("attn.", "self_attn."),
                         ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
                part = part.replace(a, b)
            out[base + part] = value
            continue
        names = {
            "visual.class_embedding": "vision_model.embeddings.class_embedding",
            "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
            "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
            "visual.proj": "visual_projection.weight",
            "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
            "positional_embedding": "text_model.embeddings.position_embedding.weight",
            "text_projection": "text_projection.weight",
            "logit_scale": "logit_scale",
        }
        name = names.get(key, key.replace("visual.ln_pre", "vision_model.pre_layrnorm")
                         .replace("visual.ln_post", "vision_model.post_layernorm")
                         .replace("ln_final", "text_model.final_layer_norm"))
        out[name] = value.T if name.endswith("projection.weight") else value
    return out


@torch.no_grad()
def vit_formats(out):
    """One model in every format that holds its weights as they are."""
    config = model_config(quick_gelu=True)
    model = randomise(CLIP(**copy.deepcopy(config)), 50)
    images, tokens = inputs(config, 150)
    folder = out / "vit"
    state = model.state_dict()
    write(folder, config, golden=open_clip_golden(model, images, tokens), open_clip=state)
    torch.save(state, folder / "state_dict.pt")
    torch.save(state, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    optimizer = torch.optim.AdamW(model.parameters())
    checkpoint = {
        "epoch": 3, "name": "tiny", "optimizer": optimizer.state_dict(),
        "state_dict": {"module." + key: value for key, value in state.items()},
    }
    torch.save(checkpoint, folder / "checkpoint.pt")
    turned = {key: value.T.contiguous().T if value.dim() == 2 else value for key, value in state.items()}
    torch.save(turned, folder / "strided.pt")

    vision, text = config["vision_cfg"], config["text_cfg"]
    hf = transformers.CLIPConfig(
        projection_dim=12,
        vision_config={"hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 1, "projection_dim": 12,
                       "num_attention_heads": 2, "image_size": 24, "patch_size": 8, "hidden_act": "quick_gelu"},
        text_config={"hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 1, "projection_dim": 12,
                     "num_attention_heads": 2, "vocab_size": VOCAB, "max_position_embeddings": 8,
                     "hidden_act": "quick_gelu", "eos_token_id": 2})
    hf_model = transformers.CLIPModel(hf).eval()
    missing = hf_model.load_state_dict(clip_to_hf(state, config), strict=False)
    assert not missing.unexpected_keys and all("position_ids" in k for k in missing.missing_keys), missing
    hf_model.save_pretrained(folder / "hf")
    hf_model.save_pretrained(folder / "hf_sharded", max_shard_size="12KB")

    for dtype, name in ((torch.float16, "f16"), (torch.bfloat16, "bf16")):
        low = {key: value.to(dtype) for key, value in state.items()}
        model.load_state_dict(low)
        write(out / name, config, golden=open_clip_golden(model, images, tokens), open_clip=low)


class Siglip(nn.Module):
    """open_clip's CustomTextCLIP around a small timm tower, which no name of timm's gives."""

    def __init__(self, text):
        super().__init__()
        base = CustomTextCLIP(12 * 0 + 16, VISION | {"width": 16}, text, init_logit_bias=-10.0)
        self.text, self.logit_scale, self.logit_bias = base.text, base.logit_scale, base.logit_bias
        self.visual = nn.Module()
        self.visual.trunk = timm.models.vision_transformer.VisionTransformer(
            img_size=24, patch_size=8, embed_dim=16, depth=1, num_heads=2, mlp_ratio=2.5,
            class_token=False, global_pool="map", num_classes=0, act_layer="gelu_tanh")

    def encode_image(self, images):
        return self.visual.trunk(images)

    def encode_text(self, tokens):
        return self.text(tokens)


def siglip_to_hf(state):
    out = {}
    for key, value in state.items():
        if key.startswith("visual.trunk.blocks.") or key.startswith("text.transformer.resblocks."):
            vision = key.startswith("visual.")
            index, part = key.split(".", 4)[3:] if vision else key.split(".", 4)[3:]
            base = f"{'vision' if vision else 'text'}_model.encoder.layers.{index}."
            part = part.replace("qkv.", "in_proj_")
            if part.startswith("attn.in_proj_"):
                for letter, third in zip("qkv", value.chunk(3)):
                    out[f"{base}self_attn.{letter}_proj.{part[13:]}"] = third
                continue
            for a, b in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("norm1", "layer_norm1"),
                         ("norm2", "layer_norm2"), ("attn.out_proj", "self_attn.out_proj"),
                         ("attn.proj", "self_attn.out_proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
                if part.startswith(a):
                    part = part.replace(a, b)
                    break
            out[base + part] = value
            continue
        for a, b in (
            ("visual.trunk.patch_embed.proj", "vision_model.embeddings.patch_embedding"),
            ("visual.trunk.pos_embed", "vision_model.embeddings.position_embedding.weight"),
            ("visual.trunk.norm", "vision_model.post_layernorm"),
            ("visual.trunk.attn_pool.latent", "vision_model.head.probe"),
            ("visual.trunk.attn_pool.proj", "vision_model.head.attention.out_proj"),
            ("visual.trunk.attn_pool.norm", "vision_model.head.layernorm"),
            ("visual.trunk.attn_pool.mlp", "vision_model.head.mlp"),
            ("text.token_embedding", "text_model.embeddings.token_embedding"),
            ("text.positional_embedding", "text_model.embeddings.position_embedding.weight"),
            ("text.ln_final", "text_model.final_layer_norm"),
            ("text.text_projection", "text_model.head"),
        ):
            key = key.replace(a, b)
        if key.startswith("visual.trunk.attn_pool."):
            continue
        out[key] = value.squeeze(0) if "position_embedding" in key and value.dim() == 3 else value
    for kind in ("weight", "bias"):
        pool = "visual.trunk.attn_pool."
        packed = torch.cat([state[f"{pool}q.{kind}"], state[f"{pool}kv.{kind}"]])
        out[f"vision_model.head.attention.in_proj_{kind}"] = packed
    for key in ("logit_scale", "logit_bias"):
        out[key] = state[key].reshape(1)
    return out


@torch.no_grad()
def siglip(out):
    text = TEXT | {"no_causal_mask": True, "proj_bias": True, "pool_type": "last", "mlp_ratio": 2.5,
                   "norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"}}
    vision = {"image_size": 24, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8, "mlp_ratio": 2.5,
              "pool_type": "map", "norm_kwargs": {"eps": 1e-6}, "act_kwargs": {"approximate": "tanh"}}
    config = {"embed_dim": 16, "init_logit_bias": -10.0, "custom_text": True, "vision_cfg": vision,
              "text_cfg": text | {"hf_tokenizer_name": "tokenizer.json", "tokenizer_kwargs": {"clean": "canonicalize"}}}
    model = randomise(Siglip(text), 70)
    images, tokens = inputs(config, 170)
    folder = out / "siglip"
    result = open_clip_golden(model, images, tokens)
    write(folder, config, golden=result, open_clip=model.state_dict())
    sizes = {"hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 1, "num_attention_heads": 2}
    hf = transformers.SiglipConfig(
        vision_config=sizes | {"image_size": 24, "patch_size": 8},
        text_config=sizes | {"vocab_size": VOCAB, "max_position_embeddings": 8, "projection_size": 16})
    hf_model = transformers.SiglipModel(hf).eval()
    missing = hf_model.load_state_dict(siglip_to_hf(model.state_dict()), strict=False)
    assert not missing.unexpected_keys and all("position_ids" in k for k in missing.missing_keys), missing
    double = copy.deepcopy(hf_model).double()
    features = double.get_image_features(pixel_values=images.double())
    features = getattr(features, "pooler_output", features)
    error = (F.normalize(features) - result["image_features_norm"]).abs().max()
    assert error < 1e-6, error
    hf_model.save_pretrained(folder / "hf")


@torch.no_grad()
def resized(out):
    """The model of `vit` at other image sizes and contexts, resized by open_clip."""
    config = json.loads((out / "vit/config.json").read_text())
    state = safetensors.torch.load_file(out / "vit/open_clip.safetensors")
    for size, context in ((40, 11), (16, 5)):
        other = copy.deepcopy(config)
        other["vision_cfg"]["image_size"], other["text_cfg"]["context_length"] = size, context
        model = CLIP(**copy.deepcopy(other)).eval()
        moved = dict(state)
        resize_pos_embed(moved, model)
        resize_text_pos_embed(moved, model)
        model.load_state_dict(moved)
        images, tokens = inputs(other, 190 + size)
        write(out / f"resized-{size}", other, golden=open_clip_golden(model, images, tokens))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "goldens")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.backends.mha.set_fastpath_enabled(False)
    for folder in ("options", "formats"):
        shutil.rmtree(out / folder, ignore_errors=True)
    options(out / "options")
    formats = out / "formats"
    openai(formats, "openai-vit", False)
    openai(formats, "openai-resnet", True)
    vit_formats(formats)
    siglip(formats)
    resized(formats)
    versions = {name: module.__version__ for name, module in
                dict(torch=torch, open_clip=open_clip, transformers=transformers, timm=timm, numpy=np).items()}
    versions["openai-clip"] = "1.0.1"
    (formats / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
