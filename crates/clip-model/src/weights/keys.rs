//! How parameters are called and laid out in open_clip's state dict.

/// How a parameter of [`Clip`](crate::Clip) is called and laid out in open_clip's state dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceKey {
    /// The name in the state dict.
    pub name: String,
    /// How its layout there differs from ours.
    pub layout: Layout,
}

/// A parameter's layout in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As here.
    Same,
    /// `[out, in]` there and `[in, out]` here: the weight of a linear layer.
    Transposed,
    /// One more axis in front, of length one.
    LeadingOne,
}

impl Layout {
    /// The reference's shape of a parameter that has `shape` here.
    pub fn reference_shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Self::Same => shape.to_vec(),
            Self::Transposed => shape.iter().rev().copied().collect(),
            Self::LeadingOne => [&[1], shape].concat(),
        }
    }
}

/// Module path to state-dict name, applied in order.
const RENAMES: &[(&str, &str)] = &[
    ("visual.Vit.", "visual."),
    ("visual.ModifiedResNet.", "visual."),
    ("text_projection.Matrix", "text_projection"),
    ("text_projection.Linear.", "text_projection."),
    (".downsample.conv.", ".downsample.0."),
    (".downsample.bn.", ".downsample.1."),
    (".attn.in_proj.", ".attn.in_proj_"),
    (".gamma", ".weight"),
    (".beta", ".bias"),
    (".ls_1.gain", ".ls_1.gamma"),
    (".ls_2.gain", ".ls_2.gamma"),
];

/// The same for SigLIP's image tower, which is timm's, after the ones above.
const SIGLIP_RENAMES: &[(&str, &str)] = &[
    ("visual.Siglip.", "visual.trunk."),
    (".patch_embed.", ".patch_embed.proj."),
    (".blocks.resblocks.", ".blocks."),
    (".ln_1.", ".norm1."),
    (".ln_2.", ".norm2."),
    (".attn.in_proj_", ".attn.qkv."),
    (".attn.out_proj.", ".attn.proj."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
    (".ls_1.", ".ls1."),
    (".ls_2.", ".ls2."),
];

/// Paths that end so are weights of a linear layer, which PyTorch stores transposed.
const LINEAR: &[&str] = &[
    ".in_proj.weight",
    ".out_proj.weight",
    ".c_fc.weight",
    ".c_proj.weight",
    ".q_proj.weight",
    ".k_proj.weight",
    ".v_proj.weight",
    "text_projection.Linear.weight",
    ".attn_pool.q.weight",
    ".attn_pool.kv.weight",
    ".attn_pool.proj.weight",
];

/// The open_clip key of a parameter's module path (`text.ln_final.gamma`).
///
/// The text tower's names are those of open_clip's `CLIP`; its `CustomTextCLIP` has `text.` in
/// front of them.
pub fn reference_key(path: &str) -> ReferenceKey {
    let layout = match path {
        _ if LINEAR.iter().any(|end| path.ends_with(end)) => Layout::Transposed,
        "visual.Siglip.pos_embed" | "visual.Siglip.attn_pool.latent" => Layout::LeadingOne,
        _ => Layout::Same,
    };
    // open_clip keeps the text tower's tensors at the top level.
    let plain = path.strip_prefix("text.").unwrap_or(path);
    let siglip = if path.starts_with("visual.Siglip.") { SIGLIP_RENAMES } else { &[] };
    let renames = RENAMES.iter().chain(siglip);
    let name = renames.fold(plain.to_string(), |name, (from, to)| name.replace(from, to));
    ReferenceKey { name, layout }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> String {
        reference_key(path).name
    }

    #[test]
    fn module_paths_become_open_clip_names() {
        assert_eq!(
            name("visual.Vit.transformer.resblocks.0.attn.in_proj.weight"),
            "visual.transformer.resblocks.0.attn.in_proj_weight"
        );
        assert_eq!(
            name("text.transformer.resblocks.1.ln_1.gamma"),
            "transformer.resblocks.1.ln_1.weight"
        );
        assert_eq!(
            name("visual.Vit.transformer.resblocks.1.ls_1.gain"),
            "visual.transformer.resblocks.1.ls_1.gamma"
        );
        assert_eq!(name("text.token_embedding.weight"), "token_embedding.weight");
        assert_eq!(name("text.text_projection.Matrix"), "text_projection");
        assert_eq!(name("text.text_projection.Linear.bias"), "text_projection.bias");
        assert_eq!(
            name("visual.ModifiedResNet.layer1.0.downsample.bn.running_mean"),
            "visual.layer1.0.downsample.1.running_mean"
        );
        assert_eq!(name("logit_scale"), "logit_scale");
    }

    #[test]
    fn siglip_paths_become_timm_names() {
        let block = "visual.Siglip.blocks.resblocks.3";
        assert_eq!(
            name(&format!("{block}.attn.in_proj.bias")),
            "visual.trunk.blocks.3.attn.qkv.bias"
        );
        assert_eq!(name(&format!("{block}.ln_2.gamma")), "visual.trunk.blocks.3.norm2.weight");
        assert_eq!(name("visual.Siglip.patch_embed.bias"), "visual.trunk.patch_embed.proj.bias");
        assert_eq!(
            name("visual.Siglip.attn_pool.mlp.c_fc.bias"),
            "visual.trunk.attn_pool.mlp.fc1.bias"
        );
        assert_eq!(reference_key("visual.Siglip.pos_embed").layout, Layout::LeadingOne);
    }

    #[test]
    fn only_linear_weights_are_transposed() {
        let layout = |path: &str| reference_key(path).layout;
        assert_eq!(layout("text.transformer.resblocks.0.mlp.c_fc.weight"), Layout::Transposed);
        assert_eq!(layout("text.token_embedding.weight"), Layout::Same);
        assert_eq!(layout("text.text_projection.Matrix"), Layout::Same);
        assert_eq!(layout("text.text_projection.Linear.weight"), Layout::Transposed);
    }
}
