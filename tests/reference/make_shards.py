"""Write shards of odd names and types, and read them with Python's webdataset. Run by
`cargo xtask parity --only webdataset`.

    python make_shards.py write FOLDER [--samples N] [--seed N]
    python make_shards.py read FOLDER OUT
    python make_shards.py golden SHARD OUT
    python make_shards.py versions

`read` writes one line of JSON a sample: shard, key, and name and SHA-256 of each field, sorted by
name. Samples are grouped as open_clip groups them, which begins a new sample where webdataset itself
gives up at a second file of the same name. Names that aren't UTF-8 have U+FFFD in place of what isn't.

`golden` writes a small shard, gzipped, and its lines, which the tests of clip-data read.

Left out, for they are a reader's own names to webdataset and just extensions here: files with the
extension `__key__`, `__url__`, `__bad__` or `__local_path__`.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

EXTENSIONS = ["jpg", "JPG", "png", "PNG", "jpeg", "webp", "txt", "TXT", "json", "Json", "cls", "seg.png", "SEG.PNG",
              "0.jpg", "1.jpg", "2.jpg", "a.b.c", "tar.gz", "ÄÖ", "İ", "ΣΑΣ", "ß", "", " ", "jpg ", "x\ny", "npy.", "..",
              "__x__", "__key", "k__", "mp4", "日本", "p n g"]
STEMS = ["{n}", "{n:09}", "img_{n}", "sample {n}", "名前{n}", "é{n}", "e\u0301{n}", "\U0001f600{n}", "-{n}", "{n}\\x", "{n}*?[",
         "line\nfeed{n}", "tab\t{n}", "\r{n}", "__key__{n}", "__key__", "__{n}", "{n}__", "%41{n}", "~{n}", "{n}\u2028", "'{n}\""]
FOLDERS = ["", "", "", "./", "a/", "a/b/c/", "d.x/", "v1.0/", "../", "../../etc/", "/abs/", "//", ".hidden/", "…/", "sp ace/",
           "new\nline/", "a/./b/", "a//b/", "__x/", "x__/", "a/__meta__/"]
NOT_UTF8 = [b"\xff", b"caf\xe9", b"\xe9", b"\xe8", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"a\xc3(", b"\x80\x80"]
# Passed over: without a dot, nothing before it, or metadata.
PASSED_OVER = ["README", ".hidden", "a.b/file", "a.b/.c", "__index__", "__meta.json__", "__dir__/a.png", "__dir__/b.c/d.txt",
               "____", "__a.b__\n", "dir/", ".", "..", "x/.y", "__x__/__y__"]
BLOCK = 512


def text(name):
    return name.decode("utf-8", "surrogateescape")


class Names:
    """Names of samples and of their files, as bytes."""

    def __init__(self, rng, longest):
        self.rng, self.longest, self.number = rng, longest, 0

    def key(self):
        rng = self.rng
        self.number += 1
        folder, stem = rng.choice(FOLDERS), rng.choice(STEMS).format(n=self.number)
        name = (folder + stem).encode()
        if rng.random() < 0.08:
            name = folder.encode() + rng.choice(NOT_UTF8) + (b"%d" % self.number if rng.random() < 0.5 else b"")
        if rng.random() < 0.15:
            size = rng.choice([80, 98, 99, 100, 101, 150, 154, 155, 156, 240, 255, 256, 257, 300, 1000, 5000])
            filler = b"long/" if rng.random() < 0.7 else "lång".encode()
            name = (filler * (size // len(filler) + 1))[: min(size, self.longest) - len(name)] + name
        return name[-self.longest:]

    def files(self):
        """The files of one sample: name and bytes."""
        rng, key = self.rng, self.key()
        count = rng.choice([1, 2, 2, 2, 3, 3, 4, 7])
        extensions = [rng.choice(EXTENSIONS) for _ in range(count)]
        if rng.random() < 0.05:
            extensions.append(rng.choice(extensions))
        for extension in extensions:
            yield key + b"." + extension.encode(), self.content()

    def content(self):
        size = self.rng.choice([0, 0, 1, 3, 100, 511, 512, 513, 700, 1024, 1500])
        return (self.rng.randbytes(7) * (size // 7 + 1))[:size]


def with_tarfile(path, rng, samples, form):
    """As Python's own tarfile writes, with what else may be in a tar between the files."""
    names = Names(rng, 240 if form == tarfile.USTAR_FORMAT else 6000)
    headers = {"comment": "for all"} if form == tarfile.PAX_FORMAT else None
    with tarfile.open(path, "w", format=form, pax_headers=headers) as tar:
        for _ in range(samples):
            for name, content in names.files():
                if rng.random() < 0.05:
                    add_other(tar, rng, names)
                info = tarfile.TarInfo(text(name))
                info.size, info.mode = len(content), rng.choice([0, 0o644, 0o755, 0o4777])
                if form != tarfile.USTAR_FORMAT:
                    info.mtime = rng.choice([0, 1.5, 2**33, -1] if form == tarfile.PAX_FORMAT else [0, 2**40, -1])
                info.type = rng.choice([tarfile.REGTYPE] * 8 + [tarfile.CONTTYPE, tarfile.AREGTYPE])
                if form == tarfile.PAX_FORMAT and rng.random() < 0.1:
                    info.pax_headers = {"size": str(len(content)), "SCHILY.xattr.user.x": "a\nb=c", "comment": "ü\n9 x"}
                if info.type == tarfile.AREGTYPE and len(name) > 99:
                    # A name cut off at a slash would make tarfile take the file for a folder.
                    info.type = tarfile.REGTYPE
                try:
                    tar.addfile(info, io.BytesIO(content))
                except ValueError:  # a name that doesn't fit ustar's two fields
                    info.name = f"short{names.number}.txt"
                    tar.addfile(info, io.BytesIO(content))


