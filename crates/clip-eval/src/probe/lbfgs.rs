//! L-BFGS (Liu and Nocedal 1989) with a line search to the strong Wolfe conditions (Nocedal and
//! Wright 2006, algorithms 3.5 and 3.6).

use std::collections::VecDeque;

/// Steps that the curvature is estimated from: scipy's number.
const MEMORY: usize = 10;

/// Share of the decrease that the slope promises, which a step must bring.
const DECREASE: f64 = 1e-4;

/// Share of the slope that may be left after a step.
const CURVATURE: f64 = 0.9;

/// Evaluations of one line search.
const MAX_TRIALS: usize = 40;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// After so many steps.
    pub max_iterations: usize,
    /// Where no component of the gradient is larger.
    pub tolerance: f64,
}

/// Where a minimisation ended.
#[derive(Debug)]
pub(super) struct Minimum {
    pub at: Vec<f64>,
    pub value: f64,
    pub iterations: usize,
    /// Whether the gradient is within the tolerance, or the objective's own precision allows no
    /// better point.
    pub converged: bool,
}

/// Minimises a smooth function, given as its value and gradient at a point.
///
/// `precondition` multiplies by a symmetric positive matrix that is near the inverse of the Hessian up
/// to a factor; the nearer, the fewer steps. Doing nothing is the usual method.
pub(super) fn minimize(
    start: Vec<f64>,
    stop: Stop,
    precondition: impl Fn(&mut [f64]),
    mut objective: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Minimum {
    let (value, gradient) = objective(&start);
    let mut here = Point { step: 0.0, at: start, value, gradient, slope: 0.0 };
    let mut memory = Memory::default();
    for iterations in 0..stop.max_iterations {
        if here.gradient.iter().all(|g| g.abs() <= stop.tolerance) {
            return here.minimum(iterations, true);
        }
        let mut direction = memory.direction(&here.gradient, &precondition);
        here.slope = dot(&direction, &here.gradient);
        if here.slope >= 0.0 {
            memory = Memory::default();
            direction = memory.direction(&here.gradient, &precondition);
            here.slope = dot(&direction, &here.gradient);
        }
        let first = match memory.pairs.is_empty() {
            true => (1.0 / (-here.slope).sqrt()).min(1.0),
            false => 1.0,
        };
        let Some(next) = Search::new(&here, &direction, &mut objective).run(first) else {
            return here.minimum(iterations, true);
        };
        memory.push(&here, &next, &precondition);
        here = Point { step: 0.0, ..next };
    }
    let converged = here.gradient.iter().all(|g| g.abs() <= stop.tolerance);
    here.minimum(stop.max_iterations, converged)
}

/// A point on the line that is searched.
#[derive(Clone)]
struct Point {
    step: f64,
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    /// Of the line there.
    slope: f64,
}

impl Point {
    fn minimum(self, iterations: usize, converged: bool) -> Minimum {
        Minimum { at: self.at, value: self.value, iterations, converged }
    }
}

/// The last steps with what they changed in the gradient.
#[derive(Default)]
struct Memory {
    /// Step, change of the gradient, and one over their product.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    /// What the preconditioner is to be multiplied by, where there are pairs.
    size: f64,
}

impl Memory {
    fn push(&mut self, from: &Point, to: &Point, precondition: impl Fn(&mut [f64])) {
        let step = minus(&to.at, &from.at);
        let change = minus(&to.gradient, &from.gradient);
        let product = dot(&step, &change);
        if product > f64::EPSILON * dot(&change, &change) {
            if self.pairs.len() == MEMORY {
                self.pairs.pop_front();
            }
            let mut curved = change.clone();
            precondition(&mut curved);
            self.size = product / dot(&change, &curved);
            self.pairs.push_back((step, change, 1.0 / product));
        }
    }

    /// The gradient times the estimate of the inverse Hessian, downwards.
    fn direction(&self, gradient: &[f64], precondition: impl Fn(&mut [f64])) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::new();
        for (step, change, scale) in self.pairs.iter().rev() {
            let alpha = scale * dot(step, &q);
            add(&mut q, -alpha, change);
            alphas.push(alpha);
        }
        precondition(&mut q);
        if !self.pairs.is_empty() {
            q.iter_mut().for_each(|q| *q *= self.size);
        }
        for ((step, change, scale), alpha) in self.pairs.iter().zip(alphas.iter().rev()) {
            let beta = scale * dot(change, &q);
            add(&mut q, alpha - beta, step);
        }
        q
    }
}

/// The search for a step along a direction.
struct Search<'a, F> {
    from: &'a Point,
    direction: &'a [f64],
    objective: &'a mut F,
    trials: usize,
}

impl<'a, F: FnMut(&[f64]) -> (f64, Vec<f64>)> Search<'a, F> {
    fn new(from: &'a Point, direction: &'a [f64], objective: &'a mut F) -> Self {
        Self { from, direction, objective, trials: 0 }
    }

