use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, Linear, LinearConfig};
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

use crate::norm::{layer_norm, normalized};
use crate::transformer::{join_heads, split_heads};

/// open_clip's attentional pooler: learned queries read the tokens (CoCa).
#[derive(Module, Debug)]
pub struct AttentionalPooler {
    /// `[queries, embed]`.
    pub query: Param<Tensor<2>>,
    /// Reads the tokens.
    pub attn: CrossAttention,
    /// Normalises the queries.
    pub ln_q: LayerNorm,
    /// Normalises the tokens.
    pub ln_k: LayerNorm,
}

/// PyTorch's `MultiheadAttention` with queries and keys of different widths, in its own layout.
#[derive(Module, Debug)]
pub struct CrossAttention {
    /// Packed projections where both widths are equal, `[3 * embed, embed]`.
    pub in_proj_weight: Option<Param<Tensor<2>>>,
    /// Query projection where they differ, `[embed, embed]`.
    pub q_proj_weight: Option<Param<Tensor<2>>>,
    /// Key projection where they differ, `[embed, width]`.
    pub k_proj_weight: Option<Param<Tensor<2>>>,
    /// Value projection where they differ, `[embed, width]`.
    pub v_proj_weight: Option<Param<Tensor<2>>>,
    /// Biases of the three projections, `[3 * embed]`.
    pub in_proj_bias: Param<Tensor<1>>,
    /// Output projection, `[embed, embed]`.
    pub out_proj: Linear,
    heads: usize,
}

impl AttentionalPooler {
    pub(super) fn new(
        [embed, width]: [usize; 2],
        heads: usize,
        queries: usize,
        device: &Device,
    ) -> Self {
        Self {
            query: Initializer::Zeros.init([queries, embed], device),
            attn: CrossAttention::new(embed, width, heads, device),
            // open_clip's `norm_kwargs` don't reach the poolers.
            ln_q: layer_norm(embed, None, device),
            ln_k: layer_norm(width, None, device),
        }
    }

    /// # Shapes
    ///
    /// - tokens: `[batch, sequence, width]`
    /// - output: `[batch, queries, embed]`
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, _, _] = tokens.dims();
        let query = normalized(&self.ln_q, self.query.val());
        let [queries, embed] = query.dims();
        let query = query.unsqueeze::<3>().expand([batch, queries, embed]);
        self.attn.forward(query, normalized(&self.ln_k, tokens))
    }
}

impl CrossAttention {
    fn new(embed: usize, width: usize, heads: usize, device: &Device) -> Self {
        let weight =
            |there: bool, shape: [usize; 2]| there.then(|| Initializer::Zeros.init(shape, device));
        let equal = embed == width;
        Self {
            in_proj_weight: weight(equal, [3 * embed, embed]),
            q_proj_weight: weight(!equal, [embed, embed]),
            k_proj_weight: weight(!equal, [embed, width]),
            v_proj_weight: weight(!equal, [embed, width]),
            in_proj_bias: Initializer::Zeros.init([3 * embed], device),
            out_proj: LinearConfig::new(embed, embed).init(device),
            heads,
        }
    }

    fn forward(&self, query: Tensor<3>, tokens: Tensor<3>) -> Tensor<3> {
        let project = |x: Tensor<3>, separate: &Option<Param<Tensor<2>>>, part: usize| {
            let [_, _, embed] = query.dims();
            let rows = part * embed..(part + 1) * embed;
            let packed = || {
                self.in_proj_weight
                    .as_ref()
                    .map(|packed| packed.val().slice([rows.clone(), 0..embed]))
            };
            let bias = self.in_proj_bias.val().slice([rows.clone()]).unsqueeze();
            let projected = match separate.as_ref().map(Param::val).or_else(packed) {
                Some(weight) => x.matmul(weight.transpose().unsqueeze()) + bias,
                None => x + bias, // unreachable: `new` makes one of the two
            };
            split_heads(projected, self.heads)
        };
        let mixed = attention(
            project(query.clone(), &self.q_proj_weight, 0),
            project(tokens.clone(), &self.k_proj_weight, 1),
            project(tokens, &self.v_proj_weight, 2),
            None,
            None,
            Default::default(),
        );
        self.out_proj.forward(join_heads(mixed))
    }
}
