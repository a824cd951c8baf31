"""Write the class names and prompt templates of clip-eval's registry that packages hold; and, beside
them, those of ImageNet in other languages (`languages.json`).

    pip install --no-deps clip-benchmark tensorflow-datasets mmpretrain gluoncv
    python make_registry.py [--out crates/clip-eval/registry/packages.json]

The packages need not be importable: their files are read. What none of them holds is written by hand
in `completed.json` beside it.
"""

import argparse
import ast
import importlib.metadata
import json
import pathlib
import re

PACKAGES = ["clip-benchmark", "tensorflow-datasets", "mmpretrain", "gluoncv"]

# Lists of clip-benchmark that are in the registry, by their name there.
FROM_CLIP_BENCHMARK = {
    "caltech101": "caltech101",
    "clevr_closest_object_distance": "clevr_distance",
    "clevr_count_all": "clevr_counts",
    "country211": "country211",
    "diabetic_retinopathy": "diabetic_retinopathy",
    "dmlab": "dmlab",
    "eurosat": "eurosat",
    "flowers": "flowers102",
    "gtsrb": "gtsrb",
    "imagenet1k": "imagenet",
    "kitti_closest_vehicle_distance": "kitti_distance",
    "mnist": "mnist",
    "pcam": "pcam",
    "pets": "pets",
    "svhn": "svhn",
}

# Languages of clip-benchmark's names and templates for ImageNet, by its own codes.
LANGUAGES = ["ar", "cn", "it", "jp"]

TEMPLATES = {
    **FROM_CLIP_BENCHMARK,
    "cars": "cars",
    "cifar10": "cifar",
    "dsprites_label_orientation": "dsprites_orientation",
    "dsprites_label_x_position": "dsprites_x_position",
    "dtd": "dtd",
    "fer2013": "fer2013",
    "fgvc_aircraft": "aircraft",
    "food101": "food101",
    "renderedsst2": "sst2",
    "resisc45": "resisc45",
    "smallnorb_label_azimuth": "smallnorb",
    "stl10": "stl10",
    "sun397": "sun397",
    "voc2007": "voc2007",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = pathlib.Path(__file__).parents[2] / "crates/clip-eval/registry/packages.json"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    out = parser.parse_args().out
    names = {**clip_benchmark("en_classnames.json", FROM_CLIP_BENCHMARK), **mmpretrain()}
    names.update(of_parts(names["imagenet"]))
    names["kinetics700"] = kinetics()
    names["ucf101"] = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) for name in ucf()]
    names["resisc45"] = resisc()
    templates = clip_benchmark("en_zeroshot_classification_templates.json", TEMPLATES)
    registry = {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "names": dict(sorted(names.items())),
        "templates": {
            name: [template.replace("{c}", "{}") for template in templates]
            for name, templates in sorted(templates.items())
        },
        "parts": imagenet_parts(),
    }
    write(out, registry)
    write(out.with_name("languages.json"), {language: in_language(language) for language in LANGUAGES})


def write(path, lists):
    path.write_text(json.dumps(lists, indent=1, ensure_ascii=False) + "\n")


def in_language(language):
    imagenet = {"imagenet1k": "imagenet"}
    names = clip_benchmark(f"{language}_classnames.json", imagenet)
    templates = clip_benchmark(f"{language}_zeroshot_classification_templates.json", imagenet)
    return {
        "names": {**names, **of_parts(names["imagenet"])},
        "templates": [template.replace("{c}", "{}") for template in templates["imagenet"]],
    }


def file(package, path):
    return pathlib.Path(importlib.metadata.distribution(package).locate_file(path))


def clip_benchmark(path, wanted):
    lists = json.loads(file("clip-benchmark", f"clip_benchmark/datasets/{path}").read_text())
    return {ours: lists[theirs] for theirs, ours in wanted.items()}


def mmpretrain():
    """Labels as the data sets have them, in words."""
    tree = ast.parse(file("mmpretrain", "mmpretrain/datasets/categories.py").read_text())
    lists = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    wanted = {
        "aircraft": "FGVCAIRCRAFT",
        "cars": "STANFORDCARS",
        "cifar10": "CIFAR10",
        "cifar100": "CIFAR100",
        "dtd": "DTD",
        "food101": "FOOD101",
        "sun397": "SUN397",
    }
    words = lambda name: name.replace("_", " ")
    found = {ours: ast.literal_eval(lists[f"{theirs}_CATEGORIES"]) for ours, theirs in wanted.items()}
    return {ours: [words(name) for name in found] for ours, found in found.items()}


def imagenet_parts():
    """The labels in ImageNet of the classes of ImageNet-A, -R and -O, by WordNet id in clip-benchmark."""
    source = file("clip-benchmark", "clip_benchmark/datasets/builder.py").read_text()
    def ids(variable):
        literal = re.search(rf"\b{variable} = ([\[{{][^\]}}]*[\]}}])", source).group(1)
        return ast.literal_eval(literal)
    every = ids("all_imagenet_wordnet_ids")
    parts = {}
    for part in "aro":
        wanted = set(ids(f"imagenet_{part}_wnids"))
        parts[f"imagenet_{part}"] = [label for label, id in enumerate(every) if id in wanted]
    return parts


def of_parts(names):
    return {part: [names[label] for label in labels] for part, labels in imagenet_parts().items()}


def kinetics():
    path = file("gluoncv", "gluoncv/data/kinetics700/classification.py")
    source = path.read_text()
    start = source.index("self.classes = [") + len("self.classes = ")
    labels = ast.literal_eval(source[start : source.index("]", start) + 1])
    words = lambda label: re.sub(r"-([^-]+)-", r"(\1)", label.replace("_", " ")).replace("-s ", "'s ")
    return [words(label) for label in labels]


def ucf():
    labels = file("tensorflow-datasets", "tensorflow_datasets/video/ucf101_labels.txt")
    return labels.read_text().split()


def resisc():
    folder = file("tensorflow-datasets", "tensorflow_datasets/datasets/resisc45")
    source = next(folder.glob("*builder.py")).read_text()
    literal = re.search(r"^_?LABELS = (\[.*?\])", source, re.M | re.S).group(1)
    return [label.replace("_", " ") for label in ast.literal_eval(literal)]


if __name__ == "__main__":
    main()
