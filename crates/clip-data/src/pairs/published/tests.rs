//! The files as they are published.

use super::*;
use crate::testing::{picture, png};

/// A folder with these files, and images whose numbers are their places.
fn folder_of(files: &[(&str, &str)], images: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    files.iter().for_each(|(name, text)| write(name, text.as_bytes()));
    images.iter().enumerate().for_each(|(at, name)| write(name, &png(&picture(at))));
    folder
}

fn message(files: &[(&str, &str)], images: &[&str]) -> String {
    let folder = folder_of(files, images);
    EvalPairs::published(folder.path()).err().unwrap().to_string()
}

const COCO: &str = r#"{"info": {"year": 2017}, "licenses": [],
"images": [{"license": 4, "file_name": "000000397133.jpg", "height": 427, "width": 640, "id": 397133},
           {"license": 1, "file_name": "000000037777.jpg", "height": 230, "width": 352, "id": 37777}],
"annotations": [{"image_id": 37777, "id": 43, "caption": "A kitchen. "},
                {"image_id": 397133, "id": 37, "caption": "A man with a pizza."},
                {"image_id": 37777, "id": 49, "caption": "\nA stove and a bowl."}]}"#;

const CAPTIONS: &str = "annotations/captions_val2017.json";
const PHOTOS: [&str; 2] = ["val2017/000000397133.jpg", "val2017/000000037777.jpg"];

#[test]
fn coco_captions_go_to_the_image_that_they_name() {
    for images in [PHOTOS, PHOTOS.map(|name| name.strip_prefix("val2017/").unwrap())] {
        let folder = folder_of(&[(CAPTIONS, COCO)], &images);
        let pairs = EvalPairs::published(folder.path()).unwrap();
        assert_eq!((pairs.len(), pairs.key(0).unwrap()), (2, "000000397133"));
        assert_eq!(pairs.captions(1).unwrap(), ["A kitchen.", "A stove and a bowl."]);
        assert_eq!(pairs.image(1).unwrap(), picture(1));
    }
}

