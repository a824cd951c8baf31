use burn::tensor::Tensor;
use clip_data::Place;
use rayon::prelude::*;

use crate::rank::nearest;
use crate::{Evaluation, Source};

/// The distances in kilometres within which a guess counts: those of street, city, region, country and
/// continent (paper, table 17).
const DISTANCES: [u16; 5] = [1, 25, 200, 750, 2500];

/// The shares of images that are within 1, 25, 200, 750 and 2,500 km of the most similar of the
/// reference images (Hays and Efros 2008; paper, appendix E.6).
///
/// Exact, in blocks: the matrix of all scores is never there. Chance is that of a reference image
/// drawn at random.
///
/// # Shapes
///
/// - images: `[images, embed]`, normalised, with their places
/// - references: `[references, embed]`, normalised, with their places
pub fn geolocation(
    source: Source<'_>,
    (images, places): (&Tensor<2>, &[Place]),
    (references, known): (&Tensor<2>, &[Place]),
) -> Vec<Evaluation> {
    let guesses = nearest(images, references);
    let distance = |(place, guess): (&Place, &Option<usize>)| {
        let known = guess.and_then(|guess| known.get(guess));
        known.map_or(f64::INFINITY, |known| place.distance(*known))
    };
    let distances: Vec<f64> = places.iter().zip(&guesses).map(distance).collect();
    let by_chance = shares(places, known);
    let evaluations = DISTANCES.iter().zip(by_chance).map(|(within, chance)| {
        let is_far = |distance: &f64| usize::from(*distance > f64::from(*within));
        let ranks: Vec<usize> = distances.iter().map(is_far).collect();
        let metric = format!("within_{within}km");
        source.share(("geolocation", metric), &ranks, 1, chance, known.len())
    });
    evaluations.collect()
}

/// Of all pairs of a place and a known one, the shares within each distance.
fn shares(places: &[Place], known: &[Place]) -> [f64; DISTANCES.len()] {
    let counts_of = |place: &Place| {
        let mut counts = [0u64; DISTANCES.len()];
        for distance in known.iter().map(|known| place.distance(*known)) {
            for (count, within) in counts.iter_mut().zip(DISTANCES) {
                *count += u64::from(distance <= f64::from(within));
            }
        }
        counts
    };
    let sum = |mut sums: [u64; DISTANCES.len()], counts: [u64; DISTANCES.len()]| {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        sums
    };
    let counts = places.par_iter().map(counts_of).reduce(|| [0; DISTANCES.len()], sum);
    let pairs = (places.len() * known.len()).max(1) as f64;
    counts.map(|count| count as f64 / pairs)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_guess_counts_within_each_distance_and_chance_is_that_of_any_reference() {
        let device = Device::flex();
        let place = |latitude: f64| Place { latitude, longitude: 0.0 };
        let images = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0], [f32::NAN, 0.0]], &device);
        let references = Tensor::<2>::from_data([[0.1, 0.9], [0.9, 0.1]], &device);
        // A degree is 111.2 km. The first image finds the second reference, 11 km away; the second one
        // the first, 556 km; the third none.
        let (places, known) = ([place(0.0), place(5.0), place(10.0)], [place(10.0), place(0.1)]);
        let source = Source { step: 0, dataset: "test" };
        let rows = geolocation(source, (&images, &places), (&references, &known));
        let values: Vec<f64> = rows.iter().map(|row| (3.0 * row.value).round()).collect();
        assert_eq!(values, [0.0, 1.0, 1.0, 2.0, 2.0]);
        let chances: Vec<f64> = rows.iter().map(|row| (6.0 * row.chance).round()).collect();
        assert_eq!(chances, [1.0, 2.0, 2.0, 4.0, 6.0]);
        assert_eq!((rows[1].metric.as_str(), rows[1].n, rows[1].classes), ("within_25km", 3, 2));
    }
}
