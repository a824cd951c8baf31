//! `README.md` of the corpus.

use super::catalog::Split;
use super::overlap::Overlap;
use super::recipe::Recipe;
use crate::data::near;

/// The whole description.
pub fn text(recipe: &Recipe) -> String {
    [
        "# A small real image-text corpus\n".to_owned(),
        what_it_is(recipe),
        "## Artists\n".to_owned(),
        artist_table(recipe),
        "## Samples\n".to_owned(),
        samples(recipe),
        "## How far the test is from training\n".to_owned(),
        overlap(&recipe.overlap),
        "## How it was made\n".to_owned(),
        making(recipe),
    ]
    .join("\n")
}

/// A Markdown table of artists and counts.
pub fn artist_table(recipe: &Recipe) -> String {
    let mut table = String::from(
        "| artist | split | drawings | repeats left out | licence |\n|---|---|---:|---:|---|\n",
    );
    for artist in &recipe.artists {
        table.push_str(&format!(
            "| [{}]({}) | {} | {} | {} | {} |\n",
            artist.name,
            artist.project,
            artist.split,
            artist.drawings,
            artist.repeats_dropped,
            artist.licence,
        ));
    }
    table
}

fn what_it_is(recipe: &Recipe) -> String {
    format!(
        "Emoji drawn by several artists, with the names and keywords people gave them.

- **Training**: {train} drawings of {train_concepts} concepts, {shards} shards.
- **Test**: {test} drawings of {test_concepts} concepts, by an artist of whom training has
  nothing. Its other families (`fluent-emoji`, `fluent-emoji-high-contrast`) are the same
  drawings in other colours, so they are in neither split.

It shows that training, zero-shot classification and retrieval work on real inputs. It is far
too small and too clean to say anything about photographs.
",
        train = recipe.drawings(Split::Train),
        train_concepts = recipe.train_concepts,
        shards = recipe.shards_of(Split::Train),
        test = recipe.drawings(Split::Test),
        test_concepts = recipe.test_concepts,
    )
}

fn samples(recipe: &Recipe) -> String {
    format!(
        "The shards are in [webdataset](https://github.com/webdataset/webdataset) layout. A sample
is `KEY.{format}` and `KEY.json`:

```json
{{\"concept\":\"1f600\",\"name\":\"grinning face\",\"keywords\":[\"cheerful\",\"face\"],\"artist\":\"noto\",\"group\":\"smileys-emotion\"}}
```

- `concept`: Unicode code points in lower-case hexadecimal, without U+FE0F. Drawings of one
  concept share it, whoever drew them; a batch should hold a concept once.
- `name`: Unicode's English name (CLDR); where CLDR has none, emojibase's label.
- `keywords`: at most 12, lower-case, CLDR's first, then emojilib's and emojibase's.
- Images are {side} pixels square and lossless. Training images have a transparent background,
  for the loader to put a colour behind; test images are opaque, on white.

Left out: skin-tone variants, parts of sequences, and the flags of countries and of parts of
countries, of which all artists draw near copies, and which would take a tenth of the bytes.
",
        format = recipe.image_format,
        side = recipe.image_side,
    )
}

fn overlap(overlap: &Overlap) -> String {
    format!(
        "Each test drawing, on white, was compared with every training drawing, by 64-bit
difference hash (9 x 8 grey) and by mean absolute pixel difference. Pixels of different
concepts were compared only where their hashes differ in at most 8 bits.

| of {tests} test drawings, those with a training drawing | same concept | another concept |
|---|---:|---:|
{rows}
The hash sees eight steps of brightness a row, so it finds all plain discs, squares and faces
alike; the pixel difference finds copies. A test drawing less than 2/255 from a training
drawing of its concept is left out of the test; the table of artists counts them.

By the same measure {twins} test drawings are less than 2/255 from the test drawing of another
concept, such as `guard` and `man guard`, and are hard or impossible to tell apart.
",
        tests = overlap.test_drawings,
        rows = near::rows([&overlap.same_concept, &overlap.other_concept]),
        twins = overlap.twins_in_test,
    )
}

fn making(recipe: &Recipe) -> String {
    format!(
        "```
cargo xtask data sample --out assets/sample
```

fetches the packages in `recipe.json` with `npm pack` (or takes them from `--from DIR`), ties
icons to concepts, renders them with resvg at {side} pixels and packs them in an order drawn
from seed {seed}. The same packages give the same bytes.

Three of the sets (`noto`, `twemoji`, `fluent-emoji-flat`) say which code points an icon
shows. The others only name their icons; names were looked up among CLDR names, icon names of
the former, Unicode character names and shortcodes. `fxemoji` and `streamline-emojis` have
names of their own, so all their drawings were looked at, and wrong ones were put right in
`xtask/src/data/sample/corrections.json`.

Authors and licences are in `NOTICE.md` at the root of the repository.
",
        side = recipe.image_side,
        seed = recipe.seed,
    )
}
