//! Event files read back by a decoder that shares nothing with the encoder.

use std::fs;

use super::*;

/// What TensorBoard 2.21.0's `EventFileWriter` (protobuf 7.36.2) writes for the events of
/// [`bytes_are_those_of_tensorboards_own_writer`], after its first record, which names the writer.
const GOLDEN: &str = "\
    1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe90f000000\
    000000006d532b090900002040fc54d94110053a0208015ecbb75c300000000000000095f5d05f0900007040\
    fc54d9411080012a220a110a0a6c6f73732f747261696e15cdcccc3d0a0d0a066cc3a4756674150000000002\
    64e5d32a00000000000000ae8d91f50900008040fc54d941108080808080202a180a0a0a036e616e150000c0\
    7f0a0a0a03696e6615000080ff26257e88";

#[test]
fn bytes_are_those_of_tensorboards_own_writer() {
    let values = [("loss/train", 0.1), ("läuft", 0.0)];
    let odd_values = [("nan", f64::NAN), ("inf", f64::NEG_INFINITY)];
    let events = [
        Event { wall_time: 1700000000.25, step: 0, what: What::FileVersion },
        Event { wall_time: 1700000000.5, step: 5, what: What::SessionStart },
        Event { wall_time: 1700000001.75, step: 128, what: What::Scalars(&values) },
        Event { wall_time: 1700000002.0, step: 1 << 40, what: What::Scalars(&odd_values) },
    ];
    let bytes = events.iter().flat_map(|event| record::frame(&event.encode()));
    assert_eq!(bytes.map(|byte| format!("{byte:02x}")).collect::<String>(), GOLDEN);
}

#[test]
fn the_checksum_is_that_of_rfc_3720() {
    // https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
    let ascending: Vec<u8> = (0..32).collect();
    let descending: Vec<u8> = (0..32).rev().collect();
    let vectors: [(&[u8], u32); 4] = [
        (&[0; 32], 0x8a91_36aa),
        (&[0xff; 32], 0x62a8_ab43),
        (&ascending, 0x46dd_794e),
        (&descending, 0x113f_db5c),
    ];
    for (data, checksum) in vectors {
        assert_eq!(record::CRC_32C.checksum(data), checksum);
        assert_eq!(bitwise_crc_32c(data), checksum);
    }
}

#[test]
fn a_new_run_has_its_version_its_start_and_its_scalars() {
    let folder = tempfile::tempdir().unwrap();
    let before = since_epoch().as_secs_f64();
    let mut events = EventFile::create(&folder.path().join("new/tensorboard"), 0).unwrap();
    events.scalars(0, &[("loss", 2.5), ("rate", 1e-3)]).unwrap();
    events.scalars(200, &[("loss", f64::NAN)]).unwrap();
    let read = decode(events.path());
    assert_eq!(read.len(), 4);
    assert_eq!(read[0].version, "brain.Event:2");
    assert_eq!((read[1].step, read[1].starts), (0, true));
    assert_eq!(read[2].scalars, [("loss".into(), 2.5), ("rate".into(), 1e-3)]);
    assert_eq!((read[3].step, read[3].scalars[0].1.is_nan()), (200, true));
    assert!(read[0].wall_time >= before && read[3].wall_time <= since_epoch().as_secs_f64());
}

#[test]
fn a_resumed_run_says_where_it_starts_in_a_file_that_is_read_last() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> =
        (0..3).map(|n| EventFile::create(folder.path(), 1000 * n).unwrap()).collect();
    assert!(files.is_sorted_by(|a, b| a.path() < b.path()));
    let read = decode(files[2].path());
    assert_eq!(read[0].version, "brain.Event:2");
    assert_eq!((read[1].step, read[1].starts), (2000, true));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(EventFile::create(file.path(), 0).is_err());
}

/// Runs itself anew with files limited to 512 or 1024 bytes, whichever the shell counts in: a
/// longer record is written in part and then fails, as it does on a full disk.
#[cfg(unix)]
#[test]
fn a_failed_write_leaves_whole_records() {
    const FOLDER: &str = "CLIP_TEST_LIMITED_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let mut events = EventFile::create(Path::new(&folder), 0).unwrap();
        events.scalars(1, &[("loss", 1.0)]).unwrap();
        events.scalars(2, &[(&"long".repeat(1000), 2.0)]).unwrap_err();
        events.scalars(3, &[("loss", 3.0)]).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Without the trap the limit would end the process by a signal.
    let limited = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" a_failed_write_leaves_whole_records"])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stdout));
    let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let read: Vec<_> = decode(&path)[2..].iter().map(|event| event.scalars.clone()).collect();
    assert_eq!(read, [[("loss".into(), 1.0)], [("loss".into(), 3.0)]]);
}

/// An event as read.
#[derive(Default)]
struct Decoded {
    wall_time: f64,
    step: u64,
    version: String,
    scalars: Vec<(String, f32)>,
    starts: bool,
}

fn decode(path: &Path) -> Vec<Decoded> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut events = Vec::new();
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_checked(&rest[..12]);
        assert_checked(&rest[12..16 + length]);
        events.push(decode_event(&rest[12..12 + length]));
        rest = &rest[16 + length..];
    }
    events
}

/// Data followed by its masked checksum.
fn assert_checked(bytes: &[u8]) {
    let (data, masked) = bytes.split_last_chunk::<4>().unwrap();
    let unmasked = u32::from_le_bytes(*masked).wrapping_sub(0xa282_ead8).rotate_left(15);
    assert_eq!(unmasked, bitwise_crc_32c(data));
}

fn bitwise_crc_32c(data: &[u8]) -> u32 {
    let shift = |crc: u32, _| (crc >> 1) ^ ((crc & 1) * 0x82f6_3b78);
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), shift))
}

fn decode_event(message: &[u8]) -> Decoded {
    let mut event = Decoded::default();
    for (field, value) in fields(message) {
        match field {
            1 => event.wall_time = f64::from_le_bytes(value.try_into().unwrap()),
            2 => event.step = varint(&mut &value[..]),
            3 => event.version = String::from_utf8(value).unwrap(),
            5 => event.scalars = fields(&value).iter().map(|(_, value)| scalar(value)).collect(),
            7 => event.starts = value == [0x08, 1],
            other => panic!("field {other}"),
        }
    }
    event
}

fn scalar(message: &[u8]) -> (String, f32) {
    let [(1, tag), (2, value)] = &fields(message)[..] else { panic!("not a tag and a value") };
    let value = f32::from_le_bytes(value[..].try_into().unwrap());
    (String::from_utf8(tag.clone()).unwrap(), value)
}

/// Field numbers and the bytes of their values, a varint's as it stands.
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => message.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1,
            1 => 8,
            2 => varint(&mut message) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, message.split_off(..length).unwrap().to_vec()));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = *bytes.split_off_first().unwrap();
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}
