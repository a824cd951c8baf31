use super::weight::Held;

/// What was made of a weight, beside the weight: while it is held, no other can lie where it does.
#[derive(Debug)]
pub(super) struct Kept<T> {
    of: Held,
    made: T,
}

impl<T> Kept<T> {
    pub fn new(of: Held, make: impl FnOnce(&Held) -> T) -> Self {
        let made = make(&of);
        Self { of, made }
    }

    /// What was made, if it was of this weight.
    pub fn of(&self, weight: &Held) -> Option<&T> {
        self.of.is(weight).then_some(&self.made)
    }
}
