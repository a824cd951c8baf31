use burn::module::{Module, ParamGroup};
use clip_model::Clip;
use serde::{Deserialize, Serialize};

use super::layers::{Place, Places, Tower};

/// How each tower is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TowersConfig {
    /// The image tower.
    pub image: TowerConfig,
    /// The text tower.
    pub text: TowerConfig,
}

/// How a tower is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TowerConfig {
    /// Factor on the learning rate of the tower.
    pub lr_scale: f64,
    /// Factor on the learning rate from each layer to the one before it; 1 for the same everywhere.
    pub layer_decay: f64,
    /// Leave the tower as it is, the statistics of batch normalisation among it (LiT, Zhai et al.
    /// 2022, for the image tower).
    pub lock: bool,
    /// Layers at the tower's end that are trained nevertheless: the projection with what follows
    /// the blocks is the first, then one a block (one a stage of a ResNet).
    pub unlocked_layers: usize,
    /// Use the running statistics of batch normalisation, which the image tower alone can have,
    /// and leave them alone.
    pub freeze_batch_norm: bool,
}

impl Default for TowerConfig {
    fn default() -> Self {
        Self {
            lr_scale: 1.0,
            layer_decay: 1.0,
            lock: false,
            unlocked_layers: 0,
            freeze_batch_norm: false,
        }
    }
}

impl TowerConfig {
    /// Whether the numbers make sense.
    fn is_possible(&self) -> bool {
        (self.lock || self.unlocked_layers == 0)
            && self.lr_scale > 0.0
            && self.lr_scale.is_finite()
            && self.layer_decay > 0.0
            && self.layer_decay <= 1.0
    }
}

impl TowersConfig {
    pub(crate) fn is_possible(&self) -> bool {
        self.image.is_possible() && self.text.is_possible() && !self.text.freeze_batch_norm
    }

    fn of(&self, tower: Tower) -> Option<&TowerConfig> {
        match tower {
            Tower::Image => Some(&self.image),
            Tower::Text => Some(&self.text),
            Tower::Head => None,
        }
    }

    /// Factor on the learning rate of a parameter.
    pub(super) fn factor(&self, place: &Place, places: &Places) -> f64 {
        let Some(tower) = self.of(place.tower) else { return 1.0 };
        let above = places.last(place.tower) - place.layer;
        tower.lr_scale * tower.layer_decay.powi(above as i32)
    }

    /// The model with the locked layers' parameters out of training.
    pub fn lock(&self, model: Clip) -> Clip {
        let places = Places::of(&model);
        let is_locked = |place: &&Place| {
            self.of(place.tower).is_some_and(|tower| {
                let above = places.last(place.tower) - place.layer;
                tower.lock && above >= tower.unlocked_layers
            })
        };
        let locked: Vec<String> =
            places.places.iter().filter(is_locked).map(|place| place.path.clone()).collect();
        match locked.is_empty() {
            true => model,
            false => model.set_require_grad_group(ParamGroup::from_paths(locked), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleVisitor, Param};
    use burn::tensor::{Device, Tensor};
    use clip_model::ClipConfig;

    use super::*;

    #[derive(Default)]
    struct Trained(Vec<String>, Vec<String>);

    impl ModuleVisitor for Trained {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.0.push(name.into());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.0.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.1.push(self.0.join("."));
            }
        }
    }

    fn trained(towers: TowersConfig) -> Vec<String> {
        let device = Device::flex().autodiff();
        let model = ClipConfig::preset("ViT-nano").unwrap().init(&device, 0).unwrap();
        let mut trained = Trained::default();
        towers.lock(model).visit(&mut trained);
        trained.1
    }

    #[test]
    fn a_locked_tower_trains_its_last_layers_alone() {
        let all = trained(TowersConfig::default());
        let image = |unlocked_layers| TowersConfig {
            image: TowerConfig { lock: true, unlocked_layers, ..TowerConfig::default() },
            ..TowersConfig::default()
        };
        let of_image = |paths: &[String]| {
            paths.iter().filter(|path| path.starts_with("visual")).cloned().collect::<Vec<_>>()
        };
        let locked = trained(image(0));
        assert!(of_image(&locked).is_empty());
        assert_eq!(locked.len(), all.len() - of_image(&all).len());
        let last = of_image(&trained(image(1)));
        assert!(last.iter().all(|path| path.contains("ln_post") || path.ends_with("proj")));
        assert_eq!(last.len(), 3);
        let two = of_image(&trained(image(2)));
        assert_eq!(two.len(), 3 + 12, "{two:?}");
    }

    #[test]
    fn learning_rates_fall_towards_the_input() {
        let model = ClipConfig::preset("ViT-nano").unwrap().init(&Device::flex(), 0).unwrap();
        let places = Places::of(&model);
        let image = TowerConfig { lr_scale: 2.0, layer_decay: 0.5, ..TowerConfig::default() };
        let towers = TowersConfig { image, ..TowersConfig::default() };
        let factor = |part: &str| {
            let place = places.places.iter().find(|place| place.path.contains(part)).unwrap();
            towers.factor(place, &places)
        };
        let last = places.last(Tower::Image) as i32;
        assert_eq!(factor("ln_post"), 2.0);
        assert_eq!(factor("class_embedding"), 2.0 * 0.5f64.powi(last));
        assert_eq!(factor("token_embedding"), 1.0);
        assert_eq!(factor("logit_scale"), 1.0);
    }
}
