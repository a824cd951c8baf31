//! Activations recomputed block by block: Chen et al. 2016, <https://arxiv.org/abs/1604.06174>.
//!
//! A forward pass beside the graph keeps the input of each block alone; on the way back, one block
//! at a time runs again with a graph. Burn's own checkpointing decides operation by operation and
//! keeps the result of every matrix product.

use burn::optim::GradientsParams;
use burn::tensor::{Bool, Tensor};
use clip_model::vision::VisionTower;
use clip_model::{Clip, Mode, Transformer, normalize};

use super::Pairs;
use super::sum::GradientSum;

/// The inputs of a tower's blocks and of its head.
pub(super) enum Kept {
    /// Of a transformer, `[batch, sequence, width]` each.
    Tokens(Vec<Tensor<3>>),
    /// Of a ResNet, `[batch, channels, height, width]` each.
    Maps(Vec<Tensor<4>>),
}

/// A tower as a chain, for one input.
struct Chain<'a, const D: usize> {
    stem: Box<dyn Fn() -> Tensor<D> + 'a>,
    blocks: Vec<Block<'a, D>>,
    head: Box<dyn Fn(Tensor<D>) -> Tensor<2> + 'a>,
}

type Block<'a, const D: usize> = Box<dyn Fn(Tensor<D>) -> Tensor<D> + 'a>;

/// One of the two towers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tower {
    Image,
    Text,
}

/// What [`backward`] needs, computed beside the graph.
pub(super) fn forward(model: &Clip, tower: Tower, pairs: &Pairs, mode: Mode) -> Kept {
    match chain(model, tower, pairs, mode) {
        Either::Tokens(chain) => Kept::Tokens(chain.forward()),
        Either::Maps(chain) => Kept::Maps(chain.forward()),
    }
}

/// The gradient of a model with a graph, from the derivative at its features.
pub(super) fn backward(
    model: &Clip,
    tower: Tower,
    (pairs, mode): (&Pairs, Mode),
    kept: Kept,
    derivative: Tensor<2>,
    sum: &mut GradientSum,
) {
    match (chain(model, tower, pairs, mode), kept) {
        (Either::Tokens(chain), Kept::Tokens(kept)) => chain.backward(model, kept, derivative, sum),
        (Either::Maps(chain), Kept::Maps(kept)) => chain.backward(model, kept, derivative, sum),
        _ => unreachable!("a tower keeps what its own chain takes"),
    }
}

enum Either<'a> {
    Tokens(Chain<'a, 3>),
    Maps(Chain<'a, 4>),
}

fn chain<'a>(model: &'a Clip, tower: Tower, pairs: &'a Pairs, mode: Mode) -> Either<'a> {
    match tower {
        Tower::Image => image_chain(model, pairs, mode),
        Tower::Text => Either::Tokens(text_chain(model, pairs)),
    }
}

fn image_chain<'a>(model: &'a Clip, pairs: &'a Pairs, mode: Mode) -> Either<'a> {
    let images = move || pairs.images.clone().cast(model.visual.dtype());
    match &model.visual {
        VisionTower::Vit(vit) => Either::Tokens(Chain {
            stem: Box::new(move || vit.embed(images(), mode)),
            blocks: transformer(&vit.transformer, None),
            head: Box::new(|x| normalize(vit.head(x))),
        }),
        VisionTower::Siglip(vit) => Either::Tokens(Chain {
            stem: Box::new(move || vit.embed(images(), mode)),
            blocks: transformer(&vit.blocks, None),
            head: Box::new(|x| normalize(vit.head(x))),
        }),
        VisionTower::ModifiedResNet(resnet) => {
            let mut blocks: Vec<Block<'_, 4>> = Vec::new();
            for block in resnet.blocks() {
                blocks.push(Box::new(move |x| block.forward(x, mode)));
            }
            Either::Maps(Chain {
                stem: Box::new(move || resnet.stem(images(), mode)),
                blocks,
                head: Box::new(move |x| normalize(resnet.attnpool.forward(x, mode))),
            })
        }
    }
}

fn text_chain<'a>(model: &'a Clip, pairs: &'a Pairs) -> Chain<'a, 3> {
    let text = &model.text;
    let tokens = text.trimmed(pairs.tokens.clone());
    let mask = text.mask(tokens.clone());
    let again = tokens.clone();
    Chain {
        stem: Box::new(move || text.embed(tokens.clone())),
        blocks: transformer(&text.transformer, mask),
        head: Box::new(move |x| normalize(text.head(x, again.clone()))),
    }
}

fn transformer(transformer: &Transformer, mask: Option<Tensor<4, Bool>>) -> Vec<Block<'_, 3>> {
    let mut blocks: Vec<Block<'_, 3>> = Vec::new();
    for block in &transformer.resblocks {
        let mask = mask.clone();
        blocks.push(Box::new(move |x| block.forward(x, mask.clone())));
    }
    blocks
}

impl<const D: usize> Chain<'_, D> {
    fn forward(&self) -> Vec<Tensor<D>> {
        let mut kept = vec![(self.stem)()];
        for block in &self.blocks {
            let x = kept[kept.len() - 1].clone();
            kept.push(block(x));
        }
        kept
    }

    fn backward(
        &self,
        model: &Clip,
        mut kept: Vec<Tensor<D>>,
        derivative: Tensor<2>,
        sum: &mut GradientSum,
    ) {
        let head = |x| (self.head)(x);
        let Some(x) = kept.pop() else { return };
        let mut derivative = segment(head, x, derivative, model, sum);
        for (block, x) in self.blocks.iter().zip(kept).rev() {
            derivative = segment(block, x, derivative, model, sum);
        }
        let product = (self.stem)() * Tensor::from_inner(derivative);
        // Nothing of a locked stem is trained.
        if product.is_tracked() {
            let gradients = product.sum().backward();
            sum.add(model, GradientsParams::from_grads(gradients, model));
        }
    }
}

/// Runs a part of the chain with a graph; the derivative at its output becomes that at its input.
fn segment<const D: usize, const E: usize>(
    part: impl Fn(Tensor<D>) -> Tensor<E>,
    input: Tensor<D>,
    derivative: Tensor<E>,
    model: &Clip,
    sum: &mut GradientSum,
) -> Tensor<D> {
    let x = Tensor::from_inner(input).require_grad();
    let product = part(x.clone()) * Tensor::from_inner(derivative);
    let mut gradients = product.sum().backward();
    let at_input = x.grad_remove(&mut gradients);
    sum.add(model, GradientsParams::from_grads(gradients, model));
    at_input.unwrap_or_else(|| x.inner().zeros_like())
}
