//! SigLIP's image towers, which open_clip takes from timm by name.

use serde_json::{Map, Value, json};

/// What a timm name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Siglip {
    pub name: &'static str,
    pub image_size: usize,
    pub patch_size: usize,
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub mlp_ratio: f64,
    /// GELU by the hyperbolic tangent.
    pub tanh: bool,
}

const fn siglip(name: &'static str, image_size: usize, patch_size: usize, size: Size) -> Siglip {
    let Size(width, layers, heads, mlp_ratio, tanh) = size;
    Siglip { name, image_size, patch_size, width, layers, heads, mlp_ratio, tanh }
}

/// Width, layers, heads, hidden over width, tanh.
struct Size(usize, usize, usize, f64, bool);

const BASE: Size = Size(768, 12, 12, 4.0, false);
const LARGE: Size = Size(1024, 24, 16, 4.0, false);
const SO400M: Size = Size(1152, 27, 16, 3.7362, false);
const SO400M_TANH: Size = Size(1152, 27, 16, 3.7362, true);
const GIANT: Size = Size(1536, 40, 16, 4.0, true);

/// timm 1.0's models with a `map` pooling, as `vision_transformer.py` defines them.
const MODELS: &[Siglip] = &[
    siglip("vit_base_patch32_siglip_256", 256, 32, Size(768, 12, 12, 4.0, true)),
    siglip("vit_base_patch16_siglip_224", 224, 16, BASE),
    siglip("vit_base_patch16_siglip_256", 256, 16, BASE),
    siglip("vit_base_patch16_siglip_384", 384, 16, BASE),
    siglip("vit_base_patch16_siglip_512", 512, 16, BASE),
    siglip("vit_large_patch16_siglip_256", 256, 16, LARGE),
    siglip("vit_large_patch16_siglip_384", 384, 16, LARGE),
    siglip("vit_large_patch16_siglip_512", 512, 16, Size(1024, 24, 16, 4.0, true)),
    siglip("vit_so400m_patch14_siglip_224", 224, 14, SO400M),
    siglip("vit_so400m_patch14_siglip_378", 378, 14, SO400M),
    siglip("vit_so400m_patch14_siglip_384", 384, 14, SO400M),
    siglip("vit_so400m_patch16_siglip_256", 256, 16, SO400M_TANH),
    siglip("vit_so400m_patch16_siglip_384", 384, 16, SO400M_TANH),
    siglip("vit_so400m_patch16_siglip_512", 512, 16, SO400M_TANH),
    siglip("vit_giantopt_patch16_siglip_256", 256, 16, GIANT),
    siglip("vit_giantopt_patch16_siglip_384", 384, 16, GIANT),
];

/// The model of this name.
pub(super) fn by_name(name: &str) -> Option<&'static Siglip> {
    MODELS.iter().find(|model| model.name == name)
}

impl Siglip {
    /// Our keys for this tower.
    pub(super) fn keys(&self) -> Map<String, Value> {
        let mut keys = Map::new();
        keys.insert("image_size".into(), json!(self.image_size));
        keys.insert("layers".into(), json!(self.layers));
        keys.insert("width".into(), json!(self.width));
        keys.insert("head_width".into(), json!(self.width / self.heads));
        keys.insert("mlp_ratio".into(), json!(self.mlp_ratio));
        keys.insert("patch_size".into(), json!(self.patch_size));
        keys.insert("pool_type".into(), json!("map"));
        keys.insert("norm_kwargs".into(), json!({ "eps": 1e-6 }));
        if self.tanh {
            keys.insert("act_kwargs".into(), json!({ "approximate": "tanh" }));
        }
        keys
    }

    /// The model with these keys.
    pub(super) fn by_keys(keys: &Map<String, Value>) -> Option<&'static Siglip> {
        let same = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        };
        let equal = |model: &Siglip| {
            let own = model.keys();
            // A ratio of four is the default, which isn't written.
            let absent = |key: &str| key == "mlp_ratio" && model.mlp_ratio == 4.0;
            let free = |key: &str| key == "patch_dropout" || key == "output_tokens";
            let known = |(key, value): (&String, &Value)| {
                free(key) || own.get(key).is_some_and(|own| same(own, value))
            };
            keys.iter().all(known) && own.keys().all(|key| keys.contains_key(key) || absent(key))
        };
        MODELS.iter().find(|model| equal(model))
    }
}
