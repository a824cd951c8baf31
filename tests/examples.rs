//! The examples that use a model, as a person meets them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use burn::tensor::Device;
use clip_model::preprocess::ImageTransform;
use clip_model::{ClipConfig, Pretrained};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::program::program;

/// A folder with a small model and two images.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = ClipConfig::preset("ViT-nano").unwrap();
        let model = config.init(&Device::flex(), 3).unwrap();
        let transform = ImageTransform::openai(config.vision_cfg.image_size);
        let model = Pretrained::new(model, config, transform).unwrap();
        model.save_open_clip(&folder.path().join("model")).unwrap();
        for (name, colour) in [("red.png", [220, 20, 20]), ("blue.jpg", [20, 20, 220])] {
            RgbImage::from_pixel(50, 40, Rgb(colour)).save(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An example, in the folder, with a cache of its own and no way to the real hub.
    fn command(&self, example: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program(example));
        command.current_dir(self.folder.path()).args(arguments);
        for variable in ["HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HTTPS_PROXY"] {
            command.env_remove(variable);
        }
        command.env("HF_HOME", self.path("cache")).env("HF_HUB_OFFLINE", "1");
        command
    }

    fn run(&self, example: &str, arguments: &[&str]) -> String {
        succeeded(self.command(example, arguments).output().unwrap())
    }

    /// The message of a run that must fail, without a panic.
    fn failure(&self, example: &str, arguments: &[&str]) -> String {
        failed(self.command(example, arguments).output().unwrap())
    }
}

fn succeeded(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn failed(output: Output) -> String {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !message.contains("panicked"), "{message}");
    message
}

const EMBED: [&str; 6] =
    ["--image", "red.png", "--text", "a red square", "--text", "a blue square"];

fn embed<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--model", model], &EMBED[..], more].concat()
}

#[test]
fn embed_prints_similarities_and_keeps_features() {
    let bench = Bench::new();
    let printed =
        bench.run("embed", &embed("model", &["--image", "blue.jpg", "--out", "f.safetensors"]));
    assert!(
        printed.contains("red.png") && printed.matches("a blue square").count() == 2,
        "{printed}"
    );
    let bytes = fs::read(bench.path("f.safetensors")).unwrap();
    let features = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(features.tensor("image_features").unwrap().shape()[0], 2);
}

#[test]
fn zeroshot_ranks_the_labels() {
    let bench = Bench::new();
    let arguments =
        ["--model", "model", "--labels", "red,blue,hot air balloon", "red.png", "blue.jpg"];
    let printed = bench.run("zeroshot", &arguments);
    assert_eq!(printed.matches("hot air balloon").count(), 2, "{printed}");
    let shares = printed.lines().filter_map(|line| line.trim().split_once('%'));
    let sum: f64 = shares.map(|(share, _)| share.parse::<f64>().unwrap()).sum();
    assert!((sum - 200.0).abs() < 0.1, "{printed}");
}

#[test]
fn converted_models_say_the_same() {
    let bench = Bench::new();
    let before = bench.run("embed", &embed("model", &[]));
    bench.run("convert", &["--model", "model", "--to", "transformers", "--out", "hf"]);
    bench.run("convert", &["--model", "hf", "--to", "open_clip", "--out", "back"]);
    for model in ["hf", "hf/model.safetensors", "back"] {
        assert_eq!(bench.run("embed", &embed(model, &[])), before, "{model}");
    }
}

