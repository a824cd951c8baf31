//! Shards that are broken or mean harm: the good samples in them still arrive, nothing panics,
//! nothing is written, and memory stays small.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which a panic fails")]

use std::fs;
use std::io::Write;
use std::path::Path;

use clip_data::{
    Cause, DEFAULT_MAX_PIXELS, Fault, RawSample, ShardOpener, ShardReader, decode_sample,
    expand_shards,
};
use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, ImageFormat};
use tar::{EntryType, Header};

const BLOCK: usize = 512;
const MAX_MEMBER_BYTES: u64 = 1 << 20;

type Outcome = Result<RawSample, Fault>;

/// A header with any name and size, and with a checksum that is right.
fn header(name: &str, size: u64, kind: EntryType) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(size);
    header.set_entry_type(kind);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(BLOCK), 0);
    padded
}

fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    [header(name, bytes.len() as u64, EntryType::Regular), padded(bytes)].concat()
}

/// A tar of these pieces, with its end mark.
fn tar(pieces: &[Vec<u8>]) -> Vec<u8> {
    [pieces.concat(), vec![0; 2 * BLOCK]].concat()
}

/// Bytes without a pattern.
fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Samples of an image that compresses badly and a text.
fn pieces(samples: usize) -> Vec<Vec<u8>> {
    let sample = |number: usize| {
        let image = file(&format!("{number}.jpg"), &noise(number as u32, 100 + 331 * number));
        [image, file(&format!("{number}.txt"), format!("number {number}").as_bytes())]
    };
    (0..samples).flat_map(sample).collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A gzipped tar of three good samples, and after the first a header and megabytes of one byte.
fn bombed(header: &[u8], filler: u8, megabytes: usize) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&[&file("0.txt", b"good"), header].concat()).unwrap();
    let megabyte = vec![filler; 1 << 20];
    (0..megabytes).for_each(|_| gzip.write_all(&megabyte).unwrap());
    gzip.write_all(&tar(&[file("2.txt", b"good"), file("3.txt", b"good")])).unwrap();
    gzip.finish().unwrap()
}

fn read_file(path: &Path) -> Vec<Outcome> {
    let location = path.to_path_buf().into();
    ShardReader::open(&location, &ShardOpener::default(), MAX_MEMBER_BYTES).unwrap().collect()
}

fn read(bytes: &[u8]) -> Vec<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shard.tar");
    fs::write(&path, bytes).unwrap();
    let mut outcomes = read_file(&path);
    for sample in outcomes.iter_mut().flatten() {
        sample.shard = "".into();
    }
    outcomes
}

fn keys(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes.iter().flatten().map(|sample| sample.key.as_str()).collect()
}

fn faults(outcomes: &[Outcome]) -> Vec<Cause> {
    outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|fault| fault.cause).collect()
}

#[test]
fn a_shard_cut_at_any_block_gives_its_complete_samples_unharmed_and_one_fault() {
    let plain = tar(&pieces(6));
    let whole = read(&plain);
    assert_eq!(keys(&whole), ["0", "1", "2", "3", "4", "5"]);
    for shard in [gzipped(&plain), plain] {
        for length in (0..shard.len()).step_by(BLOCK) {
            let found = read(&shard[..length]);
            let good: Vec<_> = found.iter().filter(|outcome| outcome.is_ok()).collect();
            assert!(good.into_iter().eq(&whole[..keys(&found).len()]), "cut at {length}");
            if found.len() < whole.len() || keys(&found).len() < whole.len() {
                assert_eq!(faults(&found), [Cause::BrokenShard], "cut at {length}");
                assert!(found.last().unwrap().is_err(), "cut at {length}");
            }
        }
    }
}

#[test]
fn a_damaged_header_costs_its_own_sample_alone() {
    let pieces = pieces(5);
    let whole = read(&tar(&pieces));
    let wrong_checksum = |header: &mut [u8]| header[0] ^= 1;
    let noise = |header: &mut [u8]| header.copy_from_slice(&noise(7, BLOCK));
    for (damaged, piece) in pieces.iter().enumerate() {
        for (number, damage) in [wrong_checksum as fn(&mut [u8]), noise].into_iter().enumerate() {
            if damaged == 0 && number == 1 {
                continue; // A file that begins with noise is no tar.
            }
            let mut pieces = pieces.clone();
            pieces[damaged] = piece.clone();
            damage(&mut pieces[damaged][..BLOCK]);
            let found = read(&tar(&pieces));
            assert_eq!(faults(&found), [Cause::BrokenShard], "piece {damaged}");
            for (index, sample) in whole.iter().enumerate() {
                assert!(index == damaged / 2 || found.contains(sample), "piece {damaged}, {index}");
            }
        }
    }
}

