use crate::weights::naming::Piece;

/// open_clip's names outside the blocks, with transformers'; `true`: transposed there.
const CLIP: &[(&str, &str, bool)] = &[
    ("visual.class_embedding", "vision_model.embeddings.class_embedding", false),
    ("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", false),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", false),
    // The misspelling is transformers'.
    ("visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", false),
    ("visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", false),
    ("visual.ln_post.weight", "vision_model.post_layernorm.weight", false),
    ("visual.ln_post.bias", "vision_model.post_layernorm.bias", false),
    ("visual.proj", "visual_projection.weight", true),
    ("token_embedding.weight", "text_model.embeddings.token_embedding.weight", false),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight", false),
    ("ln_final.weight", "text_model.final_layer_norm.weight", false),
    ("ln_final.bias", "text_model.final_layer_norm.bias", false),
    ("text_projection", "text_projection.weight", true),
    ("logit_scale", "logit_scale", false),
];

const SIGLIP: &[(&str, &str, bool)] = &[
    (
        "visual.trunk.patch_embed.proj.weight",
        "vision_model.embeddings.patch_embedding.weight",
        false,
    ),
    ("visual.trunk.patch_embed.proj.bias", "vision_model.embeddings.patch_embedding.bias", false),
    ("visual.trunk.pos_embed", "vision_model.embeddings.position_embedding.weight", false),
    ("visual.trunk.norm.weight", "vision_model.post_layernorm.weight", false),
    ("visual.trunk.norm.bias", "vision_model.post_layernorm.bias", false),
    ("visual.trunk.attn_pool.latent", "vision_model.head.probe", false),
    ("visual.trunk.attn_pool.proj.weight", "vision_model.head.attention.out_proj.weight", false),
    ("visual.trunk.attn_pool.proj.bias", "vision_model.head.attention.out_proj.bias", false),
    ("visual.trunk.attn_pool.norm.weight", "vision_model.head.layernorm.weight", false),
    ("visual.trunk.attn_pool.norm.bias", "vision_model.head.layernorm.bias", false),
    ("visual.trunk.attn_pool.mlp.fc1.weight", "vision_model.head.mlp.fc1.weight", false),
    ("visual.trunk.attn_pool.mlp.fc1.bias", "vision_model.head.mlp.fc1.bias", false),
    ("visual.trunk.attn_pool.mlp.fc2.weight", "vision_model.head.mlp.fc2.weight", false),
    ("visual.trunk.attn_pool.mlp.fc2.bias", "vision_model.head.mlp.fc2.bias", false),
    ("token_embedding.weight", "text_model.embeddings.token_embedding.weight", false),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight", false),
    ("ln_final.weight", "text_model.final_layer_norm.weight", false),
    ("ln_final.bias", "text_model.final_layer_norm.bias", false),
    ("text_projection.weight", "text_model.head.weight", false),
    ("text_projection.bias", "text_model.head.bias", false),
    ("logit_scale", "logit_scale", false),
    ("logit_bias", "logit_bias", false),
];

/// Parts of a block in open_clip's and in transformers' names.
const BLOCK: &[(&str, &str)] = &[
    ("ln_1.weight", "layer_norm1.weight"),
    ("ln_1.bias", "layer_norm1.bias"),
    ("ln_2.weight", "layer_norm2.weight"),
    ("ln_2.bias", "layer_norm2.bias"),
    ("attn.out_proj.weight", "self_attn.out_proj.weight"),
    ("attn.out_proj.bias", "self_attn.out_proj.bias"),
    ("mlp.c_fc.weight", "mlp.fc1.weight"),
    ("mlp.c_fc.bias", "mlp.fc1.bias"),
    ("mlp.c_proj.weight", "mlp.fc2.weight"),
    ("mlp.c_proj.bias", "mlp.fc2.bias"),
];

