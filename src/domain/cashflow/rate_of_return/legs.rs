//! A present value as the difference of two legs, and what makes its roots provable.
//!
//! What is received and what is paid are discounted separately. Each leg is a sum of positive
//! multiples of `e^(-s x)` with `s >= 0` (or of another log-convex function that does not
//! increase), so its logarithm is convex in x: it lies above each of its tangents and below each
//! of its chords. That bounds the ratio of the legs between two points from their values and
//! slopes at the points alone, which is how [`super::roots`] proves that an interval holds no root
//! or exactly one.

/// The value of a leg at a point, not negative, and its derivative there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::domain::cashflow) struct Leg {
    pub value: f64,
    pub slope: f64,
}

/// What is received and what is paid, both as positive values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::domain::cashflow) struct Legs {
    pub received: Leg,
    pub paid: Leg,
}

/// The difference of the legs, summed with care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::domain::cashflow) struct Net {
    pub value: f64,
    pub slope: f64,
    /// The sum of the legs: what the value is measured against.
    pub gross: f64,
}

/// How many roots there can be to the right of zero, known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::cashflow) enum RootCount {
    None,
    /// Exactly one, at which the sign changes.
    One,
    Unknown,
}

/// A present value over `x >= 0`, both legs log-convex in x.
pub(in crate::domain::cashflow) trait PresentValue {
    /// The legs at `x`, fast; both may be scaled by one and the same positive factor.
    fn legs(&self, x: f64) -> Legs;

    /// The difference of the legs at `x`, to the last digits that the legs allow.
    fn net(&self, x: f64) -> Net;

    /// The longest time that is discounted: no leg changes by more than a factor e over `1 / span`.
    fn span(&self) -> f64;

    /// What both legs tend towards: the signed amount that is not discounted at all, or zero if
    /// there is none. Once the other leg is below it, no root can follow.
    fn undiscounted(&self) -> f64;

    /// The number of roots with `x > 0`, as far as it is known without looking.
    fn root_count(&self) -> RootCount {
        RootCount::Unknown
    }
}

/// A sum that carries the rounding error of every addition along (T. Ogita, S. M. Rump and
/// S. Oishi, Accurate sum and dot product, SIAM Journal on Scientific Computing 26, 2005,
/// algorithm 4.4; the error of one addition after Knuth).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::domain::cashflow) struct CarefulSum {
    sum: f64,
    lost: f64,
}

impl CarefulSum {
    pub fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        let added = sum - self.sum;
        self.lost += (self.sum - (sum - added)) + (term - added);
        self.sum = sum;
    }

    pub fn total(self) -> f64 {
        self.sum + self.lost
    }
}

impl FromIterator<f64> for CarefulSum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        for term in terms {
            sum.add(term);
        }
        sum
    }
}
