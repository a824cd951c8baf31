//! Runs that are killed at random moments, and runs that cannot write.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bench::{Bench, losses, png, wait_for_step};
use crate::program::program;

/// Settings that differ in what a checkpoint has to hold.
const RECIPES: [(&str, &str); 5] = [
    ("vit", "model = \"tiny.json\"\nmicro_batch = 7\nclip_norm = 1.0"),
    ("resnet", "model = \"resnet.json\"\nema_decay = 0.9\n[evaluation]\nevery = 7"),
    (
        "sigmoid",
        "model = \"sigmoid.json\"\nloss = \"sigmoid\"\n[optimizer]\nname = \"lion\"\n\
         [evaluation]\nevery = 10\nbest = \"held_out loss\"",
    ),
    (
        "half",
        "model = \"tiny.json\"\nprecision = \"f16\"\nrecompute = true\n[optimizer]\n\
         moments = \"bf16\"\n[checkpoints]\nkeep = 1\nkeep_every = 10",
    ),
    (
        "resampled",
        "model = \"tiny.json\"\ndevice = \"cpu,cpu\"\nlr_scheduler = \"const-cooldown\"\n\
         [cooldown]\nsteps = 20\n[loader]\nresampled = true\nsamples_per_epoch = 100\n[optimizer]\n\
         name = \"muon\"",
    ),
];

/// Kills of each.
const KILLS: usize = 10;

const STEPS: usize = 100;

fn config(bench: &Bench, name: &str, settings: &str) {
    let train = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/train-000.tar.gz");
    let (top, tables) = settings.split_once("\n[").unwrap_or((settings, ""));
    let mut tables = format!("[{tables}");
    if !tables.contains("[checkpoints]") {
        tables += "\n[checkpoints]\n";
    } else {
        tables = tables.replace("[checkpoints]\n", "[checkpoints]\nevery = 2\n");
    }
    if !tables.contains("every = 2") {
        tables += "every = 2\n";
    }
    let text = format!(
        "{top}\ndata = [\"{train}\"]\neval_data = [\"few\"]\nbatch_size = 16\nsteps = {STEPS}\n{}",
        tables.trim_start_matches("[\n"),
    );
    fs::write(bench.path(name), text).unwrap();
    for (name, caption) in [("a", "a cat"), ("b", "a dog"), ("c", "an owl")] {
        fs::create_dir_all(bench.path("few")).unwrap();
        fs::write(bench.path(&format!("few/{name}.png")), png(32)).unwrap();
        fs::write(bench.path(&format!("few/{name}.txt")), caption).unwrap();
    }
}

/// What the folder of a run must hold at any moment: whole checkpoints, and others that say so.
fn assert_whole(run: &Path) {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".partial") {
            continue;
        }
        for file in ["model.bpk", "optimizer.bpk", "model.json", "state.json"] {
            assert!(path.join(file).is_file(), "{} lacks {file}", path.display());
        }
    }
}

#[test]
fn fifty_kills_at_random_moments_change_nothing() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for (name, settings) in RECIPES {
        let bench = Bench::new();
        config(&bench, "run.toml", settings);
        let whole = bench.run(&["--config", "run.toml", "--out", "whole"]);
        assert!(whole.status.success(), "{name}: {}", String::from_utf8_lossy(&whole.stderr));
        let run = bench.path("killed");
        let (mut kills, mut steps) = (0, Vec::new());
        while kills < KILLS {
            let started = run.join("config.toml").exists() && has_checkpoint(&run);
            if run.exists() && !started {
                fs::remove_dir_all(&run).unwrap(); // killed before its first checkpoint
            }
            let arguments: &[&str] = match started {
                true => &["--resume", "killed"],
                false => &["--config", "run.toml", "--out", "killed"],
            };
            let before = log_length(&run);
            let mut child = bench.command(arguments);
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let mut ended = || child.try_wait().unwrap().is_some();
            // Into the steps, every other one of which saves a checkpoint.
            while log_length(&run) <= before && !ended() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.random_range(0..80_000)));
            if ended() {
                // It was faster than its killer; the other kills begin anew.
                assert_eq!(losses(&run), losses(&bench.path("whole")), "{name}");
                fs::remove_dir_all(&run).unwrap();
                continue;
            }
            child.kill().unwrap(); // SIGKILL
            child.wait().unwrap();
            kills += 1;
            steps.push(losses(&run).len());
            assert_whole(&run);
        }
        println!("{name}: killed at steps {steps:?}");
        if !has_checkpoint(&run) {
            fs::remove_dir_all(&run).unwrap();
            let start = bench.run(&["--config", "run.toml", "--out", "killed", "--steps", "10"]);
            assert!(start.status.success(), "{name}");
            let text = fs::read_to_string(run.join("config.toml")).unwrap();
            let text = text.replace("steps = 10\n", &format!("steps = {STEPS}\n"));
            fs::write(run.join("config.toml"), text).unwrap();
        }
        let resumed = bench.run(&["--resume", "killed"]);
        assert!(resumed.status.success(), "{name}: {}", String::from_utf8_lossy(&resumed.stderr));
        assert_eq!(losses(&run), losses(&bench.path("whole")), "{name}");
        let (killed, whole) = (evaluations(&run), evaluations(&bench.path("whole")));
        assert_eq!(killed.len(), whole.len(), "{name}");
        for (killed, whole) in killed.iter().zip(&whole) {
            assert_eq!((killed.step, &killed.metric), (whole.step, &whole.metric), "{name}");
            // Numbers that were read from the file and written again may lose their last bit.
            let apart = (killed.value - whole.value).abs();
            assert!(apart <= 1e-14 * whole.value, "{name}: {killed} against {whole}");
        }
    }
}