#[test]
fn what_coco_lacks_is_told() {
    let said = message(&[(CAPTIONS, COCO)], &PHOTOS[..1]);
    assert!(said.contains("captions_val2017.json: it names "), "{said}");
    assert!(said.contains("val2017/000000037777.jpg, which is not there"), "{said}");
    assert!(said.contains("put the images of COCO's val2017.zip there"), "{said}");
    let said = message(&[("annotations/captions_val2014.json", COCO)], &[]);
    assert!(said.contains("val2014/000000397133.jpg") && said.contains("val2014.zip"), "{said}");
    let said = message(&[(CAPTIONS, &COCO[..COCO.len() - 9])], &PHOTOS);
    assert!(said.contains("captions_val2017.json: it is malformed: EOF"), "{said}");
    let said =
        message(&[(CAPTIONS, &COCO.replace("37, \"caption\": \"A man", "37, \"c\": \""))], &[]);
    assert!(said.contains("missing field `caption`"), "{said}");
    let said = message(&[(CAPTIONS, &COCO.replace("A man with a pizza.", " "))], &PHOTOS);
    assert!(said.contains("`000000397133` has no captions"), "{said}");
    let said = message(&[(CAPTIONS, r#"{"images": [], "annotations": []}"#)], &[]);
    assert!(said.contains("it lists no images"), "{said}");
}

const SPLIT: &str = r#"{"dataset": "coco", "images": [
{"filepath": "train2014", "filename": "COCO_train2014_1.jpg", "split": "train", "sentences": []},
{"filepath": "val2014", "sentids": [681330], "filename": "COCO_val2014_000000391895.jpg", "imgid": 0,
 "split": "test", "cocoid": 391895, "sentences": [
    {"tokens": ["a", "man"], "raw": "A man. ", "imgid": 0, "sentid": 770337},
    {"tokens": ["a", "bike"], "raw": "A bike.", "imgid": 0, "sentid": 771687}]}]}"#;

#[test]
fn karpathys_test_split_comes_before_whole_sets() {
    let files = [("dataset_coco.json", SPLIT), (CAPTIONS, COCO)];
    for image in ["val2014/COCO_val2014_000000391895.jpg", "COCO_val2014_000000391895.jpg"] {
        let folder = folder_of(&files, &[image]);
        let pairs = EvalPairs::published(folder.path()).unwrap();
        assert_eq!(
            (pairs.len(), pairs.captions(0).unwrap()),
            (1, &["A man.", "A bike."].map(str::to_owned)[..])
        );
        assert_eq!(pairs.image(0).unwrap(), picture(0));
    }
    let said = message(&files, &PHOTOS);
    assert!(said.contains("dataset_coco.json: it names "), "{said}");
    assert!(said.contains("val2014/COCO_val2014_000000391895.jpg, which is not there"), "{said}");
    let said = message(&[("dataset_coco.json", &SPLIT.replace("\"test\"", "\"val\""))], &[]);
    assert!(said.contains("it lists no images to measure on"), "{said}");
    let said = message(&[("dataset_coco.json", &SPLIT[..200])], &[]);
    assert!(said.contains("dataset_coco.json: it is malformed: "), "{said}");
}

#[test]
fn flickrs_splits_have_no_folder_of_their_own() {
    let split = SPLIT.replace("\"filepath\": \"val2014\", ", "");
    let image = "flickr30k-images/COCO_val2014_000000391895.jpg";
    let folder = folder_of(&[("dataset_flickr30k.json", &split)], &[image]);
    assert_eq!(EvalPairs::published(folder.path()).unwrap().image(0).unwrap(), picture(0));
    let said = message(&[("dataset_flickr30k.json", &split)], &[]);
    assert!(said.contains("flickr30k-images/COCO_val2014_000000391895.jpg"), "{said}");
    assert!(said.contains("put the data set's images there"), "{said}");
}

const TOKENS: &str = "1.jpg#0\tA child .\n1.jpg#1\tA girl .\n2.jpg#0\tA dog .\n";

#[test]
fn flickrs_tokens_need_a_list_of_images() {
    for (tokens, list, names) in [
        ("Flickr8k.token.txt", "Flickr_8k.testImages.txt", "2.jpg\n1.jpg\n"),
        ("results_20130124.token", "test.txt", "2\n1\n"),
    ] {
        let images = ["Flicker8k_Dataset/1.jpg", "Flicker8k_Dataset/2.jpg"];
        let folder = folder_of(&[(tokens, TOKENS), (list, names)], &images);
        let pairs = EvalPairs::published(folder.path()).unwrap();
        assert_eq!(pairs.captions(1).unwrap(), ["A child .", "A girl ."]);
        assert_eq!(pairs.image(0).unwrap(), picture(1));
        assert!(message(&[(tokens, TOKENS)], &images).contains(list));
        let said = message(&[(tokens, TOKENS), (list, "3")], &["images/3.jpg"]);
        assert!(said.contains("`3` has no captions"), "{said}");
        let said = message(&[(tokens, "1.jpg A child"), (list, names)], &images);
        assert!(said.contains("line 1 is not `NAME.jpg#0`"), "{said}");
    }
}

/// CLIP_benchmark's files, with the images beside them; captions may have commas.
#[test]
fn clip_benchmarks_files_of_the_splits_are_read() {
    let table = "image,caption\n1.jpg,\"One, two.\"\n1.jpg,A cat.\n2.jpg,A dog.\n";
    let files = [("flickr30k_test_karpathy.txt", table)];
    let folder = folder_of(&files, &["1.jpg", "2.jpg"]);
    let pairs = EvalPairs::published(folder.path()).unwrap();
    assert_eq!((pairs.len(), pairs.captions(0).unwrap()[1].as_str()), (2, "A cat."));
    let said = message(&[("flickr30k_test_karpathy.txt", "image,caption\n1.png\n")], &[]);
    assert!(said.contains("line 2 is not `NAME.jpg,`"), "{said}");
    let folder = folder_of(
        &[("coco_test_karpathy.json", COCO)],
        &PHOTOS.map(|name| name.replace("2017", "2014")).each_ref().map(String::as_str),
    );
    assert_eq!(EvalPairs::published(folder.path()).unwrap().len(), 2);
}

#[test]
fn a_folder_with_none_of_them_is_told_what_to_have() {
    let said = message(&[], &["val2014/a.jpg"]);
    assert!(said.contains("it has no captions that are read here"), "{said}");
    assert!(said.contains("dataset_flickr30k.json"), "{said}");
}
