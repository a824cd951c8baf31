//! A file that scipy wrote; see `tests/reference/make_mat.py`.

use std::fs;
use std::path::PathBuf;

use super::*;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/labelled/iiit5k")
}

#[test]
fn words_are_numbered_once_whatever_their_case() {
    let inner = fixture().join("IIIT5K");
    for folder in [&fixture(), &inner] {
        let set = LexiconImages::iiit5k(folder, Split::Test).unwrap();
        assert_eq!(set.words(), ["PRIVATE", "PARKING", "HOTEL", "BAR", "INN", "2008"]);
        assert_eq!(set.truth(), [0, 3, 5]);
        assert_eq!(set.lexicons(Lexicon::Small), [vec![0, 1], vec![0, 2, 3], vec![2, 3, 4]]);
        let medium = [vec![0, 1, 2, 3], vec![2, 3, 4, 5], vec![2, 3, 4, 5]];
        assert_eq!(set.lexicons(Lexicon::Medium), medium);
        assert_eq!(set.image(2).unwrap().width(), 8);
        assert!(matches!(set.image(3), Err(DataError::OutOfRange { index: 3, len: 3 })));
    }
}

#[test]
fn what_is_missing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let message = |split| LexiconImages::iiit5k(folder.path(), split).err().unwrap().to_string();
    assert!(message(Split::Train).contains("traindata.mat"));
    let annotations = fs::read(fixture().join("IIIT5K/testdata.mat")).unwrap();
    fs::write(folder.path().join("testdata.mat"), &annotations).unwrap();
    let missing = message(Split::Test);
    assert!(missing.contains("test/1002_1.png, which is not there"), "{missing}");
    assert!(missing.contains("unpack all of the data set's archive"), "{missing}");
    fs::write(folder.path().join("traindata.mat"), &annotations).unwrap();
    assert!(message(Split::Train).contains("it has no structures `traindata`"));
    let half = &annotations[..annotations.len() / 2];
    fs::write(folder.path().join("testdata.mat"), half).unwrap();
    assert!(message(Split::Test).contains("testdata.mat: it ends within a variable"));
}