#[test]
fn sizes_that_lie_take_no_memory() {
    let ten_gigabytes = header("1.jpg", 10 << 30, EntryType::Regular);
    let found = read(&tar(&[file("0.txt", b"good"), ten_gigabytes, file("2.txt", b"swallowed")]));
    assert_eq!((keys(&found), faults(&found)), (vec!["0"], vec![Cause::BrokenShard]));
    for kind in [EntryType::XHeader, EntryType::GNULongName, EntryType::XGlobalHeader] {
        let bomb = header("x", 64 << 20, kind);
        let found = read(&bombed(&bomb, b'a', 64));
        assert_eq!(keys(&found), ["0", "3"], "{kind:?}: the member it says something of is lost");
        assert_eq!(faults(&found), [Cause::BrokenShard], "{kind:?}");
    }
    let bomb = header("1.jpg", 256 << 20, EntryType::Regular);
    let found = read(&bombed(&bomb, 0, 256));
    assert_eq!((keys(&found), faults(&found)), (vec!["0", "2", "3"], vec![Cause::MemberTooLarge]));
    assert_small();
}

#[test]
fn sparse_files_that_lie_are_passed_over() {
    let sparse = |records: &str, stored: &[u8]| {
        let mut pieces = vec![file("0.txt", b"good")];
        pieces.push(header("x", records.len() as u64, EntryType::XHeader));
        pieces.push(padded(records.as_bytes()));
        pieces.push(file("1.jpg", stored));
        pieces.push(file("2.txt", b"good"));
        read(&tar(&pieces))
    };
    let version = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n";
    let terabyte = format!("{version}37 GNU.sparse.realsize=1000000000000\n");
    let found = sparse(&terabyte, b"1\n0\n1\n");
    assert_eq!((keys(&found), faults(&found)), (vec!["0", "2"], vec![Cause::MemberTooLarge]));
    let small = format!("{version}26 GNU.sparse.realsize=99\n");
    for stored in [&b"1\n90\n10\n"[..], b"1\n18446744073709551615\n9\n", b"9999999999\n", b"x", b""]
    {
        let found = sparse(&small, stored);
        assert_eq!(keys(&found).first(), Some(&"0"));
        assert_eq!(keys(&found).last(), Some(&"2"), "{}", String::from_utf8_lossy(stored));
        assert_eq!(faults(&found), [Cause::BrokenShard]);
    }
    assert_small();
}

