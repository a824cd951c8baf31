//! Files that are broken or made to do harm: always an error that says what, never a panic.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use clip_model::ClipConfig;
use clip_model::weights::{StateDict, infer_config, load_model};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, TensorView};

/// A file of each format.
const FILES: [&str; 9] = [
    "formats/vit/open_clip.safetensors",
    "formats/vit/hf/model.safetensors",
    "formats/vit/hf_sharded/model.safetensors.index.json",
    "formats/vit/state_dict.pt",
    "formats/vit/legacy.pt",
    "formats/vit/checkpoint.pt",
    "formats/vit/strided.pt",
    "formats/siglip/hf/model.safetensors",
    "formats/openai-vit/model.pt",
];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/goldens").join(name)
}

/// Opens a file and reads all that it claims to hold; the error, if there is one.
fn read_all(path: &Path) -> Option<String> {
    let weights = match StateDict::open(path) {
        Ok(weights) => weights,
        Err(error) => return Some(error.to_string()),
    };
    let names: Vec<String> = weights.names().map(String::from).collect();
    names.iter().find_map(|name| weights.read(name).err().map(|error| error.to_string()))
}

/// One of the ways in which files get damaged, and one in which they are made to harm.
fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    // Headers, directories and pickles lie at the ends, which decide how the rest is read.
    let near = |random: &mut ChaCha8Rng, len: usize| match random.random_range(0..4) {
        0 => random.random_range(0..len),
        1 => random.random_range(0..len.min(64)),
        2 => len - 1 - random.random_range(0..len.min(4096)),
        _ => random.random_range(0..len.min(8192)),
    };
    for _ in 0..random.random_range(1..4) {
        if bytes.is_empty() {
            return;
        }
        let at = near(random, bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes[at] = random.random(),
            3 => {
                let extreme = *[0u8, 0x7f, 0x80, 0xff].get(random.random_range(0..4)).unwrap();
                let end = (at + random.random_range(1..9)).min(bytes.len());
                bytes[at..end].fill(extreme);
            }
            4 => {
                let from = near(random, bytes.len());
                let end = (from + random.random_range(1..64)).min(bytes.len());
                let piece = bytes[from..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let end = (at + random.random_range(1..64)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
}

#[test]
fn ten_thousand_damaged_weights_files_are_errors_or_harmless() {
    const EACH: usize = 1_200;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let folder = tempfile::tempdir().unwrap();
    for shard in 1..=4 {
        let name = format!("model-0000{shard}-of-00004.safetensors");
        let shard = golden("formats/vit/hf_sharded").join(&name);
        std::fs::copy(shard, folder.path().join(name)).unwrap();
    }
    let (mut refused, mut read) = (0, 0);
    for file in FILES {
        let whole = std::fs::read(golden(file)).unwrap();
        let path = folder.path().join("damaged");
        for _ in 0..EACH {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            std::fs::write(&path, bytes).unwrap();
            match read_all(&path) {
                Some(error) => {
                    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
                    refused += 1;
                }
                None => read += 1,
            }
        }
        assert_eq!(read_all(&golden(file)), None, "the whole file");
    }
    assert_eq!(refused + read, EACH * FILES.len());
    // Most of a file is numbers, of which any will do.
    assert!(refused > 2_000 && read > 500, "{refused} refused, {read} read");
}

#[test]
fn random_bytes_behind_any_magic_are_refused() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let magics: [&[u8]; 5] = [b"", b"PK\x03\x04", b"\x80\x02", b"\x09\0\0\0\0\0\0\0{", b"{"];
    for round in 0..1_000 {
        let mut bytes = magics[round % magics.len()].to_vec();
        bytes.extend((0..random.random_range(0..600)).map(|_| random.random::<u8>()));
        refusal(&bytes);
    }
}

#[test]
fn damaged_configurations_are_errors_or_harmless() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..3_000 {
        let mut bytes = std::fs::read(golden("formats/siglip/config.json")).unwrap();
        mutate(&mut bytes, &mut random);
        let Ok(config) = ClipConfig::from_json(&String::from_utf8_lossy(&bytes), "damaged") else {
            continue;
        };
        config.validate().unwrap();
    }
}

/// Writes bytes to a file and returns the error that opening it gives.
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.bin");
    std::fs::write(&path, bytes).unwrap();
    let error = read_all(&path).expect("it was accepted");
    assert!(error.contains("hostile.bin"), "the file is not named: {error}");
    error
}

/// A zip archive as `torch.save` writes it, around a pickle.
fn archive(pickle: &[u8], compression: zip::CompressionMethod) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(compression);
    writer.start_file("model/data.pkl", options).unwrap();
    writer.write_all(pickle).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_pickle_that_asks_python_to_run_a_command_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("executed");
    let command = format!("touch {}", trace.display());
    let mut bytes = vec![0x80, 2];
    bytes.extend(b"cposix\nsystem\n");
    bytes.push(b'X');
    bytes.extend((command.len() as u32).to_le_bytes());
    bytes.extend(command.as_bytes());
    bytes.extend([0x85, b'R', b'.']);
    let error = refusal(&archive(&bytes, zip::CompressionMethod::Stored));
    assert!(error.contains("posix.system") && error.contains("nothing was executed"), "{error}");
    assert!(!trace.exists());
}