def add_other(tar, rng, names):
    """What is no file of a sample."""
    kind = rng.choice(["passed over", "link", "hard link", "folder", "fifo", "device"])
    key = text(names.key())
    if kind == "passed over":
        info = tarfile.TarInfo(rng.choice(PASSED_OVER))
        info.size = 5
        tar.addfile(info, io.BytesIO(b"other"))
        return
    info = tarfile.TarInfo(f"{key[:60]}.jpg")
    info.type = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE, "fifo": tarfile.FIFOTYPE,
                 "device": tarfile.CHRTYPE}[kind]
    if "link" in kind:
        info.linkname = rng.choice(["target", "../../etc/passwd", "l" * 90] + ["l" * 300] * (tar.format != tarfile.USTAR_FORMAT))
    try:
        tar.addfile(info)
    except ValueError:
        pass


def header(name, size, kind=b"0", prefix=b"", magic=b"ustar\x0000", base256=False, signed=False, octal=b"%011o\0"):
    """A header, field by field."""
    number = b"\x80" + size.to_bytes(11, "big") if base256 else octal % size
    fields = [(name, 100), (b"0000644\0", 8), (b"0000000\0", 8), (b"0000000\0", 8), (number, 12), (b"%011o\0" % 0, 12),
              (b" " * 8, 8), (kind, 1), (b"", 100), (magic, 8), (b"user", 32), (b"group", 32), (b"", 8), (b"", 8), (prefix, 155)]
    block = b"".join(value.ljust(width, b"\0") for value, width in fields).ljust(BLOCK, b"\0")
    total = sum(byte - 256 * (signed and byte > 127) for byte in block)
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(content):
    return content + b"\0" * (-len(content) % BLOCK)


def records(pairs):
    """POSIX's records of an extended header."""
    out = b""
    for keyword, value in pairs:
        body = b" " + keyword + b"=" + value + b"\n"
        size = len(body) + 1
        while len(str(size)) + len(body) != size:
            size = len(str(size)) + len(body)
        out += str(size).encode() + body
    return out


def extended(kind, content):
    return header(b"././@Extended", len(content), kind) + padded(content)