#[test]
fn names_are_data_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["../../up.txt", "/abs.txt", "a/../../b.txt", "..", "../.txt", "C:\\x.txt"];
    let mut pieces: Vec<_> = names.iter().map(|name| file(name, b"harm")).collect();
    pieces.push(header("link.txt", 0, EntryType::Symlink));
    pieces.push(header("made/", 0, EntryType::Directory));
    let path = folder.path().join("shard.tar");
    fs::write(&path, tar(&pieces)).unwrap();
    let found = read_file(&path);
    assert_eq!(keys(&found), ["../../up", "/abs", "a/../../b", "C:\\x"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(!folder.path().join("../../up.txt").exists());
}

#[test]
fn samples_with_the_same_key_stay_apart() {
    let sample = |text: &[u8]| [file("a.txt", text), file("a.jpg", b"image")];
    let found = read(&tar(&[sample(b"1"), sample(b"2"), sample(b"3")].concat()));
    let texts = found.iter().map(|sample| sample.as_ref().unwrap().member("txt").unwrap());
    assert_eq!(texts.collect::<Vec<_>>(), [b"1", b"2", b"3"]);
}

/// A PNG file whose header says another size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(1, 1).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let mut bytes = bytes.into_inner();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

/// A JPEG file whose header says another size.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(16, 16).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let mut bytes = bytes.into_inner();
    let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// A good image of that many pixels a side.
fn square(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_rgb8(side, side).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Images whose headers lie, by the ending of their name, with the fault they are where it is one
/// alone.
fn lies() -> [(&'static str, Vec<u8>, Option<Cause>); 7] {
    let webp = b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff";
    let good = square(5);
    [
        ("png", png(14_000, 12_000), Some(Cause::TooManyPixels)),
        ("png", png(u32::MAX >> 1, u32::MAX >> 1), None),
        ("png", png(0, 7), None),
        ("jpg", jpeg(65_535, 65_535), Some(Cause::TooManyPixels)),
        ("jpg", b"\xff\xd8\xff\xe0 and no more".to_vec(), Some(Cause::Undecodable)),
        ("png", good[..good.len() / 2].to_vec(), Some(Cause::Undecodable)),
        ("webp", webp.to_vec(), None),
    ]
}

#[test]
fn images_whose_headers_lie_are_faults_between_good_samples() {
    let mut pieces = Vec::new();
    for (number, (extension, bytes, _)) in lies().iter().enumerate() {
        pieces.push(file(&format!("good{number}.png"), &square(5)));
        pieces.push(file(&format!("lie{number}.{extension}"), bytes));
    }
    for (number, outcome) in read(&tar(&pieces)).iter().enumerate() {
        let decoded = decode_sample(outcome.as_ref().unwrap(), DEFAULT_MAX_PIXELS);
        let (_, _, cause) = &lies()[number / 2];
        match (number % 2, decoded) {
            (0, decoded) => assert_eq!(decoded.unwrap().width(), 5),
            (_, Ok(_)) => panic!("image {number} was read"),
            (_, Err(fault)) => assert!(cause.is_none_or(|cause| cause == fault.cause), "{fault}"),
        }
    }
    assert_small();
}

#[test]
fn what_an_image_is_is_told_by_its_content() {
    let found = read(&tar(&[file("0.jpg", &square(5))]));
    let image = decode_sample(found[0].as_ref().unwrap(), DEFAULT_MAX_PIXELS).unwrap();
    assert_eq!(image.width(), 5);
}

#[test]
fn a_folder_of_all_that_gives_every_good_sample() {
    let folder = tempfile::tempdir().unwrap();
    let whole = tar(&pieces(3));
    let mut damaged = whole.clone();
    damaged[2 * BLOCK] ^= 1; // the second header
    let shards = [
        whole.clone(),
        whole[..whole.len() / 2].to_vec(),
        gzipped(&whole),
        gzipped(&whole)[..300].to_vec(),
        damaged,
        noise(3, 5000),
        Vec::new(),
        whole,
    ];
    for (number, bytes) in shards.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.tar")), bytes).unwrap();
    }
    let spec = folder.path().to_string_lossy().into_owned();
    let shards = expand_shards(&[spec]).unwrap();
    let found: Vec<_> = shards.iter().map(|shard| read_file(shard.file().unwrap())).collect();
    for whole in [0, 2, 7] {
        assert_eq!(keys(&found[whole]), ["0", "1", "2"], "shard {whole}");
    }
    for broken in [1, 3, 4, 5, 6] {
        assert_eq!(faults(&found[broken]), [Cause::BrokenShard], "shard {broken}");
    }
}

/// A folder of damaged and harmful shards with good samples in them, whose keys it returns.
#[cfg(feature = "loader")]
fn hostile_folder(folder: &Path) -> Vec<String> {
    let mut good = Vec::new();
    let mut sample = |number: usize| {
        good.push(format!("good{number}"));
        let text = file(&format!("good{number}.txt"), format!("number {number}").as_bytes());
        vec![file(&format!("good{number}.png"), &square(1 + number as u32 % 9)), text]
    };
    let bad = |name: &str, extension: &str, bytes: &[u8]| {
        vec![file(&format!("{name}.{extension}"), bytes), file(&format!("{name}.txt"), b"bad")]
    };
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();

    let mut liars = Vec::new();
    for (number, (extension, bytes, _)) in lies().iter().enumerate() {
        liars.extend([sample(number), bad(&format!("lie{number}"), extension, bytes)].concat());
    }
    write("liars.tar", &tar(&liars));
    let mut damaged = bad("checksum", "png", &square(3));
    damaged[0][0] ^= 1;
    let damaged = [sample(100), damaged, sample(101), bad("../../up", "png", b"no image")].concat();
    write("damaged.tar", &tar(&damaged));
    let ten_gigabytes = header("huge.png", 10 << 30, EntryType::Regular);
    write("huge.tar", &tar(&[sample(200), vec![ten_gigabytes]].concat()));
    let same = [sample(300), sample(300), sample(300)].concat();
    write("same.tar", &gzipped(&tar(&same)));
    write("noise.tar", &noise(3, 5000));
    let whole = tar(&(400..404).flat_map(&mut sample).collect::<Vec<_>>());
    write("cut.tar", &[&whole[..], &file("cut.png", &noise(9, 4000))[..BLOCK * 2]].concat());
    good
}

#[cfg(feature = "loader")]
#[test]
fn the_loader_gives_every_good_sample_of_a_hostile_folder_and_counts_the_others() {
    use clip_data::{LoaderConfig, PairLoader};
    use clip_model::{Tokenizer, VOCAB_SIZE};

    let folder = tempfile::tempdir().unwrap();
    let mut good = hostile_folder(folder.path());
    let before = fs::read_dir(folder.path()).unwrap().count();
    let mut config = LoaderConfig::new(vec![folder.path().to_string_lossy().into_owned()], 1, 8);
    config.options.unique_concepts = false;
    config.options.max_bad_share = 1.0;
    let tokenizer = Tokenizer::new(16, VOCAB_SIZE).unwrap();
    let mut loader = PairLoader::new(config, tokenizer.into()).unwrap();
    let mut keys: Vec<String> = Vec::new();
    for batch in loader.by_ref() {
        let batch = batch.unwrap();
        if batch.epoch > 0 {
            break;
        }
        keys.extend(batch.keys);
    }
    keys.sort();
    good.sort();
    assert_eq!(keys, good);
    let bad = &loader.stats().bad;
    for cause in [Cause::BrokenShard, Cause::Undecodable, Cause::TooManyPixels] {
        assert!(bad.contains_key(&cause), "{cause:?} is missing in {bad:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
    assert_small();
}

/// The process has never held more than 200 MB.
fn assert_small() {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = peak.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 200_000, "{kilobytes} kB");
}
