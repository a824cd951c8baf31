//! The settings of the training transform.

use clip_model::preprocess::Interpolation;
use serde::{Deserialize, Serialize};

/// How the crop is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropKind {
    /// CLIP's only augmentation, a random square (Radford et al. 2021, section 2.4): its side is
    /// uniform in `[min_scale, 1]` of the image's shortest side, its position uniform.
    #[default]
    Square,
    /// open_clip's and torchvision's `RandomResizedCrop`: a share of the area in `scale`, an
    /// aspect in `ratio`, and both sides resized to the size.
    Resized,
}

/// The training transform.
///
/// By default it is the paper's: a random square crop. The names and the meaning of `scale`,
/// `ratio`, `color_jitter`, `color_jitter_prob` and `gray_scale_prob` are open_clip's.
///
/// An image with an alpha channel lies on white or on a random colour, in place of what happens to
/// be behind its transparent pixels. The background is for drawings, which are mostly transparent:
/// on one fixed colour, a black icon would always be black on white.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainTransform {
    /// Side of the square result, in pixels: the model's, and so no setting.
    #[serde(skip)]
    pub image_size: usize,
    /// How the crop is drawn.
    pub crop: CropKind,
    /// Of a square crop: its smallest side, as a share of the image's shortest side, in `(0, 1]`.
    pub min_scale: f32,
    /// Of a resized crop: its smallest and largest area, as shares of the image's, above 0.
    pub scale: [f32; 2],
    /// Of a resized crop: its smallest and largest width over height, above 0.
    pub ratio: [f32; 2],
    /// The kernel of the resize.
    pub interpolation: Interpolation,
    /// Share of transparent images that lie on white, as drawings mostly do where people meet
    /// them, and not on a random colour, in `[0, 1]`.
    pub white_share: f32,
    /// Probability of a horizontal flip, in `[0, 1]`.
    pub hflip: f32,
    /// The most that brightness, contrast and saturation change, as shares (at least 0), and hue,
    /// in turns (in `[0, 0.5]`).
    pub color_jitter: [f32; 4],
    /// Probability of that change, in `[0, 1]`.
    pub color_jitter_prob: f32,
    /// Probability that the colours are taken away, in `[0, 1]`.
    pub gray_scale_prob: f32,
    /// Whether a JPEG's luma and chroma are resized before they become colours, and are decoded at
    /// a half, a quarter or an eighth of their size where the crop is then still no smaller than
    /// the result. Faster, but not exact: of photographs of 500 by 375 pixels, 1 % of the bytes
    /// differ by more than 5 levels at 224 pixels, by more than 11 at 64. Needs the feature
    /// `turbojpeg`.
    pub scaled_decoding: bool,
}

impl Default for TrainTransform {
    /// Square crops, of no size yet.
    fn default() -> Self {
        Self::new(0)
    }
}

impl TrainTransform {
    /// Square crops of at least 0.8 of the shortest side, resized to `image_size` pixels.
    pub fn new(image_size: usize) -> Self {
        Self {
            image_size,
            crop: CropKind::Square,
            min_scale: 0.8,
            scale: [0.9, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            interpolation: Interpolation::Bicubic,
            white_share: 0.0,
            hflip: 0.0,
            color_jitter: [0.0; 4],
            color_jitter_prob: 0.0,
            gray_scale_prob: 0.0,
            scaled_decoding: false,
        }
    }

    /// open_clip's default: resized crops of 0.9 to 1 of the area, and nothing else.
    pub fn open_clip(image_size: usize) -> Self {
        Self { crop: CropKind::Resized, ..Self::new(image_size) }
    }

    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        if self.image_size == 0 {
            return Some("image_size is 0: give the model's image size".to_owned());
        }
        if !(self.min_scale > 0.0 && self.min_scale <= 1.0) {
            return Some(format!("min_scale is {}, not in (0, 1]", self.min_scale));
        }
        for (name, range) in [("scale", self.scale), ("ratio", self.ratio)] {
            let [low, high] = range;
            if !(low > 0.0 && low <= high && high.is_finite()) {
                return Some(format!(
                    "{name} is {range:?}: give the lower limit, above 0, and then the upper one"
                ));
            }
        }
        let shares = [
            ("white_share", self.white_share),
            ("hflip", self.hflip),
            ("color_jitter_prob", self.color_jitter_prob),
            ("gray_scale_prob", self.gray_scale_prob),
        ];
        if let Some((name, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Some(format!("{name} is {share}, not in [0, 1]"));
        }
        self.jitter_problem().or_else(|| {
            (self.scaled_decoding && !cfg!(feature = "turbojpeg")).then(|| {
                "scaled_decoding needs the feature `turbojpeg`: build with it, or turn this off"
                    .to_owned()
            })
        })
    }

    fn jitter_problem(&self) -> Option<String> {
        let [brightness, contrast, saturation, hue] = self.color_jitter;
        let share = |value: f32| (0.0..f32::INFINITY).contains(&value);
        if !([brightness, contrast, saturation].into_iter().all(share)
            && (0.0..=0.5).contains(&hue))
        {
            return Some(format!(
                "color_jitter is {:?}: brightness, contrast and saturation must be at least 0, hue \
                 in [0, 0.5]",
                self.color_jitter
            ));
        }
        let idle = self.color_jitter_prob > 0.0 && self.color_jitter == [0.0; 4];
        idle.then(|| {
            "color_jitter_prob is above 0, but color_jitter changes nothing: give it four numbers, \
             for brightness, contrast, saturation and hue"
                .to_owned()
        })
    }
}
