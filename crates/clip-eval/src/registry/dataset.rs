use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Layout;

/// A data set that models are measured on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name here, which is also that of its folder.
    pub name: String,
    /// Its name as its authors write it.
    pub title: String,
    /// CLIP_benchmark's names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The collections that it is in.
    #[serde(default)]
    pub suites: Vec<Suite>,
    /// The data set that its classes are of, where it shows how robust a model of that one is.
    #[serde(default)]
    pub(super) shift_of: Option<String>,
    /// What is done with it.
    pub task: Task,
    /// What its main result is.
    pub metric: Metric,
    /// Number of classes, of images to find, or of captions to choose from.
    pub classes: usize,
    /// The list of class names; the data set's own name unless it is given.
    #[serde(default, rename = "names")]
    pub(super) names_list: Option<String>,
    /// The list of templates; the data set's own name unless it is given.
    #[serde(default, rename = "templates")]
    pub(super) templates_list: Option<String>,
    /// Images to learn from: the paper's number first, others' after it. Nothing where there are none.
    #[serde(default)]
    pub train: Vec<usize>,
    /// Images to measure on: the paper's number first, others' after it.
    #[serde(default)]
    pub test: Vec<usize>,
    /// How its authors publish it.
    pub layout: Layout,
    /// MD5 sums of files that are read as they are published, of each that there is.
    #[serde(default)]
    pub files: BTreeMap<String, Vec<String>>,
    /// Where it is published.
    pub home: String,
    /// Under which terms.
    pub licence: String,
    /// What else must be known.
    #[serde(default)]
    pub note: Option<String>,
}

/// What is done with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes is named.
    Classification,
    /// Any number of classes is named.
    Multilabel,
    /// Captions are found by images and images by captions.
    Retrieval,
    /// One of the words of a lexicon is read.
    Lexicon,
    /// Of two captions the one that an image has is chosen.
    Selection,
    /// The place is guessed.
    Geolocation,
    /// Actions are found among what looks like them.
    RareAct,
}

/// What the main result of a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metric {
    /// The share of images whose class is named.
    #[serde(rename = "top1")]
    Top1,
    /// The same of each class, averaged.
    #[serde(rename = "mean_per_class")]
    MeanPerClass,
    /// The mean of the shares whose class is the first, and is among the first five.
    #[serde(rename = "mean_top1_top5")]
    MeanTop1Top5,
    /// The area under the ROC curve of the second class.
    #[serde(rename = "roc_auc")]
    RocAuc,
    /// The classes' 11-point average precisions, averaged.
    #[serde(rename = "map11")]
    Map11,
    /// The share of queries that find what they should first, both ways, averaged.
    #[serde(rename = "recall@1")]
    RecallAt1,
    /// The share of examples whose images choose their captions.
    #[serde(rename = "text_score")]
    TextScore,
    /// The share of examples whose captions choose their images as well.
    #[serde(rename = "group_score")]
    GroupScore,
    /// The share of images placed within 25 km.
    #[serde(rename = "within_25km")]
    Within25Km,
    /// The classes' average precisions, a video counting once, averaged.
    #[serde(rename = "mwap")]
    Mwap,
}

impl Metric {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Top1 => "top1",
            Self::MeanPerClass => "mean_per_class",
            Self::MeanTop1Top5 => "mean_top1_top5",
            Self::RocAuc => "roc_auc",
            Self::Map11 => "map11",
            Self::RecallAt1 => "recall@1",
            Self::TextScore => "text_score",
            Self::GroupScore => "group_score",
            Self::Within25Km => "within_25km",
            Self::Mwap => "mwap",
        }
    }
}

/// A collection of data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// The 27 of the paper's table 9.
    #[serde(rename = "paper")]
    Paper,
    /// CLIP_benchmark's `vtab+`.
    #[serde(rename = "vtab+")]
    VtabPlus,
    /// ImageNet and what shows how robust a model of it is.
    #[serde(rename = "robustness")]
    Robustness,
    /// Images and captions that are found by each other.
    #[serde(rename = "retrieval")]
    Retrieval,
    /// Text in images.
    #[serde(rename = "ocr")]
    Ocr,
    /// Captions that differ in how their words belong together.
    #[serde(rename = "compositional")]
    Compositional,
}

impl Suite {
    /// Every suite with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("paper", Self::Paper),
        ("vtab+", Self::VtabPlus),
        ("robustness", Self::Robustness),
        ("retrieval", Self::Retrieval),
        ("ocr", Self::Ocr),
        ("compositional", Self::Compositional),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, suite)| suite)
    }
}
