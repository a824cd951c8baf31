use crc::{CRC_32_ISCSI, Crc};

/// CRC-32C, by the name it has in the catalogue of CRCs.
pub(super) static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A TFRecord: the data between its length and its checksum.
///
/// <https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>
pub(super) fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// A checksum that is itself stored beside data is masked, so that a checksum of both is sound.
fn masked_crc(data: &[u8]) -> u32 {
    CRC_32C.checksum(data).rotate_right(15).wrapping_add(0xa282_ead8)
}
