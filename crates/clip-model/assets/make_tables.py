"""Writes html5_entities.txt and unicode_ranges.txt, the tables of the text cleaning.

    python crates/clip-model/assets/make_tables.py

Needs Python 3.11 (Unicode 14: what its `str` methods and `unicodedata` know) and `regex`
(Unicode 17: what `\\p{L}` and `\\p{N}` know), the versions of the reference. Both files are text:

html5_entities.txt   a line per name: the name, `*` if it also counts without a semicolon, and its
                     one or two characters in hexadecimal
unicode_ranges.txt   a line per table: its name, then ranges `first-last` or `only` in hexadecimal,
                     each as the distance from the end of the one before
"""

import html.entities
import pathlib
import sys
import unicodedata

import regex

HERE = pathlib.Path(__file__).parent
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def entities():
    names = html.entities.html5
    for name in sorted(names):
        if not name.endswith(";"):
            assert names[name + ";"] == names[name]
            continue
        bare = "*" if name[:-1] in names else ""
        codes = " ".join(f"{ord(character):x}" for character in names[name])
        yield f"{name[:-1]}{bare} {codes}"


def ranges(codes):
    first = last = None
    for code in sorted(codes):
        if last is not None and code == last + 1:
            last = code
            continue
        if last is not None:
            yield first, last
        first = last = code
    yield first, last


def line(name, codes):
    previous, parts = 0, []
    for first, last in ranges(codes):
        parts.append(f"{first - previous:x}" + (f"-{last - first:x}" if last > first else ""))
        previous = last
    return " ".join([name, *parts])


def matching(pattern):
    pattern = regex.compile(pattern)
    return {ord(character) for character in CHARACTERS if pattern.fullmatch(character)}


def tables():
    yield line("letters", matching(r"\p{L}"))
    yield line("numbers", matching(r"\p{N}"))
    yield line("digits", {ord(c) for c in CHARACTERS if c.isdecimal()})
    unknown = {ord(c) for c in CHARACTERS if unicodedata.category(c) == "Cn"}
    yield line("newer", unknown - matching(r"\p{Cn}"))


def main():
    assert unicodedata.unidata_version == "14.0.0", sys.version
    for name, lines in {"html5_entities": entities(), "unicode_ranges": tables()}.items():
        (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