/// The same in timm's names.
const TIMM_BLOCK: &[(&str, &str)] = &[
    ("norm1.weight", "layer_norm1.weight"),
    ("norm1.bias", "layer_norm1.bias"),
    ("norm2.weight", "layer_norm2.weight"),
    ("norm2.bias", "layer_norm2.bias"),
    ("attn.proj.weight", "self_attn.out_proj.weight"),
    ("attn.proj.bias", "self_attn.out_proj.bias"),
    ("mlp.fc1.weight", "mlp.fc1.weight"),
    ("mlp.fc1.bias", "mlp.fc1.bias"),
    ("mlp.fc2.weight", "mlp.fc2.weight"),
    ("mlp.fc2.bias", "mlp.fc2.bias"),
];

/// The pieces of a parameter in a `CLIPModel`; see [`Naming`](crate::weights::naming::Naming).
pub(crate) fn clip_pieces(key: &str) -> Vec<Piece> {
    block(key, "visual.transformer.resblocks.", "vision_model", BLOCK)
        .or_else(|| block(key, "transformer.resblocks.", "text_model", BLOCK))
        .or_else(|| outside(key, CLIP))
        .unwrap_or_default()
}

/// The pieces of a parameter in a `SiglipModel`.
pub(crate) fn siglip_pieces(key: &str) -> Vec<Piece> {
    block(key, "visual.trunk.blocks.", "vision_model", TIMM_BLOCK)
        .or_else(|| block(key, "transformer.resblocks.", "text_model", BLOCK))
        .or_else(|| outside(key, SIGLIP))
        .or_else(|| pooling_head(key))
        .unwrap_or_default()
}

fn outside(key: &str, table: &[(&str, &str, bool)]) -> Option<Vec<Piece>> {
    let (_, name, transposed) = table.iter().find(|(ours, _, _)| *ours == key)?;
    Some(vec![Piece { transposed: *transposed, ..Piece::whole(*name) }])
}

fn block(key: &str, prefix: &str, tower: &str, table: &[(&str, &str)]) -> Option<Vec<Piece>> {
    let (index, part) = key.strip_prefix(prefix)?.split_once('.')?;
    let block = format!("{tower}.encoder.layers.{index}");
    if let Some((_, name)) = table.iter().find(|(ours, _)| *ours == part) {
        return Some(vec![Piece::whole(format!("{block}.{name}"))]);
    }
    // transformers keeps apart what PyTorch packs.
    let kind = match part {
        "attn.in_proj_weight" | "attn.qkv.weight" => "weight",
        "attn.in_proj_bias" | "attn.qkv.bias" => "bias",
        _ => return None,
    };
    let piece = |letter| Piece::whole(format!("{block}.self_attn.{letter}_proj.{kind}"));
    Some(["q", "k", "v"].map(piece).to_vec())
}

/// And packs what timm keeps apart.
fn pooling_head(key: &str) -> Option<Vec<Piece>> {
    let (part, kind) = key.strip_prefix("visual.trunk.attn_pool.")?.split_once('.')?;
    let thirds = match part {
        "q" => 0..1,
        "kv" => 1..3,
        _ => return None,
    };
    let name = format!("vision_model.head.attention.in_proj_{kind}");
    Some(vec![Piece { thirds, ..Piece::whole(name) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_projections_have_three_pieces() {
        let names =
            |pieces: Vec<Piece>| pieces.into_iter().map(|piece| piece.name).collect::<Vec<_>>();
        let pieces = clip_pieces("transformer.resblocks.7.attn.in_proj_bias");
        let expected = ["q", "k", "v"]
            .map(|letter| format!("text_model.encoder.layers.7.self_attn.{letter}_proj.bias"));
        assert_eq!(names(pieces), expected);
    }

    #[test]
    fn a_pooling_head_is_thirds_of_a_packed_one() {
        let pieces = siglip_pieces("visual.trunk.attn_pool.kv.weight");
        assert_eq!(pieces.len(), 1);
        let piece = &pieces[0];
        assert_eq!(piece.name, "vision_model.head.attention.in_proj_weight");
        assert_eq!(piece.thirds, 1..3);
    }

    #[test]
    fn what_transformers_lacks_has_no_pieces() {
        assert!(clip_pieces("visual.transformer.resblocks.0.ls_1.gamma").is_empty());
        assert!(clip_pieces("logit_bias").is_empty());
    }
}
