//! Debian packages: fetched with `apt-get download`, read without unpacking them to disk.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use lzma_rust2::XzReader;

/// A Debian package at the one version a corpus is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebId {
    /// Name of the package.
    pub name: &'static str,
    /// Exact version.
    pub version: &'static str,
}

impl DebId {
    /// The name `apt-get download` gives the file of a package for all architectures.
    pub fn file_name(&self) -> String {
        format!("{}_{}_all.deb", self.name, self.version.replace(':', "%3a"))
    }

    /// Finds the package in `folder`, or downloads it there if `fetch` is set.
    pub fn find(self, folder: &Path, fetch: bool) -> Result<Deb> {
        let path = folder.join(self.file_name());
        let wanted = format!("{}={}", self.name, self.version);
        if fetch {
            apt_download(&wanted, folder)?;
        }
        ensure!(
            path.is_file(),
            "package {wanted} is not at {}; download it with `apt-get download {wanted}` in that \
             folder, or leave out --from",
            path.display(),
        );
        let bytes = path.metadata().with_context(|| path.display().to_string())?.len();
        Ok(Deb { id: self, path, bytes })
    }
}

fn apt_download(wanted: &str, folder: &Path) -> Result<()> {
    let run = Command::new("apt-get")
        .args(["download", "-qq", wanted])
        .current_dir(folder)
        .output()
        .context("cannot run `apt-get`; download the packages elsewhere and give --from")?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        bail!("`apt-get download {wanted}` failed ({}): {}", run.status, said.trim());
    }
    Ok(())
}

/// A package file.
pub struct Deb {
    /// What it is.
    pub id: DebId,
    /// Size of the file in bytes.
    pub bytes: u64,
    path: PathBuf,
}

/// Largest file of a package that is read into memory whole.
const LARGEST_FILE: u64 = 64 << 20;
/// Most memory that unpacking may take, in KiB: what `xz -9` asks for.
const MOST_MEMORY: u32 = 66 << 10;

impl Deb {
    /// Hands every plain file whose path ends in `ending` to `each`, in the order of the package,
    /// with its path and bytes. Links are no plain files.
    pub fn each_file(
        &self,
        ending: &str,
        mut each: impl FnMut(&str, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let broken = || format!("cannot read {}", self.path.display());
        let mut archive = tar::Archive::new(self.data().with_context(broken)?);
        for entry in archive.entries().with_context(broken)? {
            let mut entry = entry.with_context(broken)?;
            let path = entry.path().with_context(broken)?.to_string_lossy().into_owned();
            if !entry.header().entry_type().is_file() || !path.ends_with(ending) {
                continue;
            }
            ensure!(
                entry.size() <= LARGEST_FILE,
                "{path} in {} is larger than {LARGEST_FILE} bytes",
                self.path.display(),
            );
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(broken)?;
            each(path.trim_start_matches("./"), bytes)?;
        }
        Ok(())
    }

    /// The unpacked `data.tar` inside the package, which is an `ar` archive.
    fn data(&self) -> Result<Box<dyn Read>> {
        let mut file = BufReader::new(File::open(&self.path)?);
        let mut magic = [0; 8];
        file.read_exact(&mut magic)?;
        ensure!(&magic == b"!<arch>\n", "it is no Debian package");
        loop {
            let mut header = [0; 60];
            file.read_exact(&mut header).context("it has no data.tar")?;
            let text = String::from_utf8_lossy(&header);
            let size = text.get(48..58).and_then(|size| size.trim().parse::<u64>().ok());
            let size = size.context("a header of the archive is damaged")?;
            match text.get(..16).unwrap_or_default().trim_end().trim_end_matches('/') {
                "data.tar" => return Ok(Box::new(file.take(size))),
                "data.tar.gz" => return Ok(Box::new(GzDecoder::new(file.take(size)))),
                "data.tar.xz" => {
                    let data = XzReader::new_mem_limit(file.take(size), true, MOST_MEMORY);
                    return Ok(Box::new(data));
                }
                other if other.starts_with("data.tar") => bail!("{other} can't be unpacked here"),
                // Members begin at even offsets.
                _ => std::io::copy(&mut (&mut file).take(size + size % 2), &mut std::io::sink())?,
            };
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::fs;

    use lzma_rust2::{XzOptions, XzWriter};

    use super::*;

    const ID: DebId = DebId { name: "thing", version: "1:2.0-3" };

    /// Writes a package whose data holds `data`, the bytes of a file named `name`.
    pub fn write_deb(folder: &Path, id: DebId, name: &str, data: &[u8]) -> Result<()> {
        let mut deb = b"!<arch>\n".to_vec();
        for (name, bytes) in [("debian-binary", b"2.0\n".as_slice()), ("odd", b"x"), (name, data)] {
            let header =
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, bytes.len());
            deb.extend(header.bytes());
            deb.extend(bytes);
            deb.resize(deb.len().next_multiple_of(2), b'\n');
        }
        Ok(fs::write(folder.join(id.file_name()), deb)?)
    }

    /// A tar file of plain files.
    pub fn tar_of(files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            crate::data::output::append(&mut archive, name, bytes)?;
        }
        Ok(archive.into_inner()?)
    }

    fn read(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        ID.find(folder, false)?.each_file(".txt", |path, bytes| {
            files.push((path.to_owned(), bytes));
            Ok(())
        })?;
        Ok(files)
    }

    #[test]
    fn files_are_read_from_plain_and_packed_data() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let tar = tar_of(&[("usr/a.txt", b"cat".to_vec()), ("usr/b.png", b"dog".to_vec())])?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, &tar)?;
        let mut xz = XzWriter::new(Vec::new(), XzOptions::with_preset(1))?;
        std::io::Write::write_all(&mut xz, &tar)?;
        let (gzip, xz) = (gzip.finish()?, xz.finish()?);
        for (name, data) in [("data.tar", tar), ("data.tar.gz/", gzip), ("data.tar.xz", xz)] {
            write_deb(folder.path(), ID, name, &data)?;
            assert_eq!(read(folder.path())?, [("usr/a.txt".to_owned(), b"cat".to_vec())]);
        }
        Ok(())
    }

    #[test]
    fn a_missing_package_is_named_with_its_remedy() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let message = read(folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("thing_1%3a2.0-3_all.deb"), "{message}");
        assert!(message.contains("apt-get download thing=1:2.0-3"), "{message}");
        Ok(())
    }

    #[test]
    fn a_damaged_package_is_an_error_that_names_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(ID.file_name());
        for bytes in [&b"no archive"[..], b"!<arch>\n", b"!<arch>\nshort"] {
            fs::write(&path, bytes)?;
            let message = read(folder.path()).err().map(|error| format!("{error:#}"));
            assert!(message.is_some_and(|text| text.contains("thing_1%3a2.0-3_all.deb")));
        }
        write_deb(folder.path(), ID, "data.tar.xz", b"no xz")?;
        assert!(read(folder.path()).is_err());
        Ok(())
    }
}
