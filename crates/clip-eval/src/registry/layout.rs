use clip_data::ListOptions;
use serde::Deserialize;

/// How the authors of a data set publish it. Beside that, every data set of classes, or of captions to
/// find, is read from shards in CLIP_benchmark's layout.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum Layout {
    /// CIFAR's binary version.
    Cifar,
    /// MNIST's files of images and labels.
    Idx {
        /// To learn from.
        train: [String; 2],
        /// To measure on.
        test: [String; 2],
    },
    /// STL-10's binary version.
    Stl10,
    /// SVHN's MATLAB files.
    Svhn,
    /// FER2013's table of pixels.
    Fer2013,
    /// Stanford Cars.
    Cars,
    /// Oxford Flowers.
    Flowers,
    /// PASCAL VOC 2007.
    Voc,
    /// A folder for each class.
    Folder(FolderLayout),
    /// A text file with paths and labels.
    List {
        /// To learn from.
        train: Box<ListOptions>,
        /// To measure on.
        test: Box<ListOptions>,
    },
    /// RareAct: a table of segments of videos.
    RareAct,
    /// Images with places: two lists, or EXIF data.
    Places,
    /// Images with captions: shards, a folder with texts beside the images, or the files of MS COCO and
    /// Flickr30k.
    Pairs,
    /// Winoground.
    Winoground,
    /// SugarCrepe, whose parts are in one folder, `sugar_crepe`.
    SugarCrepe {
        /// The part, such as `add_att`.
        part: String,
    },
    /// IIIT5K-words.
    Iiit5k,
    /// Only in shards.
    Shards,
}

/// Where the classes' folders are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderLayout {
    /// To learn from, if there is anything.
    #[serde(default)]
    pub train: Option<String>,
    /// To measure on.
    pub test: String,
    /// Whether what is in them are videos.
    #[serde(default)]
    pub videos: bool,
}