#[test]
fn finetune_trains_a_layer_over_the_image_tower() {
    let bench = Bench::new();
    let sample = format!("{}/../assets/sample/test-000.tar.gz", env!("CARGO_MANIFEST_DIR"));
    let arguments =
        ["--model", "model", "--data", &sample, "--frozen", "--epochs", "2", "--out", "mine.bpk"];
    let printed = bench.run("finetune", &arguments);
    assert!(printed.contains("of 8 classes") || printed.contains("of 9 classes"), "{printed}");
    let losses: Vec<f64> = printed
        .lines()
        .filter_map(|line| line.split_once("loss "))
        .map(|(_, rest)| rest.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert!(losses.len() == 2 && losses[1] < losses[0], "{printed}");
    assert!(bench.path("mine.bpk").exists());
}

/// Folders of reddish and bluish pictures, a class each.
fn coloured(bench: &Bench, split: &str, count: u8) {
    for number in 0..count {
        let shade = 7 * number;
        for (class, colour) in
            [("red", [250 - shade, shade, 40]), ("blue", [40, shade, 250 - shade])]
        {
            let folder = bench.path(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            let picture = RgbImage::from_pixel(40, 40, Rgb(colour));
            picture.save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
}

#[test]
fn linear_probe_tells_classes_apart() {
    let bench = Bench::new();
    coloured(&bench, "train", 12);
    coloured(&bench, "test", 4);
    let probe = ["--model", "model", "--train", "train", "--test", "test"];
    let said = bench.run("linear_probe", &probe);
    assert!(said.contains("validation") && said.contains("top1       100.00%"), "{said}");
    let said = bench.run("linear_probe", &[&probe[..], &["--lambda", "0.5"]].concat());
    assert!(said.starts_with("lambda 5.000e-1"), "{said}");
    coloured(&bench, "few", 1);
    let few = ["--model", "model", "--train", "few", "--test", "test"];
    assert!(bench.failure("linear_probe", &few).contains("too few to hold some out"));
    fs::create_dir_all(bench.path("other/green")).unwrap();
    fs::copy(bench.path("red.png"), bench.path("other/green/0.png")).unwrap();
    let other = ["--model", "model", "--train", "train", "--test", "other"];
    assert!(bench.failure("linear_probe", &other).contains("no image of `green` to learn from"));
}

#[test]
fn zeroshot_cifar_reports_classes_and_draws_the_confusion() {
    let bench = Bench::new();
    let folder = bench.path("cifar-10-batches-bin");
    fs::create_dir(&folder).unwrap();
    let names = "airplane automobile bird cat deer dog frog horse ship truck".replace(' ', "\n");
    fs::write(folder.join("batches.meta.txt"), names).unwrap();
    let record = |label: u8| [vec![label], vec![25 * label; 3072]].concat();
    let records: Vec<u8> = (0..20).flat_map(|index| record(index % 10)).collect();
    fs::write(folder.join("test_batch.bin"), records).unwrap();
    let data = ["--data", "cifar-10-batches-bin", "--weights", "model", "--json", "r.json"];
    let printed = bench.run("zeroshot_cifar", &data);
    for part in ["top1", "top5", "images/s", "automobile", "confusion.svg"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!printed.contains("published"), "the weights are nobody's: {printed}");
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(bench.path("r.json")).unwrap()).unwrap();
    assert_eq!(json["per_class"].as_array().unwrap().len(), 10);
    assert!(fs::read_to_string(bench.path("confusion.svg")).unwrap().starts_with("<svg"));
    let message = bench.failure("zeroshot_cifar", &["--data", "nowhere", "--weights", "model"]);
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn bad_input_is_told_with_its_name() {
    let bench = Bench::new();
    let message = bench.failure("embed", &embed("nowhere.safetensors", &[]));
    assert!(message.contains("nowhere.safetensors"), "{message}");
    fs::write(bench.path("broken.png"), b"\x89PNG\r\n\x1a\nbroken").unwrap();
    let message = bench.failure("embed", &embed("model", &["--image", "broken.png"]));
    assert!(message.contains("broken.png"), "{message}");
    let weights = bench.path("model/open_clip_model.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    let message = bench.failure("embed", &embed("model", &[]));
    assert!(message.contains("open_clip_model.safetensors"), "{message}");
}

#[test]
fn a_model_of_the_hub_is_fetched_once_and_then_works_offline() {
    let bench = Bench::new();
    let message = bench.failure("embed", &embed("org/nano", &[]));
    for part in ["HF_HUB_OFFLINE", "org/nano", "put them into one folder", "open_clip_config.json"]
    {
        assert!(message.contains(part), "{message}");
    }
    let endpoint = serve(bench.path("model"));
    let mut online = bench.command("embed", &embed("org/nano", &[]));
    online.env("HF_ENDPOINT", &endpoint).env_remove("HF_HUB_OFFLINE");
    let fetched = succeeded(online.output().unwrap());
    assert_eq!(fetched, bench.run("embed", &embed("model", &[])));
    assert!(bench.path("cache/hub/models--org--nano/refs/main").exists());
    assert_eq!(bench.run("embed", &embed("org/nano", &[])), fetched, "from the cache");
}

/// A hub with one model, made of a folder's files.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = Arc::new(folder);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, folder) = (stream.unwrap(), Arc::clone(&folder));
            std::thread::spawn(move || answer(stream, &folder));
        }
    });
    url
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let body = match path.rsplit_once('/') {
        Some((listing, _)) if listing.starts_with("/api/models/") => {
            let files = fs::read_dir(folder).unwrap().map(
                |entry| serde_json::json!({ "rfilename": entry.unwrap().file_name().to_str() }),
            );
            let files: Vec<_> = files.collect();
            serde_json::json!({ "sha": commit, "siblings": files }).to_string().into_bytes()
        }
        Some((_, name)) => fs::read(folder.join(name)).unwrap(),
        None => return,
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\nx-repo-commit: {commit}\r\n\
         etag: \"{:040x}\"\r\n\r\n",
        body.len(),
        body.len()
    );
    let body = if request.starts_with("HEAD") { &[][..] } else { &body };
    // A client that hangs up has what it wants.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
