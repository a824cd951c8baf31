//! The `pretrain` program as a person meets it: interruption, resumption, bad input.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::program;

/// A model so small that a step takes milliseconds.
const TINY: &str = r#"{
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 1024, "width": 16, "heads": 2, "layers": 1}
}"#;

/// A ModifiedResNet, whose running statistics are state that a checkpoint must hold.
const TINY_RESNET: &str = r#"{
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 2, "head_width": 32},
    "text_cfg": {"context_length": 12, "vocab_size": 1024, "width": 16, "heads": 2, "layers": 1}
}"#;

/// A folder with model files, in which `pretrain` runs.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.json"), TINY).unwrap();
        fs::write(folder.path().join("resnet.json"), TINY_RESNET).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `pretrain` with a tiny model on a shard of the sample, and these arguments on top.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("pretrain"));
        command.current_dir(self.folder.path()).args(arguments);
        let given = |flag: &str| arguments.contains(&flag);
        let resumed = given("--resume") || given("--config");
        let sample = |name: &str| format!("{}/../assets/sample/{name}", env!("CARGO_MANIFEST_DIR"));
        let defaults = [
            ("--model", "tiny.json".to_string()),
            ("--data", sample("train-000.tar.gz")),
            ("--eval-data", sample("test-000.tar.gz")),
            ("--batch-size", "16".to_string()),
            ("--steps", "12".to_string()),
            ("--checkpoint-every", "3".to_string()),
        ];
        for (flag, value) in defaults.iter().filter(|(flag, _)| !resumed && !given(flag)) {
            command.args([flag, value.as_str()]);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The message of a run that must fail with this exit status, without a panic.
    fn failure(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {message}");
        assert!(!message.contains("panicked"), "{arguments:?}: {message}");
        message
    }

    fn shard(&self, name: &str, members: &[(&str, &[u8])]) -> String {
        let path = self.path(name);
        let mut tar = tar::Builder::new(fs::File::create(&path).unwrap());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, *bytes).unwrap();
        }
        tar.finish().unwrap();
        path.to_string_lossy().into_owned()
    }
}

/// Losses by step, as written; equal text is equal bits.
fn losses(run: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let line = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((json["step"].as_u64()?, json["loss"].to_string()))
    };
    text.lines().filter_map(line).collect()
}

fn wait_for_step(run: &Path, step: usize, child: &mut Child) {
    let started = Instant::now();
    while losses(run).len() < step {
        assert!(started.elapsed() < Duration::from_secs(120), "step {step} was never reached");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before step {step}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    for (model, kill_at) in [("tiny.json", 4), ("tiny.json", 8), ("resnet.json", 5)] {
        let bench = Bench::new();
        let whole = bench.run(&["--model", model, "--out", "whole", "--steps", "40"]);
        assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));

        let arguments = ["--model", model, "--out", "killed", "--steps", "40"];
        let mut child = bench.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
        wait_for_step(&bench.path("killed"), kill_at, &mut child);
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        assert!(losses(&bench.path("killed")).len() < 40, "it was killed too late to tell");

        let resumed = bench.run(&["--resume", "killed"]);
        assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
        let (whole, resumed) = (losses(&bench.path("whole")), losses(&bench.path("killed")));
        assert_eq!(whole.len(), 40);
        assert_eq!(resumed, whole, "{model} killed at step {kill_at}");
    }
}

#[test]
fn another_seed_gives_other_losses() {
    // Or the comparison above could not fail.
    let bench = Bench::new();
    assert!(bench.run(&["--out", "a"]).status.success());
    assert!(bench.run(&["--out", "b", "--seed", "1"]).status.success());
    assert_ne!(losses(&bench.path("a")), losses(&bench.path("b")));
}

#[test]
fn threads_and_micro_batches_do_not_change_the_run() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "one", "--threads", "1"]).status.success());
    assert!(bench.run(&["--out", "three", "--threads", "3"]).status.success());
    assert_eq!(losses(&bench.path("one")), losses(&bench.path("three")));

    assert!(bench.run(&["--out", "micro", "--micro-batch", "5"]).status.success());
    let number = |(_, loss): &(u64, String)| loss.parse::<f64>().unwrap();
    for (whole, micro) in losses(&bench.path("one")).iter().zip(&losses(&bench.path("micro"))) {
        let (whole, micro) = (number(whole), number(micro));
        assert!((whole - micro).abs() < 1e-3 * whole, "{whole} against {micro}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_saves_and_says_how_to_go_on() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["--out", "run", "--steps", "100000", "--checkpoint-every", "100000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_step(&bench.path("run"), 2, &mut child);
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("--resume run"), "{said}");

    let done = losses(&bench.path("run")).len();
    let steps = (done + 3).to_string();
    assert!(bench.run(&["--resume", "run", "--steps", &steps]).status.success());
    assert_eq!(losses(&bench.path("run")).len(), done + 3);
}

#[test]
fn a_finished_run_leaves_what_people_script_against() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "run"]).status.success());
    let run = bench.path("run");
    let text = fs::read_to_string(run.join("eval.json")).unwrap();
    let rows: Vec<clip_eval::Evaluation> = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = rows.iter().map(|row| format!("{} {}", row.task, row.metric)).collect();
    assert_eq!(names[..2], ["zero_shot top1", "zero_shot top5"]);
    assert_eq!(names.len(), 8);
    assert!(
        rows.iter().all(|row| row.low <= row.value && row.value <= row.high && row.chance > 0.0)
    );
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("</html>") && report.contains("data:image/png;base64,"));
    for file in
        ["config.toml", "export/open_clip_model.safetensors", "export/open_clip_config.json"]
    {
        assert!(run.join(file).is_file(), "{file}");
    }
    let message = bench.failure(2, &["--out", "run"]);
    assert!(message.contains("already holds a run") && message.contains("--resume"), "{message}");
}

