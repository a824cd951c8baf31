//! Which classes are taken for which.

mod svg;

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use svg::NUMBERED;

use crate::{Prediction, wilson};

/// How often each class was taken for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// The classes' names.
    pub class_names: Vec<String>,
    /// The number of images by their right class, then by the predicted one.
    pub counts: Vec<Vec<usize>>,
}

/// How one class fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Its name.
    pub class: String,
    /// Number of its images.
    pub n: usize,
    /// How many of them were recognised.
    pub correct: usize,
    /// The share of them that was recognised, 0 if there are none.
    pub top1: f64,
    /// Lower end of the 95% interval (Wilson).
    pub low: f64,
    /// Upper end of the 95% interval (Wilson).
    pub high: f64,
    /// What it was most often taken for, unless it was always recognised.
    pub taken_for: Option<Mistake>,
}

/// The commonest mistake about a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The class that was predicted.
    pub class: String,
    /// How often.
    pub n: usize,
    /// The share of the right class's images.
    pub share: f64,
}

impl ConfusionMatrix {
    /// Counts predictions, whose classes are indices into `class_names`.
    pub fn new(predictions: &[Prediction], class_names: &[String]) -> Self {
        let mut counts = vec![vec![0; class_names.len()]; class_names.len()];
        for prediction in predictions {
            counts[prediction.label][predicted(prediction)] += 1;
        }
        Self { class_names: class_names.to_vec(), counts }
    }

    /// How each class fared, in the order of the classes.
    pub fn per_class(&self) -> Vec<ClassResult> {
        (0..self.class_names.len()).map(|class| self.class_result(class)).collect()
    }

    /// A picture of the matrix as a self-contained SVG file.
    ///
    /// The colour of a cell is its share of its row, on a square-root scale so that rare mistakes
    /// are seen. Up to 20 classes have their numbers in the cells.
    pub fn to_svg(&self, title: &str, subtitle: &str) -> String {
        svg::draw(self, title, subtitle)
    }

    /// The matrix as an SVG element of an HTML page, with neither title nor scale.
    pub(crate) fn to_figure(&self) -> String {
        svg::draw_in_page(self)
    }

    fn class_result(&self, class: usize) -> ClassResult {
        let row = &self.counts[class];
        let (n, correct) = (row.iter().sum::<usize>(), row[class]);
        let share = |count: usize| if n == 0 { 0.0 } else { count as f64 / n as f64 };
        let mistakes =
            row.iter().enumerate().filter(|(other, count)| *other != class && **count > 0);
        let commonest = mistakes.max_by_key(|(other, count)| (**count, Reverse(*other)));
        let (low, high) = wilson(correct, n);
        ClassResult {
            class: self.class_names[class].clone(),
            n,
            correct,
            top1: share(correct),
            low,
            high,
            taken_for: commonest.map(|(other, count)| Mistake {
                class: self.class_names[other].clone(),
                n: *count,
                share: share(*count),
            }),
        }
    }
}

/// The predicted class. A tie with the right one is a mistake, as it is in the accuracy.
fn predicted(prediction: &Prediction) -> usize {
    let label = prediction.label;
    match prediction.rank {
        0 => label,
        _ => {
            let mut classes = prediction.guesses.iter().map(|(class, _)| *class);
            classes.find(|class| *class != label).unwrap_or(label)
        }
    }
}

/// A row of a table.
impl fmt::Display for ClassResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [top1, low, high] = [self.top1, self.low, self.high].map(|share| 100.0 * share);
        let interval = format!("(95% {low:.2} to {high:.2})");
        write!(f, "{:<14} {:>6} {top1:>7.2}%  ", self.class, self.n)?;
        match &self.taken_for {
            Some(Mistake { class, share, .. }) => {
                write!(f, "{interval:<22}  {} -> {class} {:.1}%", self.class, 100.0 * share)
            }
            None => f.write_str(&interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(label: usize, rank: usize, guesses: &[usize]) -> Prediction {
        let guesses = guesses.iter().map(|class| (*class, 0.5)).collect();
        Prediction { label, rank, guesses }
    }

    fn matrix() -> ConfusionMatrix {
        let names = ["cat", "dog", "red fox"].map(str::to_owned);
        let predictions = [
            taken(0, 0, &[0, 1, 2]),
            taken(0, 1, &[2, 0, 1]),
            taken(0, 2, &[1, 2, 0]),
            taken(0, 1, &[1, 0, 2]),
            taken(1, 0, &[1, 0, 2]),
        ];
        ConfusionMatrix::new(&predictions, &names)
    }

    #[test]
    fn predictions_are_counted_by_right_and_predicted_class() {
        assert_eq!(matrix().counts, [[1, 2, 1], [0, 1, 0], [0, 0, 0]]);
    }

    #[test]
    fn a_tie_with_the_right_class_is_a_mistake_as_it_is_in_the_accuracy() {
        let names = ["cat", "dog"].map(str::to_owned);
        let tie = [taken(0, 1, &[0, 1])];
        assert_eq!(ConfusionMatrix::new(&tie, &names).counts, [[0, 1], [0, 0]]);
    }

    #[test]
    fn each_class_has_an_interval_and_its_commonest_mistake() {
        let [cat, dog, fox]: [ClassResult; 3] = matrix().per_class().try_into().unwrap();
        assert_eq!((cat.n, cat.correct, cat.top1), (4, 1, 0.25));
        assert_eq!((cat.low, cat.high), wilson(1, 4));
        let mistake = Mistake { class: "dog".into(), n: 2, share: 0.5 };
        assert_eq!(cat.taken_for, Some(mistake));
        assert_eq!((dog.top1, dog.taken_for), (1.0, None));
        assert_eq!((fox.n, fox.top1, fox.low, fox.high), (0, 0.0, 0.0, 1.0));
    }

    #[test]
    fn a_row_names_the_commonest_mistake() {
        let rows: Vec<String> = matrix().per_class().iter().map(ToString::to_string).collect();
        assert_eq!(
            rows[..2],
            [
                "cat                 4   25.00%  (95% 4.56 to 69.94)     cat -> dog 50.0%",
                "dog                 1  100.00%  (95% 20.65 to 100.00)",
            ]
        );
    }
}
