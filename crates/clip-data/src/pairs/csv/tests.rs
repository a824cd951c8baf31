use std::fs;

use super::*;
use crate::testing::{picture, png};

/// A folder with `images/0.png` to `2.png` and this table.
fn folder_of(name: &str, table: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("images")).unwrap();
    for number in 0..3 {
        let path = folder.path().join(format!("images/{number}.png"));
        fs::write(path, png(&picture(number))).unwrap();
    }
    fs::write(folder.path().join(name), table).unwrap();
    folder
}

fn options(json: &str) -> PairOptions {
    serde_json::from_str(json).unwrap()
}

fn caption(pairs: &CsvPairs, index: usize) -> String {
    pairs.get(index).unwrap().captions.main().to_owned()
}

#[test]
fn the_columns_of_open_clip_are_the_default() {
    let table =
        b"id,filepath,title\n7,images/0.png,\"Two cats, asleep.\"\n8, images/2.png ,A dog.\n";
    let folder = folder_of("train.csv", table);
    let path = folder.path().join("train.csv");
    let pairs = CsvPairs::open(&path, &options("{}"), &CaptionFilter::default()).unwrap();
    assert_eq!((pairs.len(), Path::new(pairs.name())), (2, path.as_path()));
    assert_eq!(caption(&pairs, 0), "Two cats, asleep.");
    let second = pairs.get(1).unwrap();
    assert_eq!(
        (second.key.as_str(), second.concept.as_deref().unwrap()),
        ("images/2.png", "images/2.png")
    );
    assert_eq!(second.image.decode(1_000).unwrap(), picture(2));
    assert_eq!(pairs.get(2).unwrap_err().cause, Cause::SourceFailed);
}

#[test]
fn several_caption_columns_a_concept_and_absolute_paths_are_read() {
    let folder = folder_of("a.tsv", b"");
    let path = folder.path().join("a.tsv");
    let image = folder.path().join("images/1.png");
    let image = image.to_str().unwrap();
    let table = format!("img\tlong\tshort\tkind\n{image}\tA cat.\tcat\t5\n{image}\t\tcat\t\n");
    fs::write(&path, table).unwrap();
    let options = options(
        r#"{"csv_img_key": "img", "csv_concept_key": "kind",
            "csv_caption_keys": [{"field": "short"}, {"field": "long", "weight": 3}]}"#,
    );
    let pairs = CsvPairs::open(&path, &options, &CaptionFilter::default()).unwrap();
    let field = |weight, text: &str| FieldTexts { weight, texts: vec![text.to_owned()] };
    let first = pairs.get(0).unwrap();
    assert_eq!(first.captions, Captions::Weighted(vec![field(1.0, "cat"), field(3.0, "A cat.")]));
    assert_eq!(first.concept.as_deref(), Some("5"));
    let second = pairs.get(1).unwrap();
    assert_eq!(second.captions, Captions::Weighted(vec![field(1.0, "cat")]));
    assert_eq!(second.concept, None);
}

#[test]
fn repeated_images_are_pairs_of_one_concept() {
    let folder = folder_of("a.csv", b"filepath,title\nimages/0.png,one\nimages/0.png,two\n");
    let path = folder.path().join("a.csv");
    let pairs = CsvPairs::open(path, &options("{}"), &CaptionFilter::default()).unwrap();
    let concepts = [0, 1].map(|index| pairs.get(index).unwrap().concept);
    assert_eq!(concepts[0], concepts[1]);
    assert_eq!([caption(&pairs, 0), caption(&pairs, 1)], ["one", "two"]);
}

#[test]
fn faults_name_the_line_and_what_is_wrong() {
    let table = b"filepath,title,similarity\nimages/9.png,A cat.,0.3\nimages/0.png\n,A cat.,0.3\n\
        images/0.png,caf\xe9,0.3\nimages/0.png,A cat.,0.2\nimages/0.png,cat,0.3\nimages,A cat.,1\n";
    let folder = folder_of("a.csv", table);
    let filter = r#"{"thresholds": ["similarity >= 0.28"], "min_words": 1, "min_chars": 4}"#;
    let filter: CaptionFilter = serde_json::from_str(filter).unwrap();
    let pairs = CsvPairs::open(folder.path().join("a.csv"), &options("{}"), &filter).unwrap();
    let wanted = [
        (Cause::NoImage, "sample `images/9.png`: line 2: cannot read"),
        (Cause::Filtered, "line 3: it has no number `similarity`"),
        (Cause::NoImage, "line 4: it names no image"),
        (Cause::NoCaption, "line 5: its caption is not UTF-8"),
        (Cause::Filtered, "line 6: its `similarity` is 0.2, not >= 0.28"),
        (Cause::Filtered, "line 7: its caption has 3 characters"),
        (Cause::NoImage, "is no regular file"),
    ];
    assert_eq!(pairs.len(), wanted.len());
    for (index, (cause, part)) in wanted.into_iter().enumerate() {
        let fault = pairs.get(index).unwrap_err();
        assert!(fault.to_string().contains(part), "{fault}");
        assert_eq!(fault.cause, cause);
    }
    let pairs =
        CsvPairs::open(folder.path().join("a.csv"), &options("{}"), &CaptionFilter::default());
    let fault = pairs.unwrap().get(1).unwrap_err();
    assert_eq!(
        (fault.cause, fault.reason.as_str()),
        (Cause::NoCaption, "line 3: it has no caption in title")
    );
}

#[test]
fn tables_that_lack_what_is_asked_for_are_explained() {
    let folder = folder_of("a.csv", b"filepath;title\nimages/0.png;A cat.\n");
    let message = |json: &str, filter: &str| {
        let filter = serde_json::from_str(filter).unwrap();
        let pairs = CsvPairs::open(folder.path().join("a.csv"), &options(json), &filter);
        pairs.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let fine = r#"{"csv_separator": ";"}"#;
    assert_eq!(message(fine, "{}"), "");
    for (json, filter, part) in [
        ("{}", "{}", "a.csv: it has no column `filepath`, but `filepath;title`"),
        (fine, r#"{"thresholds": ["width >= 1"]}"#, "no column `width`, but `filepath`, `title`"),
        (r#"{"csv_separator": "é"}"#, "{}", "csv_separator"),
    ] {
        let message = message(json, filter);
        assert!(message.contains(part), "{message}");
    }
    let nowhere = CsvPairs::open("nowhere.csv", &options("{}"), &CaptionFilter::default());
    assert!(nowhere.err().unwrap().to_string().contains("cannot read nowhere.csv"));
}
