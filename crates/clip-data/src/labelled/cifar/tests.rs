//! Small CIFAR folders in the original layout, whole and damaged.

use std::fs;
use std::path::Path;

use super::*;
use crate::LabelledImages;

/// A record whose red plane counts up, green is its label and blue is 7.
fn record(labels: &[u8]) -> Vec<u8> {
    let planes = (0..IMAGE).map(|position| match position / (SIDE * SIDE) {
        0 => (position % 251) as u8,
        1 => labels[labels.len() - 1],
        _ => 7,
    });
    labels.iter().copied().chain(planes).collect()
}

fn cifar10_at(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let names = (0..10).map(|class| format!("class_{class}\n")).collect::<String>();
    fs::write(folder.join("batches.meta.txt"), names + "\n").unwrap();
    fs::write(folder.join("test_batch.bin"), [record(&[3]), record(&[9])].concat()).unwrap();
    for number in 1..=5 {
        fs::write(folder.join(format!("data_batch_{number}.bin")), record(&[number])).unwrap();
    }
}

#[test]
fn cifar10_reads_planes_labels_and_names_from_either_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("cifar-10-batches-bin");
    cifar10_at(&inner);
    for path in [folder.path(), &inner] {
        let test = LabelledPixels::cifar(path, CifarSet::Cifar10, Split::Test).unwrap();
        assert_eq!((test.len(), test.class_names()[3].as_str()), (2, "class 3"));
        assert_eq!(test.labels(), [3, 9]);
        let corner = test.image(1).unwrap().to_rgb8().get_pixel(1, 2).0;
        assert_eq!(corner, [2 * 32 + 1, 9, 7]);
        assert!(matches!(test.image(2), Err(DataError::OutOfRange { index: 2, len: 2 })));
    }
    let train = LabelledPixels::cifar(folder.path(), CifarSet::Cifar10, Split::Train).unwrap();
    assert_eq!(train.labels(), [1, 2, 3, 4, 5]);
}

#[test]
fn cifar100_uses_the_fine_label() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..100).map(|class| format!("name_{class}")).collect();
    fs::write(folder.path().join("fine_label_names.txt"), names.join("\n")).unwrap();
    fs::write(folder.path().join("test.bin"), record(&[4, 71])).unwrap();
    let test = LabelledPixels::cifar(folder.path(), CifarSet::Cifar100, Split::Test).unwrap();
    assert_eq!(test.labels(), [71]);
    assert_eq!(test.class_names()[71], "name 71");
}

#[test]
fn damaged_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = || {
        let error =
            LabelledPixels::cifar(folder.path(), CifarSet::Cifar10, Split::Test).err().unwrap();
        error.to_string()
    };
    assert!(message().contains("test_batch.bin") && message().contains("check that it exists"));
    cifar10_at(folder.path());
    let batch = folder.path().join("test_batch.bin");
    fs::write(&batch, &record(&[1])[1..]).unwrap();
    assert!(message().contains("3072 bytes are no whole number of 3073-byte records"));
    fs::write(&batch, [record(&[1]), record(&[10])].concat()).unwrap();
    assert!(message().contains("image 1 has label 10 of 10 classes"));
    fs::write(&batch, record(&[1])).unwrap();
    fs::write(folder.path().join("batches.meta.txt"), "cat\n").unwrap();
    assert!(message().contains("batches.meta.txt: 1 class names, expected 10"));
}

#[test]
fn a_folder_tells_which_set_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let holds = |set: CifarSet| set.is_in(folder.path());
    assert!(!holds(CifarSet::Cifar10) && !holds(CifarSet::Cifar100));
    cifar10_at(&folder.path().join("cifar-10-batches-bin"));
    assert!(holds(CifarSet::Cifar10) && !holds(CifarSet::Cifar100));
}
