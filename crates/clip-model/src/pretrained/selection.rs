//! Which files of a folder or repository make up a model.

/// One complete set of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// All in one file.
    Single(String),
    /// An index that names the files with the weights.
    Sharded(String),
}

/// The sets of weights among `names`, the best first.
pub(crate) fn weights(names: &[String]) -> Vec<Weights> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let single = |name: &str| has(name).then(|| Weights::Single(name.to_owned()));
    let sharded = |name: &str| has(name).then(|| Weights::Sharded(name.to_owned()));
    // Beside an open_clip configuration, `model.safetensors` can be the image tower alone, so
    // open_clip's own pickle file is then the better choice.
    let open_clip = if has("open_clip_config.json") { "open_clip_pytorch_model.bin" } else { "" };
    let known = [
        single("open_clip_model.safetensors"),
        single(open_clip),
        single("model.safetensors"),
        sharded("model.safetensors.index.json"),
        single("open_clip_pytorch_model.bin"),
        single("pytorch_model.bin"),
    ];
    let known: Vec<_> = known.into_iter().flatten().collect();
    if !known.is_empty() {
        return known;
    }
    // Of several archives, which is meant is for the user to say.
    let archives: Vec<_> =
        names.iter().filter(|name| name.ends_with(".pt") && !name.contains('/')).collect();
    match archives.as_slice() {
        [archive] => vec![Weights::Single((*archive).clone())],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(names: &[&str]) -> Option<Weights> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        weights(&names).into_iter().next()
    }

    fn single(name: &str) -> Option<Weights> {
        Some(Weights::Single(name.to_owned()))
    }

    #[test]
    fn one_set_of_weights_is_chosen_and_safetensors_preferred() {
        let transformers = ["pytorch_model.bin", "model.safetensors", "old.pt", "tf_model.h5"];
        assert_eq!(best(&transformers), single("model.safetensors"));
        assert_eq!(best(&["pytorch_model.bin", "config.json"]), single("pytorch_model.bin"));
        let index = "model.safetensors.index.json";
        let sharded = Some(Weights::Sharded(index.to_owned()));
        assert_eq!(best(&["pytorch_model.bin", index]), sharded);
        let both = ["open_clip_pytorch_model.bin", "open_clip_model.safetensors"];
        assert_eq!(best(&both), single("open_clip_model.safetensors"));
    }

    #[test]
    fn open_clip_repositories_do_not_yield_the_image_tower_alone() {
        let names = ["model.safetensors", "open_clip_config.json", "open_clip_pytorch_model.bin"];
        assert_eq!(best(&names), single("open_clip_pytorch_model.bin"));
        assert_eq!(best(&[names[0], names[2]]), single("model.safetensors"));
    }

    #[test]
    fn an_archive_counts_only_if_there_is_nothing_else() {
        assert_eq!(best(&["ViT-B-32.pt", "README.md", "old/RN50.pt"]), single("ViT-B-32.pt"));
        assert_eq!(best(&["ViT-B-32.pt", "RN50.pt"]), None);
        assert_eq!(best(&["README.md"]), None);
    }
}
