//! npm packages: fetched with `npm pack`, read without unpacking them to disk.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// An npm package at the one version a corpus is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageId {
    /// Name in the registry, scope included.
    pub name: &'static str,
    /// Exact version.
    pub version: &'static str,
}

impl PackageId {
    /// A package by name and version.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version }
    }

    /// The name `npm pack` gives the downloaded file.
    pub fn file_name(&self) -> String {
        let flat = self.name.trim_start_matches('@').replace('/', "-");
        format!("{flat}-{}.tgz", self.version)
    }
}

/// Largest file of a package that is read into memory whole.
const LARGEST_FILE: u64 = 256 << 20;

/// A folder that holds, or will hold, the packages as `.tgz` files.
pub enum Source {
    /// Packages somebody downloaded earlier.
    Folder(PathBuf),
    /// A temporary folder, filled on demand and removed with the last package from it.
    Registry(Arc<TempDir>),
}

impl Source {
    /// Reads from `folder` if given, else downloads to a temporary folder.
    pub fn new(folder: Option<&Path>) -> Result<Self> {
        match folder {
            Some(folder) => Ok(Self::Folder(folder.to_path_buf())),
            None => tempfile::tempdir()
                .map(|folder| Self::Registry(Arc::new(folder)))
                .context("cannot make a temporary folder for the downloads"),
        }
    }

    /// Finds or downloads a package.
    pub fn package(&self, id: PackageId) -> Result<Package> {
        let (path, kept) = match self {
            Self::Folder(folder) => (folder.join(id.file_name()), None),
            Self::Registry(folder) => {
                npm_pack(id, folder.path())?;
                (folder.path().join(id.file_name()), Some(folder.clone()))
            }
        };
        ensure!(
            path.is_file(),
            "package {} {} is not at {}; download it with `npm pack {}@{}` in that folder, \
             or leave out --from",
            id.name,
            id.version,
            path.display(),
            id.name,
            id.version,
        );
        Package::open(id, path, kept)
    }
}

fn npm_pack(id: PackageId, folder: &Path) -> Result<()> {
    let wanted = format!("{}@{}", id.name, id.version);
    let run = Command::new("npm")
        .args(["pack", "--silent", &wanted])
        .current_dir(folder)
        .output()
        .context("cannot run `npm`; install Node.js, or give downloaded packages with --from")?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr);
        bail!("`npm pack {wanted}` failed ({}): {}", run.status, said.trim());
    }
    Ok(())
}

/// A package file whose members are read by name.
#[derive(Debug)]
pub struct Package {
    /// What it is.
    pub id: PackageId,
    /// SPDX licence from its manifest.
    pub licence: String,
    /// Size of the package file in bytes.
    pub bytes: u64,
    path: PathBuf,
    /// The temporary folder that it is in.
    _folder: Option<Arc<TempDir>>,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    license: String,
}

impl Package {
    fn open(id: PackageId, path: PathBuf, folder: Option<Arc<TempDir>>) -> Result<Self> {
        let bytes =
            path.metadata().with_context(|| format!("cannot look at {}", path.display()))?.len();
        let mut package = Self { id, licence: String::new(), bytes, path, _folder: folder };
        let manifest: Manifest = package.json("package.json")?;
        ensure!(
            manifest.name == id.name && manifest.version == id.version,
            "{} holds {} {}, not {} {}; download the right one again",
            package.path.display(),
            manifest.name,
            manifest.version,
            id.name,
            id.version,
        );
        package.licence = manifest.license;
        Ok(package)
    }

    /// Parses the JSON file `member`, a path inside the package.
    pub fn json<T: DeserializeOwned>(&self, member: &str) -> Result<T> {
        let text = self
            .read(member)
            .with_context(|| format!("cannot read {member} in {}", self.path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{member} in {} is not as expected", self.path.display()))
    }

    /// Hands every file that `wanted` names to `each`, in the order of the package, with its
    /// path inside the package and its bytes.
    pub fn each_file(
        &self,
        wanted: impl Fn(&str) -> bool,
        mut each: impl FnMut(&str, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let broken = || format!("cannot read {}", self.path.display());
        let file = BufReader::new(File::open(&self.path).with_context(broken)?);
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for entry in archive.entries().with_context(broken)? {
            let mut entry = entry.with_context(broken)?;
            let path = entry.path().with_context(broken)?.to_string_lossy().into_owned();
            let Some(member) = path.strip_prefix("package/").filter(|member| wanted(member)) else {
                continue;
            };
            ensure!(
                entry.size() <= LARGEST_FILE,
                "{member} in {} is larger than {LARGEST_FILE} bytes",
                self.path.display(),
            );
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).with_context(broken)?;
            each(member, bytes)?;
        }
        Ok(())
    }

    fn read(&self, member: &str) -> Result<Vec<u8>> {
        let file = BufReader::new(File::open(&self.path)?);
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        let wanted = Path::new("package").join(member);
        for entry in archive.entries()? {
            let mut entry = entry?;
            if entry.path()? == wanted {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                return Ok(bytes);
            }
        }
        bail!("the package has no such file")
    }
}

#[cfg(test)]
mod tests {
    use flate2::write::GzEncoder;

    use super::*;

    const ID: PackageId = PackageId { name: "@scope/thing", version: "1.0.0" };

    #[test]
    fn a_scoped_package_has_the_file_name_npm_gives_it() {
        let id = PackageId::new("@iconify-json/noto", "1.2.9");
        assert_eq!(id.file_name(), "iconify-json-noto-1.2.9.tgz");
    }

    #[test]
    fn a_missing_package_is_named_with_its_remedy() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let source = Source::new(Some(folder.path()))?;
        let message = source.package(ID).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("scope-thing-1.0.0.tgz"), "{message}");
        assert!(message.contains("npm pack @scope/thing@1.0.0"), "{message}");
        Ok(())
    }

    #[test]
    fn a_downloaded_package_outlives_its_source() -> Result<()> {
        let folder = Arc::new(tempfile::tempdir()?);
        let path = folder.path().join(ID.file_name());
        let gzip = GzEncoder::new(File::create(&path)?, flate2::Compression::fast());
        let mut archive = tar::Builder::new(gzip);
        let manifest = br#"{"name": "@scope/thing", "version": "1.0.0", "license": "MIT"}"#;
        let mut header = tar::Header::new_gnu();
        header.set_size(manifest.len() as u64);
        archive.append_data(&mut header, "package/package.json", &manifest[..])?;
        archive.into_inner()?.finish()?;
        let package = Package::open(ID, path, Some(folder.clone()))?;
        drop(folder);
        assert!(package.read("package.json").is_ok());
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_archive_is_an_error_that_names_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(ID.file_name()), b"not gzip")?;
        let source = Source::new(Some(folder.path()))?;
        let message = source.package(ID).err().map(|error| format!("{error:#}"));
        assert!(message.is_some_and(|text| text.contains("scope-thing-1.0.0.tgz")));
        Ok(())
    }
}
