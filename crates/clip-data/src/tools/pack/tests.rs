use std::fs;

use super::*;
use crate::testing::{picture, png};
use crate::{Cause, Location, ShardOpener, ShardOptions, ShardReader};

/// Key, first extension, image bytes and caption of each sample.
type Found = Vec<(String, String, Vec<u8>, String)>;

/// A folder for sources, with images `0.png` to `4.png`, and one for shards.
struct Folders {
    source: tempfile::TempDir,
    shards: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let folders =
            Self { source: tempfile::tempdir().unwrap(), shards: tempfile::tempdir().unwrap() };
        (0..5).for_each(|number| folders.put(&format!("{number}.png"), &png(&picture(number))));
        folders
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.source.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Packs what is at `name` of the source folder.
    fn pack(&self, name: &str, options: &PackOptions) -> Result<PackReport, DataError> {
        let shards = ShardOptions { append: true, max_samples: 3, ..ShardOptions::default() };
        let writer = ShardWriter::create(self.shards.path(), shards).unwrap();
        pack_shards(&[self.source.path().join(name)], writer, options, &mut |_| ())
    }

    fn found(&self) -> Found {
        let mut found = Vec::new();
        for shard in crate::expand_shards(&[self.shards.path().to_string_lossy().into()]).unwrap() {
            found.extend(samples(&shard));
        }
        found
    }
}

fn samples(shard: &Location) -> Found {
    let reader = ShardReader::open(shard, &ShardOpener::default(), 1 << 20).unwrap();
    let found = reader.map(|sample| {
        let sample = sample.unwrap();
        let (extension, image) = sample.members[0].clone();
        let caption = String::from_utf8(sample.members[1].1.clone()).unwrap();
        (sample.key, extension, image, caption)
    });
    found.collect()
}

/// The sample that the image of this number and a caption make.
fn sample(key: &str, number: usize, caption: &str) -> (String, String, Vec<u8>, String) {
    (key.into(), "png".into(), png(&picture(number)), caption.into())
}

#[test]
fn a_folder_is_packed_in_order_with_names_kept() {
    let folders = Folders::new();
    folders.put("0.txt", b"zero\n");
    folders.put("1.cls", b"7");
    folders.put("b/img.v2.JPG", b"jpeg");
    folders.put("b/img.v2.json", b"{}");
    folders.put("b/.hidden.png", b"x");
    folders.put("3.txt", b" \n");
    let report = folders.pack("", &PackOptions::default()).unwrap();
    let jpeg = ("b/img_v2".to_owned(), "jpg".to_owned(), b"jpeg".to_vec(), "{}".to_owned());
    assert_eq!(folders.found(), [sample("0", 0, "zero\n"), sample("1", 1, "7"), jpeg]);
    assert_eq!((report.written, report.faults.count(Cause::NoCaption)), (3, 3));
    assert_eq!(report.index.samples(), 3);
    let fault = report.faults.first()[0].to_string();
    assert!(fault.contains("sample `2.png`: it has no caption: put a .txt"), "{fault}");
}

#[test]
fn tables_and_lines_are_packed_by_number_and_go_on_where_shards_end() {
    let folders = Folders::new();
    folders.put(
        "a.csv",
        b"\xef\xbb\xbfid,filepath,title\n7,0.png,\"one, \"\"two\"\"\"\n8,1.png, b \n",
    );
    folders.put("a.tsv", "title\tfilepath\nünf\t2.png\n".as_bytes());
    folders.put(
        "a.jsonl",
        b"{\"filepath\": \"3.png\", \"title\": \"three\"}\n\n{\"filepath\": \"4.png\", \"title\": [\"a\", \"b\"]}",
    );
    for name in ["a.csv", "a.tsv", "a.jsonl"] {
        let report = folders.pack(name, &PackOptions::default()).unwrap();
        assert_eq!(report.faults.total(), 0, "{}", report.faults);
    }
    let wanted = [
        sample("000000000", 0, "one, \"two\""),
        sample("000000001", 1, "b"),
        sample("000000002", 2, "ünf"),
        sample("000000003", 3, "three"),
        sample("000000004", 4, "a\nb"),
    ];
    assert_eq!(folders.found(), wanted);
}