    /// A point that satisfies the conditions, or at least one that is lower; `None` where there is
    /// none within the objective's precision.
    fn run(mut self, first: f64) -> Option<Point> {
        let mut before = self.from.clone();
        let mut step = first;
        while self.trials < MAX_TRIALS {
            let here = self.try_step(step);
            let is_first = before.step == 0.0;
            if self.is_too_high(&here) || (!is_first && here.value >= before.value) {
                return self.between(before, here);
            }
            if self.is_flat(&here) {
                return Some(here);
            }
            if here.slope >= 0.0 {
                return self.between(here, before);
            }
            step = 2.0 * here.step;
            before = here;
        }
        Some(before)
    }

    /// Narrows an interval whose `low` end satisfies the first condition and is the lower one.
    fn between(mut self, mut low: Point, mut high: Point) -> Option<Point> {
        while self.trials < MAX_TRIALS {
            let here = self.try_step(inside(&low, &high));
            if self.is_too_high(&here) || here.value >= low.value {
                high = here;
                continue;
            }
            if self.is_flat(&here) {
                return Some(here);
            }
            if here.slope * (high.step - low.step) >= 0.0 {
                high = low;
            }
            low = here;
        }
        (low.step > 0.0).then_some(low)
    }

    fn try_step(&mut self, step: f64) -> Point {
        self.trials += 1;
        let mut at = self.from.at.clone();
        add(&mut at, step, self.direction);
        let (value, gradient) = (self.objective)(&at);
        let slope = dot(&gradient, self.direction);
        Point { step, at, value, gradient, slope }
    }

    fn is_too_high(&self, point: &Point) -> bool {
        // A value that is not a number is too high as well.
        let bound = self.from.value + DECREASE * point.step * self.from.slope;
        point.value.is_nan() || point.value > bound
    }

    fn is_flat(&self, point: &Point) -> bool {
        point.slope.abs() <= -CURVATURE * self.from.slope
    }
}

/// Where the cubic through both ends is lowest, or the middle where that is too near to an end.
fn inside(low: &Point, high: &Point) -> f64 {
    let width = high.step - low.step;
    let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.step - high.step);
    let d2 = (d1 * d1 - low.slope * high.slope).sqrt().copysign(width);
    let step = high.step - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
    let share = (step - low.step) / width;
    let share = if (0.1..=0.9).contains(&share) { share } else { 0.5 };
    low.step + share * width
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop { max_iterations: 1000, tolerance: 1e-9 };

    fn plain(_: &mut [f64]) {}

    /// The function of Rosenbrock, summed over neighbours: a curved valley whose end is at ones.
    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; x.len()]);
        for i in 0..x.len() - 1 {
            let (valley, end) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
            value += 100.0 * valley * valley + end * end;
            gradient[i] += -400.0 * x[i] * valley - 2.0 * end;
            gradient[i + 1] += 200.0 * valley;
        }
        (value, gradient)
    }

    const CURVATURES: [f64; 3] = [1e-3, 1.0, 1e3];

    /// Half the squares, each by its curvature.
    fn bowl(x: &[f64]) -> (f64, Vec<f64>) {
        let value = x.iter().zip(CURVATURES).map(|(x, c)| 0.5 * c * x * x).sum();
        (value, x.iter().zip(CURVATURES).map(|(x, c)| c * x).collect())
    }

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let found = minimize(vec![-1.2, 1.0, -1.2, 1.0, 3.0], STOP, plain, rosenbrock);
        assert!(found.converged && found.iterations < 200, "{found:?}");
        assert!(found.at.iter().all(|x| (x - 1.0).abs() < 1e-8), "{found:?}");
    }

    #[test]
    fn scales_that_differ_a_million_times_are_no_obstacle() {
        let found = minimize(vec![1.0, 1.0, 1.0], STOP, plain, bowl);
        assert!(found.converged && found.iterations < 50, "{found:?}");
    }

    #[test]
    fn the_inverse_hessian_leads_to_the_end_of_a_bowl_at_once() {
        // Up to a factor, which the first step shows.
        let inverse = |x: &mut [f64]| x.iter_mut().zip(CURVATURES).for_each(|(x, c)| *x *= 3.0 / c);
        let found = minimize(vec![1e-3, 1e-3, 1e-3], STOP, inverse, bowl);
        assert!(found.converged && found.iterations <= 3, "{found:?}");
    }

    #[test]
    fn it_stops_where_it_is_told_to() {
        let stop = Stop { max_iterations: 3, ..STOP };
        let found = minimize(vec![-1.2, 1.0], stop, plain, rosenbrock);
        assert!(!found.converged && found.iterations == 3);
        let flat = minimize(vec![1.0, 1.0], STOP, plain, rosenbrock);
        assert!(flat.converged && flat.iterations == 0);
    }

    #[test]
    fn what_is_not_a_number_is_stepped_back_from() {
        let logarithm = |x: &[f64]| (x[0] - x[0].ln(), vec![1.0 - 1.0 / x[0]]);
        let found = minimize(vec![100.0], STOP, plain, logarithm);
        assert!(found.converged && (found.at[0] - 1.0).abs() < 1e-6, "{found:?}");
    }
}
