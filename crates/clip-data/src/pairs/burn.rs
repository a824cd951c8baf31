//! Burn's data sets as sources of pairs.

use std::error::Error;
use std::marker::PhantomData;

use burn_dataset::{Dataset, DatasetError};
use image::DynamicImage;

use super::source::past_the_end;
use super::{PairImage, PairSource, RawPair};
use crate::{Captions, Cause, Fault};

/// Any data set of Burn's whose items are pairs, or can be made into such: `(image, caption)`, or a
/// type of yours with `impl From<Yours> for RawPair`.
///
/// An item without a key gets its index as one. Captions aren't filtered.
pub struct BurnPairs<D, I, E = DatasetError> {
    dataset: D,
    name: String,
    items: PhantomData<fn() -> (I, E)>,
}

impl<D, I, E> BurnPairs<D, I, E>
where
    D: Dataset<I, E>,
    I: Into<RawPair>,
    E: Error + Send + Sync + 'static,
{
    /// Pairs of a data set that messages call `name`.
    pub fn new(name: impl Into<String>, dataset: D) -> Self {
        Self { dataset, name: name.into(), items: PhantomData }
    }
}

impl<D, I, E> PairSource for BurnPairs<D, I, E>
where
    D: Dataset<I, E>,
    I: Into<RawPair>,
    E: Error + Send + Sync + 'static,
{
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn get(&self, index: usize) -> Result<RawPair, Fault> {
        // Burn's data sets panic past the end.
        if index >= self.len() {
            return Err(past_the_end(self, index));
        }
        let fault = |cause, reason| {
            let (shard, key) = (self.name.clone(), index.to_string());
            Fault { cause, shard, key, reason }
        };
        let item = self.dataset.get(index);
        let item = item.map_err(|error| fault(Cause::SourceFailed, error.to_string()))?;
        let mut pair: RawPair = item.into();
        if pair.captions.main().trim().is_empty() {
            return Err(fault(Cause::NoCaption, "its caption is empty".to_owned()));
        }
        if pair.key.is_empty() {
            pair.key = index.to_string();
        }
        Ok(pair)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A pair without a key.
impl From<(DynamicImage, String)> for RawPair {
    fn from((image, caption): (DynamicImage, String)) -> Self {
        Self {
            key: String::new(),
            image: PairImage::Decoded(image),
            captions: Captions::Text(caption),
            concept: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn_dataset::InMemDataset;
    use burn_dataset::transform::PartialDataset;

    use super::*;
    use crate::testing::picture;

    #[test]
    fn a_data_set_of_images_and_captions_is_a_source() {
        let item = |number, caption: &str| (picture(number), caption.to_owned());
        let items = InMemDataset::new(vec![item(0, "zero"), item(1, "one"), item(2, " ")]);
        let dataset = PartialDataset::new(items, 1, 3);
        let pairs: Box<dyn PairSource> = Box::new(BurnPairs::new("mine", dataset));
        assert_eq!((pairs.len(), pairs.name()), (2, "mine"));
        let mut wanted = RawPair::from(item(1, "one"));
        wanted.key = "0".to_owned();
        assert_eq!(pairs.get(0).unwrap(), wanted);
        let fault = pairs.get(1).unwrap_err();
        assert_eq!(fault.to_string(), "mine: sample `1`: its caption is empty");
        assert_eq!(pairs.get(2).unwrap_err().cause, Cause::SourceFailed);
    }

    #[test]
    fn a_data_set_that_fails_is_a_fault_with_its_reason() {
        struct Failing;
        impl Dataset<RawPair, std::io::Error> for Failing {
            fn get(&self, _: usize) -> Result<RawPair, std::io::Error> {
                Err(std::io::Error::other("the disk is gone"))
            }

            fn len(&self) -> usize {
                1
            }
        }
        let fault = BurnPairs::new("mine", Failing).get(0).unwrap_err();
        assert_eq!(fault.to_string(), "mine: sample `0`: the disk is gone");
    }
}