#[test]
fn columns_separator_and_root_are_as_named() {
    let folders = Folders::new();
    folders.put("tables/a.csv", b"file;text\n0.png;zero\n");
    let options = PackOptions {
        image_column: "file".into(),
        caption_column: "text".into(),
        separator: Some(b';'),
        root: Some(folders.source.path().to_owned()),
        keys: Some(KeyRule::Name),
        ..PackOptions::default()
    };
    folders.pack("tables/a.csv", &options).unwrap();
    assert_eq!(folders.found(), [sample("0", 0, "zero")]);
    let message = folders.pack("tables/a.csv", &PackOptions::default()).unwrap_err().to_string();
    assert!(message.contains("no column `filepath`, but `file;text`: name one"), "{message}");
}

#[test]
fn unusable_rows_are_counted_by_cause_and_the_rest_is_packed() {
    let folders = Folders::new();
    folders.put("no.png", b"");
    folders.put(
        "a.csv",
        b"filepath,title\ngone.png,a\n,b\n0.png,\nhttp://h/a.png,c\n1.png,a,b\n1.png,\xff\nno.png,d\n\
          ../x/1.png,e\n2.png,two\n",
    );
    let options = PackOptions { keys: Some(KeyRule::Name), named: 20, ..PackOptions::default() };
    let report = folders.pack("a.csv", &options).unwrap();
    assert_eq!(folders.found(), [sample("2", 2, "two")]);
    let causes = [Cause::NoImage, Cause::NoCaption].map(|cause| report.faults.count(cause));
    assert_eq!(causes, [5, 3], "{}", report.faults);
    let said = report.faults.to_string();
    for part in ["sample `row 2`: cannot read", "gone.png", "row 6`: it has 3 cells", "row 7`"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn names_that_shards_cannot_hold_are_faults_that_say_so() {
    let folders = Folders::new();
    folders.put("tables/a.csv", b"filepath,title\n../0.png,zero\n");
    let options = PackOptions { keys: Some(KeyRule::Name), ..PackOptions::default() };
    let report = folders.pack("tables/a.csv", &options).unwrap();
    assert_eq!(report.faults.count(Cause::BadName), 1);
    let said = report.faults.to_string();
    assert!(said.contains("sample `../0`") && said.contains("number the samples"), "{said}");
}

#[test]
fn too_many_unusable_rows_end_the_work() {
    let folders = Folders::new();
    folders.put("a.csv", b"filepath,title\n0.png,a\nx.png,a\ny.png,a\nz.png,a\n");
    let with = |max_bad| PackOptions { max_bad: Some(max_bad), ..PackOptions::default() };
    let message = folders.pack("a.csv", &with(1)).unwrap_err().to_string();
    assert!(message.contains("more than 1 images can't be used; no image: 2"), "{message}");
    assert!(message.contains("x.png"), "{message}");
    assert_eq!(folders.pack("a.csv", &with(3)).unwrap().written, 1);
}

#[test]
fn what_is_no_source_is_explained() {
    let folders = Folders::new();
    folders
        .put("long.csv", &[b"filepath,title\n0.png,\"", vec![b'x'; 2 << 20].as_slice()].concat());
    folders.put("long.jsonl", &vec![b'x'; 17 << 20]);
    folders.put("a.zip", b"");
    for (name, part) in [
        ("long.csv", "line 2: the row has more than 1048576 bytes: see whether a quote"),
        ("long.jsonl", "line 1: it has more than"),
        ("a.zip", "neither a folder nor"),
        ("nowhere", "cannot read"),
    ] {
        let message = folders.pack(name, &PackOptions::default()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains(name), "{message}");
    }
    folders.put("a.jsonl", b"{\n{\"filepath\": 3}\n{\"filepath\": \"0.png\"}\n");
    let report = folders.pack("a.jsonl", &PackOptions::default()).unwrap();
    assert_eq!(report.faults.total(), 3);
}