#[test]
fn a_folder_of_images_can_be_evaluated_on() {
    let bench = Bench::new();
    for (class, name) in [("red_cat", "a"), ("red_cat", "b"), ("dog", "c")] {
        fs::create_dir_all(bench.path("images").join(class)).unwrap();
        fs::write(bench.path("images").join(class).join(format!("{name}.png")), png(40)).unwrap();
    }
    let output = bench.run(&["--eval-data", "images", "--out", "run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("n 3, of 2") && said.contains("no retrieval"), "{said}");
}

#[test]
fn wrong_settings_are_named_with_a_remedy() {
    let bench = Bench::new();
    fs::write(bench.path("typo.toml"), "batch_sise = 3").unwrap();
    fs::write(bench.path("both.toml"), "steps = 3\nepochs = 2").unwrap();
    fs::write(bench.path("odd.json"), TINY.replace("\"patch_size\": 16", "\"patch_size\": 33"))
        .unwrap();
    fs::write(bench.path("key.json"), TINY.replace("\"heads\": 2", "\"heads\": 2, \"headz\": 2"))
        .unwrap();
    fs::write(bench.path("file"), "").unwrap();
    let cases: [(i32, &[&str], &[&str]); 11] = [
        (2, &["--data", "nowhere-{000..003}.tar"], &["nowhere-000.tar", "check the path"]),
        (2, &["--eval-data", "nowhere.tar"], &["nowhere.tar", "check the path"]),
        (2, &["--config", "typo.toml"], &["typo.toml", "batch_sise"]),
        (2, &["--config", "both.toml"], &["steps and epochs"]),
        (2, &["--model", "odd.json"], &["image_size 32", "patch_size 33"]),
        (2, &["--model", "key.json"], &["key.json", "headz"]),
        (2, &["--model", "ViT-Z"], &["ViT-Z", "ViT-B-32"]),
        (2, &["--device", "tpu"], &["tpu", "cuda:N"]),
        (2, &["--device", "metal"], &["metal", "--features metal"]),
        (1, &["--out", "file/run"], &["file/run"]),
        (2, &["--resume", "nowhere"], &["nowhere", "checkpoint"]),
    ];
    for (status, arguments, parts) in cases {
        let message = bench.failure(status, arguments);
        for part in parts {
            assert!(message.contains(part), "{arguments:?} says: {message}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_model_is_refused_and_left_alone() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "run"]).status.success());
    let before = losses(&bench.path("run"));
    let message = bench.failure(2, &["--resume", "run", "--model", "resnet.json"]);
    assert!(message.contains("another model") && message.contains("resnet.json"), "{message}");
    assert_eq!(losses(&bench.path("run")), before);
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "run"]).status.success());
    let checkpoint = bench.path("run/checkpoints/step-000000012");
    for file in ["model.bpk", "optimizer.bpk", "state.json"] {
        let path = checkpoint.join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let message = bench.failure(1, &["--resume", "run", "--steps", "20"]);
        assert!(message.contains(file), "{message}");
        fs::write(&path, bytes).unwrap();
    }
}

fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(side, side, image::Rgb([200, 30, 90]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A picture whose header promises 100,000 x 100,000 pixels.
fn huge_png() -> Vec<u8> {
    let mut bytes = png(4);
    bytes[16..20].copy_from_slice(&100_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000u32.to_be_bytes());
    // The header's checksum must be right, or it would be refused for that.
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn bad_data_is_named_with_a_remedy() {
    let bench = Bench::new();
    let good = png(8);
    let empty = bench.shard("empty.tar", &[]);
    let corrupt = bench.shard("corrupt.tar", &[("a.png", &good[..40]), ("a.txt", b"cat")]);
    let huge = bench.shard("huge.tar", &[("b.png", &huge_png()), ("b.txt", b"dog")]);
    let silent = bench.shard("silent.tar", &[("c.png", &good)]);
    let whole = bench.shard("whole.tar", &[("d.png", &png(64)), ("d.txt", b"owl")]);
    let bytes = fs::read(&whole).unwrap();
    fs::write(bench.path("cut.tar"), &bytes[..700]).unwrap();
    let small = bench.shard(
        "small.tar",
        &[("e.png", &good), ("e.txt", b"elk"), ("f.png", &good), ("f.txt", b"fox")],
    );
    let cases: [(&str, &[&str]); 6] = [
        (&empty, &["empty.tar"]),
        (&corrupt, &["corrupt.tar", "`a`"]),
        (&huge, &["huge.tar", "`b`", "pixels"]),
        (&silent, &["silent.tar", "`c`", "caption"]),
        ("cut.tar", &["cut.tar"]),
        (&small, &["batch", "16", "2"]),
    ];
    for (shard, parts) in cases {
        let message = bench.failure(1, &["--data", shard, "--out", &format!("{shard}-run")]);
        for part in parts {
            assert!(message.contains(part), "{shard} says: {message}");
        }
    }
}

#[test]
fn a_few_bad_samples_are_passed_over_and_counted() {
    let bench = Bench::new();
    let bad = bench.shard("bad.tar", &[("a.png", b"no picture"), ("a.txt", b"cat")]);
    let sample = format!("{}/../assets/sample/train-000.tar.gz", env!("CARGO_MANIFEST_DIR"));
    let output = bench.run(&["--data", &bad, &sample, "--out", "run", "--steps", "80"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("bad.tar") && said.contains("undecodable"), "{said}");
}
