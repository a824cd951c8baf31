"""Writes small tokenizer files of the kinds that SigLIP, SigLIP 2 and multilingual CLIPs use, and
what open_clip's `HFTokenizer` makes of some texts with them: a folder each, and `files.json`.

    python crates/clip-model/tests/tokenizer/make_files.py

Needs open_clip, transformers and tokenizers; downloads nothing. Training does not give the same
vocabulary each time, so all files change together.
"""

import json
import pathlib

import tokenizers
from open_clip.tokenizer import HFTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
TRAINING = [
    "a photo of a small dog", "a photo of the large cats", "an origami of a dog's house",
    "a bad photo of the thing in the water", "a drawing of 12 red apples and 3 pears",
    "the dog runs, the cat sleeps; both dream.", "eine Katze schläft im Haus", "un café à la mode",
] * 4
TEXTS = [
    "a photo of a dog", "A Photo of a CAT!", "", "   ", "a_dog's  (large) house", "caf&eacute; &amp;amp; bar",
    "unknown ☃ 漢字 letters", "schlÃ¤ft", "“quoted” ﬁne", "the dog runs the cat sleeps both dream of the thing in the water",
    "ΟΔΟΣ", "line\nbreak\tand tab", "🤷", "<pad> </s> [SEP] [CLS] <eos>", "x" * 40,
    "a photo of the large cats in the water and the dog",
]


def unigram():
    """As SigLIP's: a T5 vocabulary."""
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer, {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}


def byte_fallback():
    """As SigLIP 2's: Gemma's byte pairs over whole texts, with bytes for what is unknown. Padded on
    the left, as Gemma's are outside SigLIP."""
    tokenizer = tokenizers.Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    # Bytes are tokens of the vocabulary, not special.
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:4]
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(state))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer, {"pad_token": "<pad>", "eos_token": "<eos>", "padding_side": "left"}


def word_piece():
    """As multilingual BERTs'."""
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "sep_token": "[SEP]", "cls_token": "[CLS]", "unk_token": "[UNK]"}
    return tokenizer, names


def main():
    cases = []
    for make in [unigram, byte_fallback, word_piece]:
        tokenizer, names = make()
        folder = HERE / make.__name__
        folder.mkdir(exist_ok=True)
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **names}
        (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        for cleaning in ["whitespace", "lower", "canonicalize"]:
            for context in [8, 24]:
                strip = "sep_token" in names and context == 24
                reference = HFTokenizer(str(folder), context, cleaning, strip_sep_token=strip)
                case = {"folder": make.__name__, "cleaning": cleaning, "context": context}
                stripped = names["sep_token"] if strip else None
                cases.append({**case, "stripped": stripped, "ids": reference(TEXTS).tolist()})
    out = {"texts": TEXTS, "cases": cases}
    (HERE / "files.json").write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
