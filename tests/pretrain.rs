//! The `pretrain` program as a person meets it: interruption, resumption, bad input.

use std::fs;
use std::process::{Command, Stdio};

use crate::bench::{Bench, TINY, losses, png, wait_for_step};
use crate::program::program;

#[test]
fn another_seed_gives_other_losses() {
    // Or comparisons of losses could not fail.
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
    assert_eq!(names.len(), 9);
    assert_eq!(names[8], "held_out loss");
    assert!(
        rows.iter().all(|row| row.low <= row.value && row.value <= row.high && row.chance > 0.0)
    );
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("</html>") && report.contains("data:image/png;base64,"));
    for file in [
        "config.toml",
        "export/open_clip_model.safetensors",
        "export/open_clip_config.json",
        "export-hf/model.safetensors",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let message = bench.failure(2, &["--out", "run"]);
    assert!(message.contains("already holds a run") && message.contains("--resume"), "{message}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_planned_memory_is_what_a_run_takes() {
    let bench = Bench::new();
    for (model, batch) in [("ViT-nano", "192"), ("RN-nano", "384")] {
        let settings = ["--model", model, "--batch-size", batch, "--steps", "2"];
        let fact = |text: &str, name: &str| -> f64 {
            let rest = text.split_once(name).unwrap_or_else(|| panic!("no {name}: {text}")).1;
            let number = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            number.split(' ').next().unwrap().parse().unwrap()
        };
        let planned = bench.run(&[&settings[..], &["--plan", "--memory", "8"]].concat());
        let planned = String::from_utf8_lossy(&planned.stdout).into_owned();
        assert!(planned.contains("micro-batches of up to"), "{planned}");
        assert!(bench.run(&[&settings[..], &["--out", model]].concat()).status.success());
        let report = fs::read_to_string(bench.path(model).join("report.html")).unwrap();
        let (planned, taken) = (fact(&planned, "expected peak"), fact(&report, "Peak memory"));
        assert!((planned / taken - 1.0).abs() < 0.3, "{model}: planned {planned}, taken {taken}");
        println!("{model}: planned {planned}, taken {taken}");
    }
}

#[test]
fn a_run_without_progress_ends_early_with_its_best_model() {
    let bench = Bench::new();
    let sample = |name: &str| format!("{}/../assets/sample/{name}", env!("CARGO_MANIFEST_DIR"));
    let settings = format!(
        "model = \"tiny.json\"\ndata = [\"{}\"]\neval_data = [\"{}\"]\nbatch_size = 16\nsteps = 40\n\
         lr = 1e-12\n[evaluation]\nevery = 2\nbest = \"zero_shot top1\"\npatience = 2\n\
         [checkpoints]\nkeep = 1\n",
        sample("train-000.tar.gz"),
        sample("test-000.tar.gz"),
    );
    fs::write(bench.path("stop.toml"), &settings).unwrap();
    let output = bench.run(&["--config", "stop.toml", "--out", "run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("nothing got better since step 2"), "{said}");
    assert!(said.contains("the exported model is that of step 2"), "{said}");
    assert_eq!(losses(&bench.path("run")).len(), 6);
    let kept = |step: u64| bench.path(&format!("run/checkpoints/step-{step:09}")).exists();
    assert!(kept(2) && !kept(4) && kept(6));

    fs::write(bench.path("typo.toml"), settings.replace("zero_shot top1", "top1")).unwrap();
    let message = bench.failure(2, &["--config", "typo.toml", "--out", "typo"]);
    assert!(message.contains("best is one of zero_shot top1"), "{message}");
}

#[test]
fn a_model_is_distilled_from_another_that_reads_the_same() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "teacher"]).status.success());
    let student = |name: &str, teacher: &str, model: &str| {
        let train = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/train-000.tar.gz");
        let text = format!(
            "model = \"{model}\"\nteacher = \"{teacher}\"\ndata = [\"{train}\"]\nbatch_size = 16\n\
             micro_batch = 5\nsteps = 3\n"
        );
        fs::write(bench.path(name), text).unwrap();
    };
    student("student.toml", "teacher/export", "resnet.json");
    assert!(bench.run(&["--config", "student.toml", "--out", "student"]).status.success());
    let alone = bench.run(&["--model", "resnet.json", "--steps", "3", "--out", "alone"]);
    assert!(alone.status.success());
    // The teacher's part comes on top of the contrastive loss.
    let first = |run: &str| losses(&bench.path(run))[0].1.parse::<f64>().unwrap();
    assert!(first("student") > first("alone") + 1.0, "{} {}", first("student"), first("alone"));
    student("other.toml", "teacher/export", "ViT-B-32");
    let message = bench.failure(2, &["--config", "other.toml", "--out", "other"]);
    assert!(message.contains("the teacher teacher/export wants other images"), "{message}");
}

#[test]
fn two_runs_are_laid_over_each_other() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "first", "--eval-every", "6"]).status.success());
    assert!(bench.run(&["--out", "second", "--seed", "1", "--eval-every", "6"]).status.success());
    let output = Command::new(program("compare_runs"))
        .current_dir(bench.path(""))
        .args(["first", "second"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(bench.path("compared.html")).unwrap();
    assert!(page.contains("first") && page.contains("second"));
    assert!(page.contains("Evaluations over the run") && !page.contains("NaN"));
    // What the run says of its model, its export says too.
    let sample = |name: &str| format!("{}/../assets/sample/{name}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(program("evaluate"))
        .current_dir(bench.path(""))
        .args(["--model", "first/export", "--batch-size", "16", "--data"])
        .arg(sample("test-000.tar.gz"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = fs::read_to_string(bench.path("first/eval.json")).unwrap();
    let rows: Vec<clip_eval::Evaluation> = serde_json::from_str(&rows).unwrap();
    let last: Vec<_> = rows.iter().filter(|row| row.step == 12).collect();
    assert_eq!(last.len(), 9);
    for row in last {
        assert!(said.contains(&row.to_string()), "{row} is not in: {said}");
    }
    // And TensorBoard finds the runs' events.
    let events = fs::read_dir(bench.path("first/tensorboard")).unwrap();
    assert_eq!(events.count(), 1);
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
