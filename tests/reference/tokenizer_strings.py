"""Writes strings with the ids that OpenAI's tokenizer gives them, to compare other tokenizers with.

    python tests/reference/tokenizer_strings.py --out FILE.jsonl.gz [--count N] [--seed S]
                                                [--balanced] [--longest N] [--exhaustive]

Needs openai-clip (`clip`), ftfy, regex, open_clip and clip_benchmark; downloads nothing. The same
versions, count and seed give the same strings. `--balanced` leaves out the corpus of class names
and templates, `--longest` strings of more characters (both for samples that must be small).
`--exhaustive` writes something else: every code point between letters, every pair of the characters
that occur in misread text, and every HTML reference in several spellings (1.4 million strings).

The file is gzip of JSON lines in UTF-8:

* first line: {"versions": {...}, "count": N, "seed": S, "context": 77}
* then a line per string: {"kind": "...", "text": "...", "ids": [...]}

`kind` names how the string was made. `ids` is `SimpleTokenizer().encode(text)`: all ids, without
start and end. What `clip.tokenize(text, truncate=True)` gives is 49406, the first 75 of them, 49407
and zeros up to 77 ids; this is checked while the file is written.

Strings cover every script, emoji, HTML references, misread UTF-8 (once, twice and damaged),
control characters and terminal escapes, typographic variants, combining marks, special tokens
spelled out, long words and texts, random code points, and the class names and templates of
open_clip and clip_benchmark in all their languages; a share of each kind is mutated further.
"""

import argparse
import gzip
import html.entities
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import platform
import random
import sys
import unicodedata

