use std::path::{Path, PathBuf};

/// Which of the two data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CifarSet {
    /// 10 classes.
    Cifar10,
    /// 100 classes, the fine ones.
    Cifar100,
}

/// What tells CIFAR-10 and CIFAR-100 apart.
pub(super) struct Layout {
    pub archive: &'static str,
    pub folder: &'static str,
    pub train: &'static [&'static str],
    pub test: &'static str,
    pub names: &'static str,
    pub classes: usize,
    /// Label bytes before each image; the last is the one that counts.
    pub label_bytes: usize,
}

const CIFAR10: Layout = Layout {
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    classes: 10,
    label_bytes: 1,
};

const CIFAR100: Layout = Layout {
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    classes: 100,
    label_bytes: 2,
};

impl CifarSet {
    /// The address below which both archives are published.
    pub const ORIGIN: &'static str = "https://www.cs.toronto.edu/~kriz";

    /// The set's name as its authors write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
        }
    }

    /// The file name of the archive with the binary version.
    pub fn archive(self) -> &'static str {
        self.layout().archive
    }

    /// Whether `folder`, or the folder in it that the archive unpacks to, holds the test split.
    pub fn is_in(self, folder: &Path) -> bool {
        let layout = self.layout();
        let folder = layout.folder_in(folder);
        folder.join(layout.test).is_file() && folder.join(layout.names).is_file()
    }

    pub(super) fn layout(self) -> &'static Layout {
        match self {
            Self::Cifar10 => &CIFAR10,
            Self::Cifar100 => &CIFAR100,
        }
    }
}

impl Layout {
    /// Where the files are, if `folder` is their folder or has it.
    pub fn folder_in(&self, folder: &Path) -> PathBuf {
        let inner = folder.join(self.folder);
        if inner.is_dir() { inner } else { folder.to_owned() }
    }
}
