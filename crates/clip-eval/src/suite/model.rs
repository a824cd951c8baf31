use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use clip_data::DataError;
use clip_model::{Clip, Pretrained, normalize};
use image::DynamicImage;
use sha2::{Digest, Sha256};

use crate::encode_images_with;

/// Sixteen hexadecimal digits that tell a model with its transform from any other.
pub fn digest(clip: &Pretrained) -> String {
    struct Parameters(Sha256);
    impl ModuleVisitor for Parameters {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let data = parameter.val().into_data();
            self.0.update(format!("{:?}", data.shape()));
            self.0.update(&data.bytes()[..]);
        }
    }
    let mut parameters = Parameters(Sha256::new());
    clip.model.visit(&mut parameters);
    parameters.0.update(format!("{:?}", clip.transform));
    hexadecimal(&parameters.0.finalize())
}

/// The first sixteen digits.
pub(super) fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The features of `count` images before the projection, `[count, width]`; see
/// [`Clip::encode_image_unprojected`]. `done` is told how many images are encoded.
///
/// # Errors
///
/// When an image can't be read.
pub fn encode_for_probes(
    clip: &Pretrained,
    count: usize,
    get: impl Fn(usize) -> Result<DynamicImage, DataError> + Sync,
    done: impl FnMut(usize),
) -> Result<Tensor<2>, DataError> {
    let encode = Clip::encode_image_unprojected;
    encode_images_with(encode, &clip.model, &clip.transform, count, get, done)
}

/// Image features that are compared with text features, `[images, embed]`, normalised, of those before
/// the projection, `[images, width]`; and the temperature's inverse.
pub(super) fn projected(clip: &Pretrained, features: &Tensor<2>) -> (Tensor<2>, f32) {
    let scale = clip.model.logit_scale.val();
    // Kept as f32, whatever the model's numbers are.
    let features = clip.model.project_image(features.clone().cast(scale.dtype()));
    (normalize(features.cast(DType::F32)), scale.into_data().iter::<f32>().sum::<f32>().exp())
}
