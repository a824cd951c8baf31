//! The shipped configurations: open_clip's model JSON, one file a model, named as open_clip names
//! them, and two small ones of our own (`RN-nano`, `ViT-nano`).

macro_rules! presets {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../presets/", $name, ".json")))),+]
    };
}

const PRESETS: &[(&str, &str)] = presets![
    "RN101",
    "RN101-quickgelu",
    "RN50",
    "RN50-quickgelu",
    "RN50x16",
    "RN50x16-quickgelu",
    "RN50x4",
    "RN50x4-quickgelu",
    "RN50x64",
    "RN50x64-quickgelu",
    "ViT-B-16",
    "ViT-B-16-SigLIP",
    "ViT-B-16-SigLIP-256",
    "ViT-B-16-SigLIP-384",
    "ViT-B-16-SigLIP-512",
    "ViT-B-16-SigLIP-i18n-256",
    "ViT-B-16-SigLIP2",
    "ViT-B-16-SigLIP2-256",
    "ViT-B-16-SigLIP2-384",
    "ViT-B-16-SigLIP2-512",
    "ViT-B-16-plus",
    "ViT-B-16-plus-240",
    "ViT-B-16-quickgelu",
    "ViT-B-32",
    "ViT-B-32-256",
    "ViT-B-32-SigLIP2-256",
    "ViT-B-32-plus-256",
    "ViT-B-32-quickgelu",
    "ViT-H-14",
    "ViT-H-14-378",
    "ViT-H-14-378-quickgelu",
    "ViT-H-14-CLIPA",
    "ViT-H-14-CLIPA-336",
    "ViT-H-14-quickgelu",
    "ViT-H-14-worldwide",
    "ViT-H-14-worldwide-378",
    "ViT-H-14-worldwide-quickgelu",
    "ViT-H-16",
    "ViT-L-14",
    "ViT-L-14-280",
    "ViT-L-14-336",
    "ViT-L-14-336-quickgelu",
    "ViT-L-14-CLIPA",
    "ViT-L-14-CLIPA-336",
    "ViT-L-14-quickgelu",
    "ViT-L-14-worldwide",
    "ViT-L-14-worldwide-quickgelu",
    "ViT-L-16",
    "ViT-L-16-320",
    "ViT-L-16-SigLIP-256",
    "ViT-L-16-SigLIP-384",
    "ViT-L-16-SigLIP2-256",
    "ViT-L-16-SigLIP2-384",
    "ViT-L-16-SigLIP2-512",
    "ViT-M-16",
    "ViT-M-16-alt",
    "ViT-M-32",
    "ViT-M-32-alt",
    "ViT-S-16",
    "ViT-S-16-alt",
    "ViT-S-32",
    "ViT-S-32-alt",
    "ViT-SO400M-14-SigLIP",
    "ViT-SO400M-14-SigLIP-378",
    "ViT-SO400M-14-SigLIP-384",
    "ViT-SO400M-14-SigLIP2",
    "ViT-SO400M-14-SigLIP2-378",
    "ViT-SO400M-16-SigLIP-i18n-256",
    "ViT-SO400M-16-SigLIP2-256",
    "ViT-SO400M-16-SigLIP2-384",
    "ViT-SO400M-16-SigLIP2-512",
    "ViT-bigG-14",
    "ViT-bigG-14-CLIPA",
    "ViT-bigG-14-CLIPA-336",
    "ViT-bigG-14-quickgelu",
    "ViT-bigG-14-worldwide",
    "ViT-bigG-14-worldwide-378",
    "ViT-e-14",
    "ViT-g-14",
    "ViT-gopt-16-SigLIP2-256",
    "ViT-gopt-16-SigLIP2-384",
    "RN-nano",
    "ViT-nano",
];

/// The names of the shipped configurations.
pub fn presets() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The JSON of a shipped configuration.
pub(super) fn json(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, json)| *json)
}
