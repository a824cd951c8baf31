//! Each recipe is run for a few steps, on a shard of the sample.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::bench::{Bench, losses, png};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/recipes"))
}

/// What a test on two cores must change: no GPU, few pairs, and data that is there.
fn run(bench: &Bench, recipe: &str, more: &[&str]) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let sample = |name: &str| format!("{root}/assets/sample/{name}");
    let recipe_file = folder().join(format!("{recipe}.toml")).to_string_lossy().into_owned();
    let out = bench.path(recipe).to_string_lossy().into_owned();
    let (train, test) = (sample("train-000.tar.gz"), sample("test-000.tar.gz"));
    let mut arguments =
        vec!["--config", &recipe_file, "--out", &out, "--data", &train, "--device", "cpu"];
    arguments.extend(more);
    let few = few_images(bench);
    match recipe {
        "figure2-caption" => arguments.extend(["--eval-data", &few]),
        _ if recipe.starts_with("paper") => {}
        _ => arguments.extend(["--eval-data", &test]),
    }
    let output = bench.command(&arguments).current_dir(root).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{recipe}: {error}");
    let losses = losses(&bench.path(recipe));
    let finite = losses.iter().all(|(_, loss)| loss != "null");
    assert!(finite && losses.len() >= 2, "{recipe}: {losses:?}");
    let export = bench.path(recipe).join("export/open_clip_model.safetensors");
    assert!(export.is_file(), "{recipe}");
    fs::remove_dir_all(bench.path(recipe).join("checkpoints")).unwrap();
}

const SMALL: [&str; 11] = [
    "sample",
    "vit",
    "resnet",
    "siglip",
    "icon-pairs-s",
    "icon-pairs-m",
    "lit",
    "lora",
    "figure2-contrastive",
    "figure2-bag-of-words",
    "figure2-caption",
];

/// Those of full-size models, which a test replaces by small ones of their kind.
const LARGE: [(&str, &str); 3] =
    [("icon-pairs-l", "ViT-nano"), ("paper-vit-b-32", "ViT-nano"), ("paper-rn50", "RN-nano")];

/// A set for a model that tries each image with each name.
fn few_images(bench: &Bench) -> String {
    for name in ["cat", "dog"] {
        let class = bench.path("few").join(name);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("0.png"), png(32)).unwrap();
    }
    bench.path("few").to_string_lossy().into_owned()
}

#[test]
fn every_recipe_is_listed_here() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let found: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed =
        SMALL.iter().chain(LARGE.iter().map(|(name, _)| name)).map(|name| (*name).to_owned());
    let listed = listed.collect();
    assert_eq!(found, listed);
}

#[test]
fn small_recipes_run() {
    let bench = Bench::new();
    let few = ["--steps", "3", "--batch-size", "16", "--micro-batch", "8"];
    run(&bench, "sample", &few);
    let weights = bench.path("sample/export").to_string_lossy().into_owned();
    for recipe in &SMALL[1..] {
        let tuned = ["lit", "lora"].contains(recipe);
        let mut more = few.to_vec();
        if tuned {
            more.extend(["--weights", &weights]);
        }
        run(&bench, recipe, &more);
    }
}

#[test]
fn large_recipes_run() {
    let bench = Bench::new();
    for (recipe, model) in LARGE {
        let text = fs::read_to_string(folder().join(format!("{recipe}.toml"))).unwrap();
        let named = text.lines().find_map(|line| line.strip_prefix("model = ")).unwrap();
        assert!(clip_model::ClipConfig::preset(named.trim_matches('"')).is_ok(), "{named}");
        let few = ["--steps", "2", "--batch-size", "8", "--micro-batch", "4", "--model", model];
        run(&bench, recipe, &few);
    }
}
