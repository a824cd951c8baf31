//! Measurements as they are kept in the project: every round as csv, and a summary with the command.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::Utc;

use crate::machine;
use crate::row::Row;

/// Writes `FOLDER/DATE-MACHINE/SUBJECT.csv` and `SUBJECT.md`, in place of earlier ones.
pub fn write(folder: &Path, subject: &str, rows: &[Row]) -> Result<()> {
    let folder = folder.join(format!("{}-{}", Utc::now().date_naive(), slug(&machine::name())));
    let context = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(&folder).with_context(context)?;
    fs::write(folder.join(subject).with_extension("csv"), csv(rows)).with_context(context)?;
    fs::write(folder.join(subject).with_extension("md"), summary(subject, rows))
        .with_context(context)?;
    println!("  kept in {}", folder.display());
    Ok(())
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::from("figure,peer,unit,round,ours,theirs\n");
    for row in rows {
        for (round, (ours, theirs)) in row.rounds.iter().enumerate() {
            let Row { name, peer_name, unit, .. } = row;
            text += &format!("\"{name}\",\"{peer_name}\",{unit},{},{ours},{theirs}\n", round + 1);
        }
    }
    text
}

/// Of this program, without the places of one machine.
fn arguments() -> Vec<String> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    for index in 1..arguments.len() {
        match arguments[index - 1].as_str() {
            "--python" => arguments[index] = "PATH".into(),
            "--data" => arguments[index] = "DIR".into(),
            _ => {}
        }
    }
    arguments
}

fn summary(subject: &str, rows: &[Row]) -> String {
    let arguments = arguments();
    let mut text = format!(
        "# {subject}\n\n{}\n\n```text\ncargo xtask bench {}\n```\n\n\
         | figure | ours | peer | unit | ratio | lowest to highest | goal | share of the matrix \
         product | peer |\n|---|---|---|---|---|---|---|---|---|\n",
        machine::name(),
        arguments.join(" ")
    );
    for row in rows {
        let Row { name, ours, peer, unit, ratio, low, high, goal, peer_name, .. } = row;
        let share = row.share.map_or(String::new(), |share| format!("{:.0}%", 100.0 * share));
        text += &format!(
            "| {name} | {ours:.3} | {peer:.3} | {unit} | {ratio:.2} | {low:.2} to {high:.2} | \
             {goal} | {share} | {peer_name} |\n"
        );
    }
    text
}

/// Letters and digits, and single dashes for all else.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
