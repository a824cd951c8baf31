//! Small archives in the original layout, for this module's tests.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};

use crate::testing::tar_bytes;

/// CIFAR-10's files, each with a word in place of its records.
pub fn cifar10_members() -> Vec<(&'static str, &'static [u8])> {
    let members: [(&str, &[u8]); 7] = [
        ("cifar-10-batches-bin/data_batch_1.bin", b"1"),
        ("cifar-10-batches-bin/data_batch_2.bin", b"2"),
        ("cifar-10-batches-bin/data_batch_3.bin", b"3"),
        ("cifar-10-batches-bin/data_batch_4.bin", b"4"),
        ("cifar-10-batches-bin/data_batch_5.bin", b"5"),
        ("cifar-10-batches-bin/test_batch.bin", b"test"),
        ("cifar-10-batches-bin/batches.meta.txt", b"names"),
    ];
    members.to_vec()
}

/// A `.tar.gz` with these members (name, bytes) in order.
pub fn gzipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar_bytes(members)).unwrap();
    gzip.finish().unwrap()
}

/// The hexadecimal MD5 of `bytes`.
pub fn md5_of_bytes(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