CONTEXT = 77
START, END = 49406, 49407
ENCODINGS = (
    "latin-1 cp1252 cp1251 cp1250 cp1253 cp1254 cp1257 iso-8859-2 macroman cp437 "
    "sloppy-windows-1252 sloppy-windows-1251 sloppy-windows-1250 sloppy-windows-1253 "
    "sloppy-windows-1254 sloppy-windows-1257 iso-8859-15 cp850 koi8-r shift-jis gbk cp1255 cp1256"
).split()
SPACES = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
EMOJI = "😀😍🤷👩👨👧🧑🚀❤️🏳🌈🇩🇪🇯🇵☃✔⭐🖖👍🏽🏿\u200d\ufe0f\u20e3#*1\U000e0067\U000e007f"
QUOTES = "\u02bc\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f'\"`´«»‹›\u2032\u2033"
LIGATURES = "ĲĳŉǱǲǳǄǅǆǇǈǉǊǋǌﬀﬁﬂﬃﬄﬅﬆﬓﬔæœŒÆﷺ"
SPECIALS = ["<|startoftext|>", "<|endoftext|>", "<start_of_text>", "<end_of_text>", "<|im_start|>", "</w>"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'ſ", "’s", "&#39;s", "'"]
ESCAPES = ["\x1b[0m", "\x1b[36;44m", "\x1b[", "\x1b[1;31", "\x1b[٣m", "\x1b[２K", "\x1b]0;t\x07", "\x1b[;;H", "\x1b［0m"]


def assigned():
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


class Strings:
    """Makes strings. Every choice comes from one seeded generator."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = sorted(html.entities.html5)
        self.all = assigned()
        self.letters = [c for c in self.all if c.isalpha()]
        self.marks = [c for c in self.all if unicodedata.combining(c)]
        self.cased = [c for c in self.all if c.lower() != c or c.upper() != c]
        self.decomposable = [c for c in self.all if unicodedata.decomposition(c)]
        self.english, self.texts, self.templates = corpus()
        self.suspects = suspects()
        self.kinds = [
            self.name, self.prompt, self.script, self.emoji, self.reference, self.nested,
            self.misread, self.misread_twice, self.misread_part, self.lossy, self.byte_soup,
            self.suspect, self.suspect, self.control, self.escape, self.width, self.special,
            self.contraction, self.long_word, self.long_text, self.uniform, self.basic_plane,
            self.combining, self.sigma, self.lines, self.newer,
        ]

    # Pieces.

    def pick(self, choices):
        return choices[self.random.randrange(len(choices))]

    def some(self, choices, low, high):
        return "".join(self.pick(choices) for _ in range(self.random.randint(low, high)))

    def text(self):
        return self.pick(self.texts)

    def chance(self, share):
        return self.random.random() < share

    # Kinds.

    def name(self):
        return self.text()

    def prompt(self):
        return self.pick(self.templates).replace("{c}", self.text()).replace("{}", self.text())

    def script(self):
        at = self.random.randrange(len(self.letters))
        near = self.letters[at : at + self.pick([5, 30, 100])]
        words = [self.some(near, 1, 9) for _ in range(self.random.randint(1, 8))]
        return self.pick([" ", ", ", "-", "\u3000", ". ", "\u200c"]).join(words)

    def emoji(self):
        return self.text() + self.some(EMOJI, 1, 9) + self.some("a 1", 0, 3) + self.some(EMOJI, 0, 3)

    def one_reference(self):
        name = self.pick(self.names)
        changed = self.pick([name, name, name.upper(), name.lower(), name.rstrip(";"), name[:-2] + ";", name.title()])
        code = self.pick([self.random.randrange(0x300), self.random.randrange(0x120000), self.random.randrange(0x80, 0xA0), 0, 38, 59, 60, 128, 0xD800, 10**12])
        number = self.pick([f"#{code};", f"#{code}", f"#x{code:x};", f"#X{code:X}", f"#{code:030d};", f"#{code}a;", f"#x{code:x}g;"])
        odd = self.pick(["", "#", "#x", "#x;", "#;", ";", "&", "lt", "gt;", "amp", "amp;", "AMP;", "notit;", "quot;quot;", " amp;", "a" * 40 + ";", "LTX;", "é;"])
        return "&" + self.pick([changed, changed, number, odd])

    def reference(self):
        parts = [self.pick([self.one_reference(), self.one_reference(), self.text(), self.some("ab 1;&#<", 0, 4)]) for _ in range(self.random.randint(1, 7))]
        return "".join(parts)

    def nested(self):
        core = self.pick([self.one_reference()[1:], "lt;", "#39;", "eacute;", "#233;", "Atilde;&copy;"])
        whole = "&" + self.pick(["amp;", "AMP;", "#38;", "#x26;"]) * self.random.randint(1, 5) + core
        return self.pick(["", "<b>", "x "]) + whole + self.pick(["", " é", "s", ";", "\n&amp;amp;", "Ã©"])

    def misread_once(self, text, errors=None):
        errors = errors or self.pick(["strict", "replace", "ignore"])
        try:
            return text.encode("utf-8", "surrogatepass").decode(self.pick(ENCODINGS), errors)
        except UnicodeError:
            return text

    def typographic(self):
        text = self.text()
        return self.pick([text, text, f"“{text}”", f"{text} – it’s…", f"à {text}", f"{text} €5 ½ ™", self.script(), text + self.some(EMOJI, 1, 3), text.upper()])

    def misread(self):
        return self.misread_once(self.typographic())

    def misread_twice(self):
        text = self.typographic()[:60]
        for _ in range(self.random.randint(2, 4)):
            text = self.misread_once(text)
        return text

    def misread_part(self):
        parts = [self.pick([self.typographic(), self.misread(), self.misread_twice()])[:60] for _ in range(self.random.randint(2, 4))]
        return self.pick([" ", "", "\n", " à "]).join(parts)

    def lossy(self):
        text = self.pick([self.misread(), self.misread_twice()])[:80]
        swaps = [("\xa0", " "), ("\xad", ""), ("\x9d", "\ufffd"), ("\x81", "\ufffd"), ("€", "?"), ("\x80", "?"), ("\ufffd", "?"), ("\ufffd", "\x1a"), ("™", ""), ("â", "\ufffd")]
        for old, new in self.random.sample(swaps, 4):
            text = text.replace(old, new)
        return text

    def byte_soup(self):
        lead = [0xC0, 0xC2, 0xC3, 0xC5, 0xCE, 0xD0, 0xD9, 0xDF, 0xE0, 0xE2, 0xE3, 0xED, 0xEF, 0xF0, 0xF4]
        rest = [0x20, 0x80, 0x85, 0x98, 0x99, 0xA0, 0xA9, 0xAF, 0xB0, 0xBF, 0x1A, 0x3F]
        parts = []
        for _ in range(self.random.randint(1, 8)):
            pair = bytes([0xED, self.pick([0xA0, 0xA5, 0xAF]), self.pick(rest[1:]), 0xED, self.pick([0xB0, 0xB8, 0xBF]), self.pick(rest[1:] + [0x0A])])
            loose = bytes([self.pick(lead)] + [self.pick(rest) for _ in range(self.random.randint(0, 3))])
            parts.append(self.pick([pair, loose, loose, loose, b"\xc0\x80", b"\xc3 la", b"\xc3 s ", b"\xc3 quele", "é".encode(), "”".encode(), "한".encode(), b"a", b" ", b"\xc0\n"]))
        data = b"".join(parts)
        for encoding in self.random.sample(ENCODINGS[:16], 16):
            try:
                return data.decode(encoding)
            except UnicodeError:
                continue
        return data.decode("latin-1")

    def suspect(self):
        alphabet = self.pick([self.suspects, self.suspects, self.suspects + "aZé 1.,\n\x1f_", self.pick(self.suspects) + self.pick(self.suspects) + " a"])
        return self.some(alphabet, 1, self.pick([3, 6, 12, 40]))

    def control(self):
        odd = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA1), *range(0x200B, 0x2010), *range(0x2028, 0x2030), *range(0x2060, 0x2070), 0xFEFF, 0xFFFE, 0xFFFF, *range(0xFFF8, 0xFFFE), 0xAD, 0xE0001, 0xE0041]))
        return "".join(self.pick([self.some(odd, 1, 4), self.some(SPACES, 1, 3), self.text(), "'s", "1", "é"]) for _ in range(self.random.randint(1, 6)))

    def escape(self):
        return "".join(self.pick([self.pick(ESCAPES), self.text(), "\x1b", "[", "0m", "é"]) for _ in range(self.random.randint(1, 6)))

    def width(self):
        wide = [chr(self.random.randint(0xFF00, 0xFFFF)) for _ in range(self.random.randint(1, 8))]
        return self.text() + self.some(LIGATURES + QUOTES, 1, 5) + "".join(wide) + self.some(QUOTES + "\u3000 a", 0, 5)

    def special(self):
        def one():
            token = self.pick(SPECIALS)
            return self.pick([token, token, token, token.upper(), token.title(), token.replace("s", "ſ"), token[:-1], "!" + token, token.replace("<", "&lt;"), token.replace("|", "｜")])
        return "".join(self.pick([one(), one(), self.text(), " ", "!", "1"]) for _ in range(self.random.randint(1, 5)))

    def contraction(self):
        return "".join(self.pick([self.text(), self.pick(CONTRACTIONS), self.pick(CONTRACTIONS), self.some(QUOTES, 1, 2), self.some("0123456789²½Ⅷ٣", 1, 3), self.some("!?.,'-_\u0345", 1, 3), " "]) for _ in range(self.random.randint(1, 7)))

    def long_word(self):
        alphabet = self.pick(["a", "ab", "the", "abcdefghijklmnopqrstuvwxyz", "é", "ñandu", "!", "!?-", "汉字", "1", "aaaaaaab", self.script()])
        return self.some(alphabet, 60, self.pick([80, 200, 600, 2000]))

    def long_text(self):
        return " ".join(self.pick([self.text(), self.text(), self.one_reference(), self.typographic()]) for _ in range(self.random.randint(20, 80)))

    def uniform(self):
        return self.some(self.all, 1, 12)

    def basic_plane(self):
        top = self.pick([0x100, 0x250, 0x530, 0x2600, 0xD800])
        return self.some(self.all[:top], 1, 20)

    def combining(self):
        base = self.pick([self.letters, self.decomposable, self.marks, list(map(chr, range(0x1100, 0x1200))), list(map(chr, range(0xAC00, 0xD7A4)))])
        return "".join(self.pick(base) + self.some(self.marks, 0, 3) for _ in range(self.random.randint(1, 8)))

    def sigma(self):
        return "".join(self.pick(["Σ", "Σ", self.pick(self.cased), self.pick(self.marks), self.some("aA.:'- \u00ad\u0295\u02b0\u0345İſK", 1, 2)]) for _ in range(self.random.randint(1, 9)))

    def lines(self):
        return self.pick(["\n", "\r\n", "\r", "\u2028", "\x85", "\n\n"]).join(self.make(self.pick(self.kinds[:9]))[:80] for _ in range(self.random.randint(2, 4)))

    def newer(self):
        near = self.random.choice([0x870, 0x1C80, 0xA7C0, 0x10D40, 0x11380, 0x1171E, 0x16D40, 0x16EA0, 0x1C00, 0x1DF25, 0x1E030, 0x1E5D0, 0x31350, 0x323B0])
        return "".join(self.pick([chr(near + self.random.randrange(0x50)), self.pick(self.marks), "Σ", "A", self.pick(self.letters)]) for _ in range(self.random.randint(1, 8)))

    # All together.

    def mutate(self, text):
        characters = list(text)
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(characters) + 1)
            new = self.pick([self.pick(self.suspects), self.pick(self.all), "&", ";", " ", "\n", "<", "'", "Ã", "\x1b"])
            action = self.random.randrange(4)
            if action == 0:
                characters.insert(at, new)
            elif action == 1:
                characters[at : at + 1] = [new]
            elif action == 2:
                del characters[at : at + 2]
            else:
                characters[at:at] = characters[max(0, at - 4) : at]
        return "".join(characters)

    def make(self, kind):
        text = kind()
        return self.mutate(text) if self.chance(0.15) else text

    def stream(self, count, balanced, longest):
        # All English class names and all templates as they are, then the kinds in turn.
        plain = [] if balanced else [*self.english, *self.templates]
        for text in plain[:count]:
            yield "corpus", text
        for at in range(len(plain), count):
            kind = self.kinds[at % len(self.kinds)]
            text = self.make(kind)
            while longest and len(text) > longest:
                text = self.make(kind)[:longest]
            yield kind.__name__, text


def exhaustive():
    for character in assigned():
        yield "code_point", f"x{character}y"
    odd = suspects()
    for first in odd:
        for second in odd:
            yield "pair", f"a {first}{second}b"
    for name in html.entities.html5:
        bare = name.rstrip(";")
        for spelled in {name, bare, bare.upper(), bare.lower(), bare.title(), bare[:-1], bare + "x", "amp;" + bare}:
            yield "reference", f"a&{spelled};b &{spelled} <&{spelled};"
            yield "reference", f"a&{spelled}; &{spelled}1"


def suspects():
    from ftfy import badness, chardata

    lists = [*badness.MOJIBAKE_CATEGORIES.values(), *chardata.UTF8_CLUES.values(), "âàÃÂÎÐ√≈‚Ä×²³вЂГўВβ€ā"]
    joined = set("".join(lists))
    high = {c for e in chardata.CHARMAP_ENCODINGS for c in bytes(range(128, 256)).decode(e)}
    return "".join(sorted(joined | high))


def corpus():
    """English class names, names and captions in many languages, and templates."""
    import clip_benchmark.datasets as datasets
    from open_clip import zero_shot_metadata as metadata

    folder = pathlib.Path(datasets.__file__).parent
    english, others, templates = list(metadata.IMAGENET_CLASSNAMES), [], []
    for template in [*metadata.OPENAI_IMAGENET_TEMPLATES, *metadata.SIMPLE_IMAGENET_TEMPLATES]:
        templates.append(template("{c}"))

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from strings(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from strings(inner)

    for path in sorted(folder.glob("*.json")):
        found = list(strings(json.loads(path.read_text(encoding="utf-8"))))
        if "templates" in path.name or "prompts" in path.name:
            templates += found[:3000]
        elif path.name.startswith("en_"):
            english += found
        else:
            others += found[:: max(1, len(found) // 20000)]
    unique = lambda texts: list(dict.fromkeys(text for text in texts if text))
    return unique(english), unique(text[:120] for text in english + others), unique(templates)


def encode(item):
    import clip

    kind, text = item
    ids = TOKENIZER.encode(text)
    row = [START, *ids[: CONTEXT - 2], END]
    row += [0] * (CONTEXT - len(row))
    assert clip.tokenize(text, truncate=True)[0].tolist() == row, repr(text)
    return json.dumps({"kind": kind, "text": text, "ids": ids}, ensure_ascii=True, separators=(",", ":"))


def start_worker():
    global TOKENIZER
    import torch
    from clip.simple_tokenizer import SimpleTokenizer

    torch.set_num_threads(1)
    TOKENIZER = SimpleTokenizer()


def versions():
    names = ["openai-clip", "ftfy", "regex", "open_clip_torch", "clip-benchmark"]
    found = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), "unicode": unicodedata.unidata_version, **found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--balanced", action="store_true")
    parser.add_argument("--longest", type=int, default=0)
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.exhaustive:
        stream = exhaustive()
    else:
        stream = Strings(options.seed).stream(options.count, options.balanced, options.longest)
    header = {"versions": versions(), "count": options.count, "seed": options.seed, "context": CONTEXT}
    if options.exhaustive:
        header = {"versions": versions(), "exhaustive": True, "context": CONTEXT}
    with open(options.out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(json.dumps(header).encode() + b"\n")
        with multiprocessing.Pool(options.workers, start_worker) as pool:
            for done, line in enumerate(pool.imap(encode, stream, chunksize=64)):
                out.write(line.encode() + b"\n")
                if done % 20_000 == 0:
                    print(done, file=sys.stderr)


if __name__ == "__main__":
    main()
