//! Any text as a configuration, open_clip's or transformers'.

#![no_main]

use clip_model::ClipConfig;
use clip_model::preprocess::ImageTransform;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(config) = ClipConfig::from_json(text, "fuzz") {
        config.validate().expect("what was parsed is valid");
        let json = serde_json::to_string(&config).expect("a configuration is JSON");
        // Not compared: numbers are read to the last bit but one.
        ClipConfig::from_json(&json, "fuzz").expect("its own JSON");
    }
    let Ok(value) = serde_json::from_str(text) else { return };
    let _ = ClipConfig::from_hugging_face(&value, "fuzz");
    let _ = ImageTransform::from_hugging_face(&value);
});
