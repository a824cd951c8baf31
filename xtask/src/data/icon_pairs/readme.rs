//! `README.md` of the corpus.

use crate::data::near;

use super::report::{Report, SetRecord};

/// The whole description.
pub fn text(report: &Report) -> String {
    [
        format!("# IconPairs, tier {}\n", report.tier),
        what_it_is(),
        split_table(report),
        "## Samples\n".to_owned(),
        samples(report),
        "## What is not in it\n".to_owned(),
        left_out(report),
        "## How far the tests are from training\n".to_owned(),
        overlap(report),
        "## How to make it again\n".to_owned(),
        making(report),
        "## Authors and licences\n".to_owned(),
        attribution(report),
    ]
    .join("\n")
}

fn what_it_is() -> String {
    "Icons and emoji under permissive licences, with the names and keywords people gave them.
Names and tags, clean drawings, no scenes: it shows that training, zero-shot classification and
retrieval work on real inputs, and says nothing about photographs.
"
    .to_owned()
}

/// A Markdown table of the splits.
pub fn split_table(report: &Report) -> String {
    let mut table = String::from("| split | drawings | concepts |\n|---|---:|---:|\n");
    for split in &report.splits {
        table.push_str(&format!("| {} | {} | {} |\n", split.name, split.drawings, split.concepts));
    }
    table
}

fn samples(report: &Report) -> String {
    let held_out: Vec<&str> = report.held_out.values().map(String::as_str).collect();
    format!(
        "The shards are in [webdataset](https://github.com/webdataset/webdataset) layout. A sample
is `SET/ICON.png` and `SET/ICON.json`, whose fields are

- `concept`: code points of an emoji in lower-case hexadecimal, or the sorted words of the name
  after `name:`. A batch should hold a concept once.
- `name` and `keywords`: of emoji, Unicode's (CLDR), then emojilib's and emojibase's; of icons,
  the maker's own name and other names, the keywords of the emoji it shows if there is one, and
  the maker's category.
- `frames`: captions with `{{}}` in the name's place.
- `artist` (the set), `category`, `style`: as far as they are known.

Images are {side} pixels square and lossless. Training images have a transparent background, for
the loader to put a colour behind; all others are opaque, on white.

- **test-artist** has concepts that training knows, by an artist of whom training has nothing.
- **test-concepts** has {concepts} concepts of which training has no drawing; the words may be
  keywords of other drawings, else nothing could be known of them: {held_out}.
- **validation** is like training.

Both tests are the same in all tiers.
",
        side = report.image_side,
        concepts = held_out.len(),
        held_out = held_out.join(", "),
    )
}

fn left_out(report: &Report) -> String {
    let sum = |count: fn(&super::wanted::LeftOut) -> usize| -> usize {
        report.sets.iter().map(|set| count(&set.left_out)).sum()
    };
    format!(
        "- Emoji: skin-tone variants, parts of sequences, flags of countries and of their parts.
- {sets} sets: `sets_left_out` in `report.json` says why.
- Styles of an icon that look like another style of it: {styles}. One of each look stays: plain,
  lines, filled, two-tone.
- Icons that move: {animated}; brand marks: {brands}; names without words: {wordless}.
- Drawings of held-out concepts and of their variants: {held_out}, and {variants} emoji that are
  variants of them.
- The same drawing of the same concept again: {repeats}. Training drawings that look the same as
  a test drawing: {in_test}.
- Icons that could not be drawn: {failures}.
",
        sets = report.sets_left_out.len(),
        styles = sum(|left_out| left_out.styles),
        animated = sum(|left_out| left_out.animated),
        brands = sum(|left_out| left_out.brands),
        wordless = sum(|left_out| left_out.wordless),
        held_out = sum(|left_out| left_out.held_out),
        variants = report.held_out_variants,
        repeats = report.removed.repeats,
        in_test = report.removed.in_test,
        failures = report.failures.len(),
    )
}

fn overlap(report: &Report) -> String {
    let mut text = String::from(
        "Each drawing, on white, was compared with every training drawing, by 64-bit difference
hash (9 x 8 grey) and by mean absolute pixel difference of 16 x 16 copies. Pixels of different
concepts were compared only where their hashes differ in at most 8 bits. The hash finds all plain
discs, squares and faces alike; the pixel difference finds copies.
",
    );
    for split in &report.overlap {
        let overlap = &split.overlap;
        text.push_str(&format!(
            "
| of {} in {}, those with a training drawing | same concept | another concept |
|---|---:|---:|
{}",
            overlap.pictures,
            split.split,
            near::rows([&overlap.same_group, &overlap.other_group]),
        ));
    }
    text
}

fn making(report: &Report) -> String {
    let packages = report.packages.iter().map(|package| {
        format!("| `{}` | {} | {} |\n", package.name, package.version, package.licence)
    });
    format!(
        "```
cargo xtask data icon-pairs --tier {tier} --size {side} --out DIR
```

fetches these packages with `npm pack` (or takes them from `--from DIR`) and draws with resvg. The
same packages give the same bytes, whatever the number of threads. `report.json` is written last,
with the checksum of every shard: a folder without it is not complete.

| package | version | licence |
|---|---|---|
{packages}",
        tier = report.tier,
        side = report.image_side,
        packages = packages.collect::<String>(),
    )
}

fn attribution(report: &Report) -> String {
    let mut table = String::from(
        "Each drawing was rendered to pixels and otherwise left as it is; no author endorses this use.

| set | author and project | licence | drawings |
|---|---|---|---:|
",
    );
    for set in &report.sets {
        let drawings: usize = set.drawings.values().sum();
        table.push_str(&format!(
            "| `{}`: {} | {} | {} | {drawings} |\n",
            set.name,
            set.title,
            author(set),
            set.licence,
        ));
    }
    table
}

/// The author, linked to the project if the set says where that is.
fn author(set: &SetRecord) -> String {
    if set.project.is_empty() {
        set.author.clone()
    } else {
        format!("[{}]({})", set.author, set.project)
    }
}