#[test]
fn compressed_pickles_are_refused_unread() {
    // A hundred megabytes of zeros are a hundred kilobytes here.
    let bomb = archive(&vec![0; 100 << 20], zip::CompressionMethod::Deflated);
    assert!(bomb.len() < 1 << 20);
    let error = refusal(&bomb);
    assert!(error.contains("without an uncompressed data.pkl"), "{error}");
}

#[test]
fn headers_larger_than_any_model_s_are_refused_unread() {
    let mut bytes = (100u64 << 20).to_le_bytes().to_vec();
    bytes.extend(b"{\"a\": 1}");
    let error = refusal(&bytes);
    assert!(error.contains("104857600 bytes, above the limit"), "{error}");
}

#[test]
fn sizes_that_overflow_are_refused() {
    for shape in ["[4294967296,4294967296]", "[18446744073709551615,2]", "[9223372036854775807]"] {
        let header =
            format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[0,8]}}}}");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 8]);
        let error = refusal(&bytes);
        assert!(error.contains("tensor a"), "{error}");
    }
}

#[test]
fn pickles_that_build_without_end_are_refused() {
    let mut bytes = vec![0x80, 2];
    // Duplicates of one value cost a byte each, and eight here.
    bytes.push(b'N');
    bytes.resize(3 << 20, b'2');
    bytes.push(b'.');
    let error = refusal(&archive(&bytes, zip::CompressionMethod::Stored));
    assert!(error.contains("more than"), "{error}");
    let nested = vec![b'('; 2_000];
    let error = refusal(&archive(&nested, zip::CompressionMethod::Stored));
    assert!(error.contains("nests deeper"), "{error}");
}

#[test]
fn what_is_no_weights_file_is_named_for_what_it_is() {
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS pointer"),
        (b"<!doctype html><html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n", "it begins with"),
        (b"{\"embed_dim\": 512}", "no index"),
    ] {
        let error = refusal(bytes);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn missing_extra_and_misshaped_tensors_are_all_listed() {
    let config = ClipConfig::load(&golden("formats/vit/config.json")).unwrap();
    let bytes = std::fs::read(golden("formats/vit/open_clip.safetensors")).unwrap();
    let whole = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<(String, TensorView<'_>)> =
        whole.tensors().into_iter().filter(|(name, _)| name != "visual.proj").collect();
    let numbers = [0u8; 12];
    tensors.push(("surprise".into(), TensorView::new(Dtype::F32, vec![3], &numbers).unwrap()));
    let wrong = TensorView::new(Dtype::F32, vec![3, 1], &numbers).unwrap();
    for (name, view) in &mut tensors {
        if name == "ln_final.weight" {
            *view = wrong.clone();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();

    let weights = StateDict::open(&path).unwrap();
    let error = load_model(&config, &weights, DType::F32, &Device::flex()).unwrap_err().to_string();
    for expected in [
        "odd.safetensors",
        "missing tensor visual.proj",
        "unused tensor surprise",
        "ln_final.weight is [3, 1], expected [16]",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    assert!(infer_config(&weights, Some(true), &Device::flex()).is_err());
}
