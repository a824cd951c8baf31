//! `pretrain` in a folder of its own, for tests that run it as a person does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::program;

/// A model so small that a step takes milliseconds.
pub const TINY: &str = r#"{
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 1024, "width": 16, "heads": 2, "layers": 1}
}"#;

/// A ModifiedResNet, whose running statistics are state that a checkpoint must hold.
pub const TINY_RESNET: &str = r#"{
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 2, "head_width": 32},
    "text_cfg": {"context_length": 12, "vocab_size": 1024, "width": 16, "heads": 2, "layers": 1}
}"#;

/// A folder with model files, in which `pretrain` runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.json"), TINY).unwrap();
        fs::write(folder.path().join("resnet.json"), TINY_RESNET).unwrap();
        let sigmoid = TINY.replacen('{', "{\"init_logit_bias\": -3.0,", 1);
        fs::write(folder.path().join("sigmoid.json"), sigmoid).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `pretrain` with a tiny model on a shard of the sample, and these arguments on top.
    pub fn command(&self, arguments: &[&str]) -> Command {
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

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The message of a run that must fail with this exit status, without a panic.
    pub fn failure(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {message}");
        assert!(!message.contains("panicked"), "{arguments:?}: {message}");
        message
    }

    pub fn shard(&self, name: &str, members: &[(&str, &[u8])]) -> String {
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
pub fn losses(run: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let line = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((json["step"].as_u64()?, json["loss"].to_string()))
    };
    text.lines().filter_map(line).collect()
}

pub fn wait_for_step(run: &Path, step: usize, child: &mut Child) {
    let started = Instant::now();
    while losses(run).len() < step {
        assert!(started.elapsed() < Duration::from_secs(120), "step {step} was never reached");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before step {step}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A picture of one colour.
pub fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(side, side, image::Rgb([200, 30, 90]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
