//! What both sides encode; `peers/models.py` makes the same.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

const CONTEXT: usize = 77;
const START: i32 = 49_406;
const END: i32 = 49_407;

/// What the text tower gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// From 5 to 14 words, as zero-shot classifiers are made of.
    Prompts,
    /// Every position taken.
    Full,
}

impl Texts {
    /// As the peer's script calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompts => "prompts",
            Self::Full => "full",
        }
    }

    /// Made-up words, `[batch, 77]`.
    pub fn tokens(self, batch: usize, device: &Device) -> Tensor<2, Int> {
        let row = |row: usize| {
            let words = match self {
                Self::Prompts => 5 + row % 10,
                Self::Full => CONTEXT - 2,
            };
            let word = move |word: usize| (320 + (37 * row + 11 * word) % 40_000) as i32;
            let ids = std::iter::once(START).chain((0..words).map(word)).chain([END]);
            ids.chain(std::iter::repeat(0)).take(CONTEXT)
        };
        let ids: Vec<i32> = (0..batch).flat_map(row).collect();
        Tensor::from_data(TensorData::new(ids, [batch, CONTEXT]), device)
    }
}

/// `[batch, 3, side, side]`.
pub fn images(batch: usize, side: usize, device: &Device) -> Tensor<4> {
    let count = batch * 3 * side * side;
    let pixels: Vec<f32> = (0..count).map(|pixel| (0.01 * pixel as f64).sin() as f32).collect();
    let data = TensorData::new(pixels, [batch, 3, side, side]);
    Tensor::from_data(data, (device, DType::F32))
}
