//! Any bytes as a weights file: an error, or tensors that can all be read.

#![no_main]

use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use clip_model::weights::StateDict;
use libfuzzer_sys::fuzz_target;

/// In memory where the system has such a folder: a file is written for every input.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("clip-fuzz-weights-{}", std::process::id()))
});

fuzz_target!(|bytes: &[u8]| {
    let mut file = std::fs::File::create(&*FILE).expect("a scratch file");
    file.write_all(bytes).expect("a scratch file");
    drop(file);
    let Ok(weights) = StateDict::open(&FILE) else { return };
    let names: Vec<String> = weights.names().map(String::from).collect();
    for name in names {
        let tensor = weights.get(&name).expect("a name that was listed");
        let count: usize = tensor.shape.iter().product();
        if let Ok(values) = weights.read(&name) {
            assert!(values.len() >= count);
        }
    }
});