def sparse(name, rng, version):
    """A sparse file of POSIX's formats 0.0, 0.1 and 1.0: a stretch, a hole, a stretch and a hole."""
    first, second = rng.randbytes(700), rng.randbytes(512)
    stretches, size = [(0, 700), (5000, 512)], 9000
    if version == "0.0":
        pairs = [(b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.numblocks", b"2")]
        pairs += [pair for offset, length in stretches
                  for pair in ((b"GNU.sparse.offset", b"%d" % offset), (b"GNU.sparse.numbytes", b"%d" % length))]
        pairs.append((b"path", name))
    elif version == "0.1":
        numbers = ",".join(f"{offset},{length}" for offset, length in stretches).encode()
        pairs = [(b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.name", name), (b"GNU.sparse.map", numbers)]
    else:
        pairs = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                 (b"GNU.sparse.realsize", b"%d" % size)]
    stored = first + second
    if version == "1.0":
        stored = padded(b"2\n" + b"".join(b"%d\n%d\n" % stretch for stretch in stretches)) + stored
    return extended(b"x", records(pairs)) + header(b"GNUSparseFile.0/x", len(stored)) + padded(stored)


def by_hand(path, rng, samples):
    """Headers as other and older programs write them."""
    names = Names(rng, 6000)
    out = []
    for _ in range(samples):
        for name, content in names.files():
            style = rng.choice(["plain", "v7", "prefix", "base 256", "spaces", "signed", "long", "posix", "size", "both",
                                "solaris", "sparse", "global", "binary", "cut"])
            short, size = name[-99:], len(content)
            if style == "prefix" and 0 < name[:100].rfind(b"/"):
                slash = name[:100].rfind(b"/")
                out.append(header(name[slash + 1:][:100], size, prefix=name[:slash]) + padded(content))
            elif style == "v7":
                kind = b"\0" if not short.endswith(b"/") else b"0"
                out.append(header(short, size, kind=kind, magic=b"") + padded(content))
            elif style == "base 256":
                out.append(header(short, size, magic=b"ustar  \0", base256=True) + padded(content))
            elif style == "spaces":
                out.append(header(short, size, octal=b"%10o \0") + padded(content))
            elif style == "signed":
                out.append(header(short, size, signed=True) + padded(content))
            elif style == "long":
                out.append(extended(b"L", name + b"\0") + header(short, size) + padded(content))
            elif style in ("posix", "solaris"):
                kind = b"x" if style == "posix" else b"X"
                out.append(extended(kind, records([(b"path", name)])) + header(b"short", size) + padded(content))
            elif style == "size":
                pairs = [(b"size", b"%d" % size), (b"path", name + b"/")]
                out.append(extended(b"x", records(pairs)) + header(b"short", 0) + padded(content))
            elif style == "both":
                parts = [extended(b"L", name + b"\0"), extended(b"x", records([(b"path", b"other.txt")])), extended(b"K", b"link\0")]
                if rng.random() < 0.5:
                    parts = [extended(b"x", records([(b"path", name)])), extended(b"L", b"other.txt\0")]
                out.append(b"".join(parts) + header(short, size) + padded(content))
            elif style == "sparse":
                out.append(sparse(name, rng, rng.choice(["0.0", "0.1", "1.0"])))
            elif style == "global":
                out.append(extended(b"g", records([(b"comment", b"x" * rng.choice([3, 600])), (b"mtime", b"7")])))
                out.append(header(short, size) + padded(content))
            elif style == "binary":
                pairs = [(b"hdrcharset", b"BINARY"), (b"path", name)]
                out.append(extended(b"x", records(pairs)) + header(b"short", size) + padded(content))
            elif style == "cut":
                out.append(header(name[:100], size) + padded(content))
            else:
                out.append(header(short, size) + padded(content))
        if rng.random() < 0.1:
            # Links and folders that state a size have no bytes; unknown types have.
            kind = rng.choice([b"1", b"2", b"3", b"5", b"6", b"Z", b"M"])
            out.append(header(b"other.jpg", 700, kind) + (padded(b"o" * 700) if kind in b"ZM" else b""))
    path.write_bytes(b"".join(out) + b"\0" * 2 * BLOCK)


def with_tar(path, rng, samples, form):
    """As GNU tar writes files of a disk."""
    names = Names(rng, 200 if form in ("v7", "ustar") else 250)
    with tempfile.TemporaryDirectory() as folder:
        order = []
        for number in range(samples):
            for name, content in names.files():
                # No name reaches above the folder, and no part of one is longer than a disk allows.
                parts = [part[:120] for part in name.split(b"/") if part not in (b"", b".", b"..")] or [b"x.y"]
                if form == "v7":
                    parts = [b"/".join(parts)[-90:].replace(b"/", b"_")]
                target = os.path.join(os.fsencode(folder), *parts)
                try:
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "xb") as file:
                        file.write(content)
                        if rng.random() < 0.1:
                            file.seek(rng.choice([100_000, 300_001]))
                            file.write(content)
                except OSError:  # a file where a folder should be, or there already
                    continue
                order.append(b"/".join(parts))
            if order and rng.random() < 0.1:
                link = f"link{number}.jpg".encode()
                if rng.random() < 0.5:
                    os.symlink(order[-1], os.path.join(os.fsencode(folder), link))
                else:
                    os.link(os.path.join(os.fsencode(folder), order[-1]), os.path.join(os.fsencode(folder), link))
                order.append(link)
        listing = b"\0".join(b"./" * (rng.random() < 0.2) + name for name in order)
        command = ["tar", "--create", f"--file={path}", f"--format={form}", f"--directory={folder}", "--no-recursion",
                   "--null", "--verbatim-files-from", "--files-from=-"]
        command += ["--sparse"] if form in ("gnu", "posix", "oldgnu") else []
        done = subprocess.run(command, input=listing, stderr=subprocess.PIPE)
        # A name that doesn't fit the old formats is left out.
        if done.returncode and not (done.returncode == 2 and form in ("v7", "ustar")):
            raise SystemExit(done.stderr.decode(errors="replace"))


WRITERS = {
    "python-ustar": lambda *to: with_tarfile(*to, tarfile.USTAR_FORMAT),
    "python-gnu": lambda *to: with_tarfile(*to, tarfile.GNU_FORMAT),
    "python-pax": lambda *to: with_tarfile(*to, tarfile.PAX_FORMAT),
    "by-hand": by_hand,
    "tar-v7": lambda *to: with_tar(*to, "v7"),
    "tar-ustar": lambda *to: with_tar(*to, "ustar"),
    "tar-gnu": lambda *to: with_tar(*to, "gnu"),
    "tar-oldgnu": lambda *to: with_tar(*to, "oldgnu"),
    "tar-posix": lambda *to: with_tar(*to, "posix"),
}


def write(folder, samples, seed):
    """Shards of every writer; some of them once more, compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for name, writer in WRITERS.items():
        path = folder / f"{name}.tar"
        writer(path, rng, -(-samples // len(WRITERS)))
        with path.open("rb") as file:
            # tarfile ends at a header that it can't read, as if the tar did.
            file.seek(end_of(path))
            assert file.read(BLOCK) == b"\0" * BLOCK, f"tarfile can't read all of {name}"
    for name in ["python-pax", "by-hand"]:
        path = folder / f"{name}.tar"
        (folder / f"{name}-gzip.tar.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-q", "-f", path, "-o", folder / f"{name}-zstd.tar.zst"], check=True)


def end_of(path):
    """Bytes that tarfile reads of a tar."""
    with tarfile.open(path, "r:") as tar:
        tar.getmembers()
        return tar.offset


def lines(path):
    """What webdataset finds in a shard, as open_clip calls it."""
    # open_clip's training code needs it for csv files alone.
    sys.modules.setdefault("pandas", module_from_spec(ModuleSpec("pandas", None)))
    from open_clip_train.data import group_by_keys_nothrow
    from webdataset.tariterators import tar_file_expander, url_opener

    # Python before 3.14 knows no zstd.
    url = f"pipe:zstd -dcq '{path}'" if path.suffix == ".zst" else str(path)
    files = tar_file_expander(url_opener([{"url": url}]), eof_value=None)
    for sample in group_by_keys_nothrow(files):
        fields = [[readable(name), hashlib.sha256(value).hexdigest()]
                  for name, value in sample.items() if isinstance(value, bytes)]
        yield {"shard": path.name, "key": readable(sample["__key__"]), "fields": sorted(fields)}


def readable(name):
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def versions():
    import webdataset
    import open_clip

    return {"webdataset": webdataset.__version__, "open_clip": open_clip.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("write")
    command.add_argument("folder", type=pathlib.Path)
    command.add_argument("--samples", type=int, default=24_000)
    command.add_argument("--seed", type=int, default=1)
    command = commands.add_parser("read")
    command.add_argument("folder", type=pathlib.Path)
    command.add_argument("out", type=pathlib.Path)
    command = commands.add_parser("golden")
    command.add_argument("shard", type=pathlib.Path)
    command.add_argument("out", type=pathlib.Path)
    commands.add_parser("versions")
    options = parser.parse_args()
    if options.command == "write":
        write(options.folder, options.samples, options.seed)
    elif options.command == "read":
        with options.out.open("w") as out:
            for path in sorted(options.folder.glob("*.tar*")):
                out.writelines(json.dumps(line) + "\n" for line in lines(path))
    elif options.command == "golden":
        golden(options.shard, options.out)
    else:
        print(json.dumps(versions()))


def golden(shard, out):
    """Shards of the writers that need no disk, one after the other in one tar."""
    with tempfile.TemporaryDirectory() as folder:
        rng, whole = random.Random(2), b""
        for name in ["python-ustar", "python-gnu", "python-pax", "by-hand"]:
            path = pathlib.Path(folder) / f"{name}.tar"
            WRITERS[name](path, rng, 60)
            # Without the zeros at the end, tars can be joined.
            whole += path.read_bytes()[: end_of(path)]
        path = pathlib.Path(folder) / "odd.tar"
        path.write_bytes(whole + b"\0" * 2 * BLOCK)
        found = [json.dumps(versions())] + [json.dumps(line) for line in lines(path)]
        shard.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        out.write_bytes(gzip.compress("\n".join(found).encode() + b"\n", mtime=0))


if __name__ == "__main__":
    main()