fn evaluations(run: &Path) -> Vec<clip_eval::Evaluation> {
    serde_json::from_str(&fs::read_to_string(run.join("eval.json")).unwrap()).unwrap()
}

/// Bytes of the log; opening it to go on may make it shorter.
fn log_length(run: &Path) -> u64 {
    fs::metadata(run.join("metrics.jsonl")).map_or(0, |file| file.len())
}

fn has_checkpoint(run: &Path) -> bool {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else { return false };
    entries.flatten().any(|entry| !entry.path().to_string_lossy().ends_with(".partial"))
}

/// `pretrain` with no file above `blocks` half kilobytes: writing fails as on a full disk.
#[cfg(unix)]
fn with_small_files(bench: &Bench, blocks: u32, arguments: &[&str]) -> std::process::Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.current_dir(bench.path("")).args(["-c", &script]).arg(program("pretrain"));
    command.args(arguments).output().unwrap()
}

#[test]
#[cfg(unix)]
fn a_run_that_cannot_save_goes_on_or_stops_as_set() {
    let bench = Bench::new();
    config(&bench, "run.toml", RECIPES[0].1);
    assert!(bench.run(&["--config", "run.toml", "--out", "good", "--steps", "2"]).status.success());
    let last = bench.path("good/checkpoints/step-000000002");
    let before = fs::read(last.join("model.bpk")).unwrap();

    // The log still fits, checkpoints don't.
    let output = with_small_files(&bench, 100, &["--resume", "good", "--steps", "12"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("training goes on, although: cannot write"), "{said}");
    assert!(said.contains("step 12/12"), "{said}");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write") && !error.contains("panicked"), "{error}");
    assert_eq!(fs::read(last.join("model.bpk")).unwrap(), before);
    assert_whole(&bench.path("good"));

    let text = fs::read_to_string(bench.path("good/config.toml")).unwrap();
    let text = text.replace("write = \"skip\"", "write = \"stop\"");
    fs::write(bench.path("good/config.toml"), text).unwrap();
    let output = with_small_files(&bench, 100, &["--resume", "good", "--steps", "12"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(losses(&bench.path("good")).len() <= 4, "it went on");
    assert!(bench.run(&["--resume", "good", "--steps", "12"]).status.success());
    assert_eq!(losses(&bench.path("good")).len(), 12);
}

#[test]
fn other_data_is_refused_unless_accepted() {
    let bench = Bench::new();
    assert!(bench.run(&["--out", "run"]).status.success());
    for (change, name) in
        [(["--seed", "1"], "seed was 0 and is 1"), (["--batch-size", "8"], "batch_size")]
    {
        let arguments = ["--resume", "run", "--steps", "20", change[0], change[1]];
        let message = bench.failure(2, &arguments);
        assert!(message.contains(name) && message.contains("--accept-changes"), "{message}");
        assert_eq!(losses(&bench.path("run")).len(), 12);
    }
    let accepted =
        bench.run(&["--resume", "run", "--steps", "20", "--seed", "1", "--accept-changes"]);
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    assert_eq!(losses(&bench.path("run")).len(), 20);
    // From then on, the new data is the run's own.
    assert!(bench.run(&["--resume", "run", "--steps", "22"]).status.success());
}

#[test]
fn a_killed_run_is_not_finished() {
    // Or the comparison above could not fail.
    let bench = Bench::new();
    let mut child = bench
        .command(&["--out", "killed", "--steps", "4000"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_step(&bench.path("killed"), 8, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(losses(&bench.path("killed")).len() < 4000);
    assert!(!bench.path("killed/export").exists());
}
