//! transformers' `preprocessor_config.json` of its CLIP and SigLIP image processors.

use serde_json::{Value, json};

use super::preprocess_cfg::{channels, decimal, deviations, size};
use super::{ImageTransform, Interpolation, OPENAI_MEAN, OPENAI_STD, ResizeMode, TransformError};

/// What a pixel is multiplied by before it is normalised.
const RESCALE_FACTOR: f64 = 1.0 / 255.0;

/// The image processors whose configurations are read, and the names that they had.
const CLIP_TYPES: [&str; 2] = ["CLIPImageProcessor", "CLIPFeatureExtractor"];
const SIGLIP_TYPES: [&str; 2] = ["SiglipImageProcessor", "Siglip2ImageProcessor"];

/// Pillow's numbers of the filters.
const BILINEAR: u64 = 2;
const BICUBIC: u64 = 3;

impl ImageTransform {
    /// The `preprocessor_config.json` with which transformers does the same: a
    /// `CLIPImageProcessor` where the centre is cropped, a `SiglipImageProcessor` where the image
    /// is squashed.
    ///
    /// # Errors
    ///
    /// For [`ResizeMode::Longest`], which neither can do.
    pub fn to_hugging_face(&self) -> Result<Value, TransformError> {
        let side = self.image_size;
        let resample = match self.interpolation {
            Interpolation::Bicubic => BICUBIC,
            Interpolation::Bilinear => BILINEAR,
        };
        let mut config = json!({
            "do_convert_rgb": true,
            "do_normalize": true,
            "do_rescale": true,
            "do_resize": true,
            "image_mean": self.mean.map(decimal),
            "image_std": self.std.map(decimal),
            "resample": resample,
            "rescale_factor": RESCALE_FACTOR,
        });
        match self.resize_mode {
            ResizeMode::Shortest => {
                config["image_processor_type"] = json!(CLIP_TYPES[0]);
                config["size"] = json!({ "shortest_edge": side });
                config["do_center_crop"] = json!(true);
                config["crop_size"] = json!({ "height": side, "width": side });
            }
            ResizeMode::Squash => {
                config["image_processor_type"] = json!(SIGLIP_TYPES[0]);
                config["size"] = json!({ "height": side, "width": side });
            }
            ResizeMode::Longest => {
                let expected = "transformers' image processors know shortest and squash";
                return Err(TransformError::new("resize_mode", "\"longest\"", expected));
            }
        }
        Ok(config)
    }

    /// The transform that a `preprocessor_config.json` of a `CLIPImageProcessor` or a
    /// `SiglipImageProcessor` describes, in open_clip's arithmetic.
    ///
    /// transformers itself converts to RGB before it resizes, and where the margin of the crop is
    /// odd it may begin a pixel earlier.
    ///
    /// # Errors
    ///
    /// Names the key whose value would change pixels and isn't supported.
    pub fn from_hugging_face(config: &Value) -> Result<Self, TransformError> {
        if !config.is_object() {
            return Err(TransformError::new("preprocessor_config", config, "it must be an object"));
        }
        let siglip = is_siglip(&config["image_processor_type"], &config["feature_extractor_type"])?;
        require(config, "do_resize", true)?;
        require(config, "do_rescale", true)?;
        require(config, "do_pad", false)?;
        let factor = &config["rescale_factor"];
        if !factor.is_null() && factor.as_f64().is_none_or(|f| (f - RESCALE_FACTOR).abs() > 1e-6) {
            return Err(TransformError::new("rescale_factor", factor, "only 1/255 is supported"));
        }
        let (image_size, resize_mode) = size_and_mode(config, siglip)?;
        let interpolation = match (&config["resample"], config["resample"].as_u64()) {
            (Value::Null, _) | (_, Some(BICUBIC)) => Interpolation::Bicubic,
            (_, Some(BILINEAR)) => Interpolation::Bilinear,
            (other, _) => {
                let expected = "2 (bilinear) and 3 (bicubic) are supported";
                return Err(TransformError::new("resample", other, expected));
            }
        };
        let (mean, std) = mean_and_std(config, siglip)?;
        Ok(Self { image_size, mean, std, interpolation, resize_mode, fill_color: 0 })
    }
}

/// Whether the processor is SigLIP's. CLIP's is the default.
fn is_siglip(current: &Value, former: &Value) -> Result<bool, TransformError> {
    let name = if current.is_null() { former } else { current };
    let Some(text) = name.as_str() else { return Ok(false) };
    let plain = text.trim_end_matches("Fast").trim_end_matches("Pil");
    match (CLIP_TYPES.contains(&plain), SIGLIP_TYPES.contains(&plain)) {
        (false, false) => {
            let expected = "CLIPImageProcessor and SiglipImageProcessor are known";
            Err(TransformError::new("image_processor_type", name, expected))
        }
        (_, siglip) => Ok(siglip),
    }
}

