use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::preprocess::ImageTransform;

/// Turns 8-bit RGB images into the input of an image tower, with the transform's size, mean and
/// deviation.
///
/// Bytes travel to the device as they are and are normalised there, at a quarter of the traffic.
///
/// # Shapes
///
/// - pixels: `[batch, size, size, 3]`, row-major
/// - output: `[batch, 3, size, size]`
pub fn images_to_tensor(pixels: Vec<u8>, transform: &ImageTransform, device: &Device) -> Tensor<4> {
    let size = transform.image_size;
    let batch = pixels.len() / (3 * size * size);
    let data = TensorData::new(pixels, [batch, size, size, 3]);
    let pixels = Tensor::<4>::from_data(data, (device, DType::F32));
    let channels = |values: [f32; 3]| {
        Tensor::<1>::from_data(TensorData::from(values), device).reshape([1, 1, 1, 3])
    };
    let normalized = (pixels / 255.0 - channels(transform.mean)) / channels(transform.std);
    normalized.permute([0, 3, 1, 2])
}
