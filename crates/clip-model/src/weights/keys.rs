/// How a parameter of [`Clip`](crate::Clip) is called and laid out in open_clip's state dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceKey {
    /// The name in the state dict.
    pub name: String,
    /// Whether the matrix is stored as `[out, in]` there and as `[in, out]` here.
    pub transposed: bool,
}

/// Module path to state-dict name, applied in order.
const RENAMES: &[(&str, &str)] = &[
    ("visual.Vit.", "visual."),
    ("visual.ModifiedResNet.", "visual."),
    (".downsample.conv.", ".downsample.0."),
    (".downsample.bn.", ".downsample.1."),
    (".in_proj.", ".in_proj_"),
    (".gamma", ".weight"),
    (".beta", ".bias"),
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
];

/// The open_clip key of a parameter's module path (`text.ln_final.gamma`).
pub fn reference_key(path: &str) -> ReferenceKey {
    let transposed = LINEAR.iter().any(|end| path.ends_with(end));
    // open_clip keeps the text tower's tensors at the top level.
    let path = path.strip_prefix("text.").unwrap_or(path);
    let name = RENAMES.iter().fold(path.to_string(), |name, (from, to)| name.replace(from, to));
    ReferenceKey { name, transposed }
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
        assert_eq!(name("text.token_embedding.weight"), "token_embedding.weight");
        assert_eq!(
            name("visual.ModifiedResNet.layer1.0.downsample.bn.running_mean"),
            "visual.layer1.0.downsample.1.running_mean"
        );
        assert_eq!(name("logit_scale"), "logit_scale");
    }

    #[test]
    fn only_linear_weights_are_transposed() {
        assert!(reference_key("text.transformer.resblocks.0.mlp.c_fc.weight").transposed);
        assert!(!reference_key("text.token_embedding.weight").transposed);
        assert!(!reference_key("text.text_projection").transposed);
    }
}