/// An error if the switch is there and not as it must be.
fn require(config: &Value, key: &str, wanted: bool) -> Result<(), TransformError> {
    match &config[key] {
        Value::Null => Ok(()),
        Value::Bool(value) if *value == wanted => Ok(()),
        other => Err(TransformError::new(key, other, format!("only {wanted} is supported"))),
    }
}

fn size_and_mode(config: &Value, siglip: bool) -> Result<(usize, ResizeMode), TransformError> {
    let value = &config["size"];
    let shortest = value.get("shortest_edge");
    let squash = sides(value).is_some() || (siglip && shortest.is_none());
    let side = match (sides(value), shortest) {
        (Some(pair), _) => size("size", &pair)?,
        (None, Some(edge)) => size("size", edge)?,
        (None, None) => size("size", value)?,
    };
    let side = side.unwrap_or(224);
    let crops = match &config["do_center_crop"] {
        Value::Null => !siglip,
        other => other.as_bool().unwrap_or(true),
    };
    let crop = &config["crop_size"];
    let cropped = size("crop_size", &sides(crop).unwrap_or_else(|| crop.clone()))?.unwrap_or(side);
    if crops && cropped != side {
        let expected = format!("a crop of another size than {side} is not supported");
        return Err(TransformError::new("crop_size", crop, expected));
    }
    if !squash && !crops {
        let expected = "with a shortest edge only true is supported";
        return Err(TransformError::new("do_center_crop", false, expected));
    }
    Ok((side, if squash { ResizeMode::Squash } else { ResizeMode::Shortest }))
}

/// `[height, width]` of an object that has both.
fn sides(value: &Value) -> Option<Value> {
    Some(json!([value.get("height")?, value.get("width")?]))
}

fn mean_and_std(config: &Value, siglip: bool) -> Result<([f32; 3], [f32; 3]), TransformError> {
    if config["do_normalize"] == json!(false) {
        return Ok(([0.0; 3], [1.0; 3]));
    }
    require(config, "do_normalize", true)?;
    let (mean, std) = if siglip { ([0.5; 3], [0.5; 3]) } else { (OPENAI_MEAN, OPENAI_STD) };
    Ok((
        channels("image_mean", &config["image_mean"])?.unwrap_or(mean),
        deviations("image_std", &config["image_std"])?.unwrap_or(std),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_processors_round_trip() {
        let bilinear = ImageTransform {
            interpolation: Interpolation::Bilinear,
            ..ImageTransform::siglip(256)
        };
        for transform in [ImageTransform::openai(336), ImageTransform::siglip(224), bilinear] {
            let config = transform.to_hugging_face().unwrap();
            assert_eq!(ImageTransform::from_hugging_face(&config).unwrap(), transform, "{config}");
        }
    }

    #[test]
    fn the_file_of_openais_checkpoints_is_read() {
        let config = json!({
            "crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "resample": 3, "size": 224
        });
        let transform = ImageTransform::from_hugging_face(&config).unwrap();
        assert_eq!(transform, ImageTransform::openai(224));
    }

    #[test]
    fn the_file_of_siglips_checkpoints_is_read() {
        let config = json!({
            "do_normalize": true, "do_rescale": true, "do_resize": true,
            "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor",
            "image_std": [0.5, 0.5, 0.5], "processor_class": "SiglipProcessor", "resample": 3,
            "rescale_factor": 0.00392156862745098, "size": { "height": 224, "width": 224 }
        });
        let transform = ImageTransform::from_hugging_face(&config).unwrap();
        assert_eq!(transform, ImageTransform::siglip(224));
    }

    #[test]
    fn what_would_change_pixels_is_named() {
        for (key, value) in [
            ("resample", json!(1)),
            ("do_resize", json!(false)),
            ("do_rescale", json!(false)),
            ("do_pad", json!(true)),
            ("do_center_crop", json!(false)),
            ("rescale_factor", json!(1.0)),
            ("crop_size", json!({ "height": 200, "width": 200 })),
            ("size", json!({ "height": 224, "width": 196 })),
            ("image_std", json!([0.5, 0.0, 0.5])),
            ("image_processor_type", json!("ViTImageProcessor")),
        ] {
            let mut config = ImageTransform::openai(224).to_hugging_face().unwrap();
            config[key] = value;
            assert_eq!(ImageTransform::from_hugging_face(&config).unwrap_err().key, key);
        }
    }

    #[test]
    fn a_configuration_that_is_no_object_is_an_error() {
        let error = ImageTransform::from_hugging_face(&json!([224])).unwrap_err();
        assert!(error.to_string().contains("[224]"), "{error}");
    }

    #[test]
    fn padding_has_no_counterpart() {
        let longest =
            ImageTransform { resize_mode: ResizeMode::Longest, ..ImageTransform::openai(224) };
        assert_eq!(longest.to_hugging_face().unwrap_err().key, "resize_mode");
    }
}
