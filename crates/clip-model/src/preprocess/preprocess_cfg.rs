//! open_clip's `preprocess_cfg`: the JSON form of [`ImageTransform`].

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ImageTransform, OPENAI_MEAN, OPENAI_STD, TransformError};

/// Most pixels a side: more is a mistake, and a batch of such images wouldn't fit anywhere.
const MAX_SIZE: u64 = 16_384;

/// open_clip's size where the file gives none.
const DEFAULT_SIZE: usize = 224;

/// The file's keys, as JSON allows them. Null means the default, as in open_clip.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PreprocessCfg {
    size: Value,
    mode: Value,
    mean: Value,
    std: Value,
    interpolation: Value,
    resize_mode: Value,
    fill_color: Value,
}

impl From<ImageTransform> for PreprocessCfg {
    fn from(transform: ImageTransform) -> Self {
        Self {
            size: json!(transform.image_size),
            mode: json!("RGB"),
            mean: json!(transform.mean.map(decimal)),
            std: json!(transform.std.map(decimal)),
            interpolation: json!(transform.interpolation),
            resize_mode: json!(transform.resize_mode),
            fill_color: json!(transform.fill_color),
        }
    }
}

impl TryFrom<PreprocessCfg> for ImageTransform {
    type Error = TransformError;

    fn try_from(cfg: PreprocessCfg) -> Result<Self, TransformError> {
        match &cfg.mode {
            Value::Null => (),
            Value::String(mode) if mode == "RGB" => (),
            mode => return Err(TransformError::new("mode", mode, "only \"RGB\" is supported")),
        }
        Ok(Self {
            image_size: size("size", &cfg.size)?.unwrap_or(DEFAULT_SIZE),
            mean: channels("mean", &cfg.mean)?.unwrap_or(OPENAI_MEAN),
            std: deviations("std", &cfg.std)?.unwrap_or(OPENAI_STD),
            interpolation: known(
                "interpolation",
                &cfg.interpolation,
                "bicubic and bilinear are known",
            )?,
            resize_mode: known(
                "resize_mode",
                &cfg.resize_mode,
                "shortest, longest and squash are known",
            )?,
            fill_color: known("fill_color", &cfg.fill_color, "it must be a number from 0 to 255")?,
        })
    }
}

/// The value, or the default for null.
fn known<T: DeserializeOwned + Default>(
    key: &str,
    value: &Value,
    expected: &str,
) -> Result<T, TransformError> {
    match value {
        Value::Null => Ok(T::default()),
        value => T::deserialize(value).map_err(|_| TransformError::new(key, value, expected)),
    }
}

/// A side, or a pair of equal ones; `None` for null.
pub(super) fn size(key: &str, value: &Value) -> Result<Option<usize>, TransformError> {
    let side = match value {
        Value::Null => return Ok(None),
        Value::Array(sides) => match sides.as_slice() {
            [side] => side.as_u64(),
            [height, width] if height == width => height.as_u64(),
            _ => None,
        },
        side => side.as_u64(),
    };
    match side {
        Some(side @ 1..=MAX_SIZE) => Ok(Some(side as usize)),
        _ => {
            let expected = format!("it must be one side, or two equal ones, from 1 to {MAX_SIZE}");
            Err(TransformError::new(key, value, expected))
        }
    }
}

/// Three numbers, or one for all three channels; `None` for null.
pub(super) fn channels(key: &str, value: &Value) -> Result<Option<[f32; 3]>, TransformError> {
    let number = |value: &Value| value.as_f64().map(|number| number as f32);
    let channels = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => match values.as_slice() {
            [red, green, blue] => match (number(red), number(green), number(blue)) {
                (Some(red), Some(green), Some(blue)) => Some([red, green, blue]),
                _ => None,
            },
            _ => None,
        },
        value => number(value).map(|number| [number; 3]),
    };
    match channels {
        Some(channels) if channels.iter().all(|channel| channel.is_finite()) => Ok(Some(channels)),
        _ => Err(TransformError::new(key, value, "it must be three finite numbers")),
    }
}

/// As [`channels`], and positive, because they are divided by.
pub(super) fn deviations(key: &str, value: &Value) -> Result<Option<[f32; 3]>, TransformError> {
    match channels(key, value)? {
        Some(channels) if channels.iter().any(|&channel| channel <= 0.0) => {
            Err(TransformError::new(key, value, "it must be three positive numbers"))
        }
        channels => Ok(channels),
    }
}

/// The shortest decimal of a single-precision number: JSON would print digits that it hasn't.
pub(super) fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::{Interpolation, ResizeMode};

    fn parse(json: &str) -> Result<ImageTransform, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_json_form_is_open_clips_and_round_trips() {
        let transform = ImageTransform {
            resize_mode: ResizeMode::Longest,
            interpolation: Interpolation::Bilinear,
            fill_color: 127,
            ..ImageTransform::siglip(384)
        };
        let json = serde_json::to_value(&transform).unwrap();
        let expected = json!({
            "size": 384, "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
            "interpolation": "bilinear", "resize_mode": "longest", "fill_color": 127,
        });
        assert_eq!(json, expected);
        for transform in [transform, ImageTransform::openai(224), ImageTransform::clipa(336)] {
            let text = serde_json::to_string(&transform).unwrap();
            assert_eq!(parse(&text).unwrap(), transform, "{text}");
        }
    }

    #[test]
    fn absent_and_null_keys_have_open_clips_defaults() {
        assert_eq!(parse("{}").unwrap(), ImageTransform::openai(224));
        let json = r#"{"size": [320, 320], "mean": null, "fill_color": null, "mode": null}"#;
        assert_eq!(parse(json).unwrap(), ImageTransform::openai(320));
        let random = parse(r#"{"interpolation": "random"}"#).unwrap();
        assert_eq!(random.interpolation, Interpolation::Bicubic);
        assert_eq!(parse(r#"{"mean": 0.5}"#).unwrap().mean, [0.5; 3]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (json, named) in [
            (r#"{"interpolation": "lanczos"}"#, r#"`interpolation` is "lanczos""#),
            (r#"{"resize_mode": "stretch"}"#, r#"`resize_mode` is "stretch""#),
            (r#"{"mode": "L"}"#, r#"`mode` is "L""#),
            (r#"{"mode": 1}"#, "`mode` is 1"),
            (r#"{"size": [224, 196]}"#, "`size` is [224,196]"),
            (r#"{"size": 0}"#, "`size` is 0"),
            (r#"{"fill_color": 256}"#, "`fill_color` is 256"),
            (r#"{"mean": [0.5, 0.5]}"#, "`mean` is [0.5,0.5]"),
            (r#"{"std": [0.5, 0, 0.5]}"#, "`std` is [0.5,0,0.5]"),
            (r#"{"crop_pct": 0.9}"#, "crop_pct"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
