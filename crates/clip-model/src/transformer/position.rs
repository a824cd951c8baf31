use burn::tensor::{Bool, Device, Int, Tensor};

/// One position of each sequence of a batch.
#[allow(clippy::large_enum_variant, reason = "a batch has one")]
#[derive(Clone, Debug)]
pub enum Position {
    /// The first.
    First,
    /// The last.
    Last,
    /// One for each sequence, `[batch, 1]`, each within its sequence.
    At(Tensor<2, Int>),
}

impl Position {
    /// What is there.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    pub fn of(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        match self {
            Self::First => x.slice([0..batch, 0..1]),
            Self::Last => x.slice([0..batch, sequence - 1..sequence]),
            Self::At(indices) => {
                x.gather(1, indices.clone().unsqueeze_dim::<3>(2).expand([batch, 1, width]))
            }
        }
    }

    /// The positions that come after it, `[batch or 1, 1, 1, sequence]`; `None` if none does.
    pub(super) fn unseen(&self, sequence: usize, device: &Device) -> Option<Tensor<4, Bool>> {
        let all = Tensor::<1, Int>::arange(0..sequence as i64, device);
        let after = match self {
            Self::First => all.greater_elem(0).unsqueeze(),
            Self::Last => return None,
            Self::At(indices) => {
                let [batch, _] = indices.dims();
                // Tokens may have another integer format than the device's own.
                let all = all.cast(indices.dtype()).unsqueeze::<2>().expand([batch, sequence]);
                all.greater(indices.clone().expand([batch, sequence]))
            }
        };
        let [batch, _] = after.dims();
        Some(after.reshape([batch, 1, 1, sequence]))
    }

    /// The index in each of so many sequences.
    #[cfg(feature = "flex")]
    pub(crate) fn indices(&self, [batch, sequence]: [usize; 2]) -> Vec<usize> {
        match self {
            Self::First => vec![0; batch],
            Self::Last => vec![sequence - 1; batch],
            Self::At(indices) => {
                indices.clone().into_data().iter::<i64>().map(|index| index as usize).collect()
            }
        }
    }
}
