use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use clip_model::Clip;
use clip_model::weights::reference_key;

/// A parameter's place in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Burn's path.
    pub path: String,
    /// Number of dimensions.
    pub rank: usize,
    pub tower: Tower,
    /// Layer, counted from 0 for what precedes the blocks.
    pub layer: usize,
    /// Part of an adapter beside a weight that is not trained itself.
    pub adapter: bool,
}

/// Where in the model a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tower {
    Image,
    Text,
    /// Scale and bias of the logits.
    Head,
}

/// All float parameters, and the number of the last layer of each tower.
pub(super) struct Places {
    pub places: Vec<Place>,
    last: [usize; 2],
}

impl Places {
    pub fn of(model: &Clip) -> Self {
        let mut visitor = Visitor::default();
        model.visit(&mut visitor);
        let mut places = visitor.found;
        let last = [Tower::Image, Tower::Text].map(|tower| {
            let of_tower = places.iter().filter(|place| place.tower == tower);
            // What follows the blocks is a layer of its own.
            1 + of_tower.map(|place| place.layer).filter(|l| *l != AFTER).max().unwrap_or(0)
        });
        for place in places.iter_mut().filter(|place| place.layer == AFTER) {
            place.layer = if place.tower == Tower::Text { last[1] } else { last[0] };
        }
        Self { places, last }
    }

    /// The layer after the blocks.
    pub fn last(&self, tower: Tower) -> usize {
        match tower {
            Tower::Text => self.last[1],
            _ => self.last[0],
        }
    }
}

/// Stands for the layer after the blocks until their number is known.
const AFTER: usize = usize::MAX;

#[derive(Default)]
struct Visitor {
    path: Vec<String>,
    found: Vec<Place>,
}

impl ModuleVisitor for Visitor {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        let adapter = self.path.iter().position(|part| part == "lora");
        let weight = self.path[..adapter.unwrap_or(self.path.len())].join(".");
        let name = reference_key(&weight).name;
        let tower = match name.as_str() {
            name if name.starts_with("visual.") => Tower::Image,
            name if name.starts_with("logit_") => Tower::Head,
            _ => Tower::Text,
        };
        self.found.push(Place {
            path: self.path.join("."),
            rank: D,
            tower,
            layer: layer(&name, tower),
            adapter: adapter.is_some(),
        });
    }
}

/// The layer of open_clip's name for a parameter, as timm and BEiT count them: 0 for embeddings and
/// stem, one a block, and one for what follows.
fn layer(name: &str, tower: Tower) -> usize {
    if tower == Tower::Head {
        return 0;
    }
    let number = |after: &str| {
        let rest = name.split_once(after)?.1;
        rest.split('.').next()?.parse::<usize>().ok()
    };
    if let Some(block) = number("resblocks.").or_else(|| number("trunk.blocks.")) {
        return block + 1;
    }
    // The stages of a ResNet.
    if let Some(stage) = name.strip_prefix("visual.layer").and_then(|rest| rest.split('.').next()) {
        return stage.parse().unwrap_or(AFTER);
    }
    const BEFORE: [&str; 13] = [
        "token_embedding.",
        "cls_emb",
        "class_embedding",
        "positional_embedding",
        "conv1.",
        "conv2.",
        "conv3.",
        "bn1.",
        "bn2.",
        "bn3.",
        "ln_pre.",
        "patch_embed.",
        "pos_embed",
    ];
    let local = name.trim_start_matches("visual.").trim_start_matches("trunk.");
    if BEFORE.iter().any(|part| local.starts_with(part)) { 0 } else { AFTER }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use clip_model::ClipConfig;

    use super::*;

    fn layers(preset: &str) -> (Places, impl Fn(&Places, &str) -> Vec<usize>) {
        let model = ClipConfig::preset(preset).unwrap().init(&Device::flex(), 0).unwrap();
        let of = |places: &Places, part: &str| {
            let found = places.places.iter().filter(|place| place.path.contains(part));
            let mut layers: Vec<usize> = found.map(|place| place.layer).collect();
            layers.dedup();
            layers
        };
        (Places::of(&model), of)
    }

    #[test]
    fn layers_are_counted_from_the_input() {
        let (vit, of) = layers("ViT-nano");
        let last = vit.last(Tower::Image);
        assert_eq!(of(&vit, "class_embedding"), [0]);
        assert_eq!(of(&vit, "ln_pre"), [0]);
        assert_eq!(of(&vit, "ln_post"), [last]);
        assert_eq!(of(&vit, "token_embedding"), [0]);
        assert_eq!(of(&vit, "text_projection"), [vit.last(Tower::Text)]);
        let blocks = |layer| vit.places.iter().any(|p| p.tower == Tower::Image && p.layer == layer);
        assert!((0..=last).all(blocks));
    }

    #[test]
    fn a_resnet_has_a_layer_for_each_stage() {
        let (resnet, of) = layers("RN-nano");
        assert_eq!(resnet.last(Tower::Image), 5);
        assert_eq!(of(&resnet, "attnpool"), [5]);
        assert!(of(&resnet, "layer3").iter().all(|layer| *layer == 3));
        let stem = |place: &&Place| place.path.contains("visual") && place.layer == 0;
        assert!(resnet.places.iter().filter(stem).count() >= 9);
    }
}
