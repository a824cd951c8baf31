//! The commands as a whole.

use std::fs;
use std::path::Path;

use anyhow::Result;
use clap::Parser;

use super::Shards;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Shards,
}

fn run(arguments: &[&str]) -> Result<()> {
    Cli::try_parse_from([&["shards"], arguments].concat())?.command.run()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// A folder with three images, two of them with a caption.
fn source(folder: &Path) -> Result<()> {
    for name in ["a.png", "b.png", "c.png"] {
        image::RgbImage::new(3, 2).save(folder.join(name))?;
    }
    fs::write(folder.join("a.txt"), "one")?;
    Ok(fs::write(folder.join("b.txt"), "two")?)
}

#[test]
fn shards_are_built_counted_verified_broken_and_repaired() -> Result<()> {
    let (images, shards) = (tempfile::tempdir()?, tempfile::tempdir()?);
    source(images.path())?;
    let (images, out) = (text(images.path()), text(shards.path()));
    run(&["build", images, "--out", out])?;
    let again = run(&["build", images, "--out", out]).err().map(|error| error.to_string());
    assert!(again.is_some_and(|text| text.contains("already holds 000000.tar")));
    run(&["count", out, "--index", "--each"])?;
    run(&["verify", out, "--decode"])?;

    let shard = shards.path().join("000000.tar");
    let bytes = fs::read(&shard)?;
    fs::write(&shard, &bytes[..bytes.len() - 1500])?;
    for command in ["verify", "count"] {
        let message = run(&[command, out]).err().map(|error| error.to_string());
        assert!(message.is_some_and(|text| text.contains("000000.tar: sample")), "{command}");
    }
    run(&["repair", out])?;
    assert_eq!(fs::read(shards.path().join("000000.tar.broken"))?.len(), bytes.len() - 1500);
    run(&["verify", out])
}

#[test]
fn too_many_unusable_images_are_an_error() -> Result<()> {
    let (images, shards) = (tempfile::tempdir()?, tempfile::tempdir()?);
    source(images.path())?;
    let (images, out) = (text(images.path()), text(shards.path()));
    let message = run(&["build", images, "--out", out, "--max-bad", "0"]).err();
    assert!(message.is_some_and(|error| error.to_string().contains("c.png")));
    Ok(())
}

#[test]
fn impossible_options_are_refused() {
    for option in ["--csv-separator=ab", "--max-bytes=many", "--digits=0", "--max-samples=0"] {
        assert!(Cli::try_parse_from(["shards", "build", "x", "--out", "y", option]).is_err());
    }
    for option in ["--csv-separator=tab", "--max-bytes=500M", "--keys=name", "--compression=gzip"] {
        assert!(Cli::try_parse_from(["shards", "build", "x", "--out", "y", option]).is_ok());
    }
}
