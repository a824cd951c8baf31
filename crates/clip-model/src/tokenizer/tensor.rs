use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Tokenizer;

impl Tokenizer {
    /// Encoded texts, `[texts, context]`, as [`encode_batch`](Self::encode_batch) gives them.
    pub fn encode_to_tensor(&self, texts: &[impl AsRef<str>], device: &Device) -> Tensor<2, Int> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let ids = TensorData::new(self.encode_batch(&texts), [texts.len(), self.context_length()]);
        Tensor::from_data(ids, device)
    }
}
