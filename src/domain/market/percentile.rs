//! Percentiles of plain and of moving groups.

use super::error::{MarketError, finite};

/// Most values one group may have.
pub const VALUES_MAX: usize = 10_000_000;

/// Which value stands for a fraction that falls between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// The point between them in proportion: type 7 of Hyndman and Fan (1996), `percentile_cont`.
    Interpolated,
    /// The first value whose share of the group is the fraction or more: type 1, `percentile_disc`.
    Discrete,
}

/// A share of a group, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction(f64);

/// How far a rank may lie above a whole number and still be that: 1 - 0.99 in doubles is a little more
/// than a hundredth, and the 10th of 1,000 values must not become the 11th.
const RANK_TOLERANCE: f64 = 1e-9;

impl Fraction {
    /// A share, if it can be one.
    ///
    /// # Errors
    /// One that is not from 0 to 1.
    pub fn new(fraction: f64) -> Result<Self, MarketError> {
        let holds = (0.0..=1.0).contains(&fraction);
        super::error::within("fraction", fraction, holds, "from 0 to 1").map(Self)
    }

    /// The share as a number.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// The values of a group: those in order, and those that came since it was last put in order.
#[derive(Clone, Debug, Default)]
pub struct Values {
    sorted: Vec<f64>,
    unsorted: Vec<f64>,
}

impl Values {
    /// Takes in a value.
    ///
    /// # Errors
    /// A value that is not finite, or one more than [`VALUES_MAX`].
    #[inline]
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let value = finite(value)?;
        if self.len() == VALUES_MAX {
            return Err(MarketError::TooMany { most: VALUES_MAX });
        }
        self.unsorted.push(value);
        Ok(())
    }

    /// Takes out a value that was taken in.
    pub fn remove(&mut self, value: f64) {
        self.sort();
        let at = self.sorted.partition_point(|other| other.total_cmp(&value).is_lt());
        if self.sorted.get(at).is_some_and(|found| found.total_cmp(&value).is_eq()) {
            self.sorted.remove(at);
        }
    }

    /// Takes in the values of another.
    ///
    /// # Errors
    /// More than [`VALUES_MAX`].
    pub fn merge(&mut self, other: &Self) -> Result<(), MarketError> {
        if self.len() + other.len() > VALUES_MAX {
            return Err(MarketError::TooMany { most: VALUES_MAX });
        }
        self.unsorted.extend(other.iter());
        Ok(())
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.sorted.len() + self.unsorted.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        self.sorted.iter().chain(&self.unsorted).copied()
    }

    /// Puts what came since into order: one at a time where it is little, else all at once.
    fn sort(&mut self) {
        if let [value] = *self.unsorted.as_slice() {
            let at = self.sorted.partition_point(|other| other.total_cmp(&value).is_le());
            self.sorted.insert(at, value);
            self.unsorted.clear();
        } else if !self.unsorted.is_empty() {
            self.sorted.append(&mut self.unsorted);
            // A run that is sorted already is left as it is by the standard library's stable sort.
            self.sorted.sort_by(f64::total_cmp);
        }
    }

    /// The value at a fraction of the group; None if it is empty.
    pub fn percentile(&mut self, fraction: Fraction, between: Between) -> Option<f64> {
        self.sort();
        let last = self.sorted.len().checked_sub(1)?;
        let at = |index: f64| self.sorted.get((index as usize).min(last)).copied();
        match between {
            Between::Discrete => {
                let rank = self.sorted.len() as f64 * fraction.0;
                at((rank * (1.0 - RANK_TOLERANCE)).ceil() - 1.0)
            }
            Between::Interpolated => {
                let place = last as f64 * fraction.0;
                let part = place - place.floor();
                let (below, above) = (at(place.floor())?, at(place.ceil())?);
                let apart = above - below;
                // Values of opposite signs may lie further apart than a double holds.
                Some(match apart.is_finite() {
                    true => below + part * apart,
                    false => below * (1.0 - part) + above * part,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Values {
        let mut group = Values::default();
        values.into_iter().for_each(|value| group.push(value).unwrap());
        group
    }

    #[test]
    fn of_one_to_twenty() {
        let mut group = of((1..=20).map(f64::from));
        let mut at = |fraction, between| {
            group.percentile(Fraction::new(fraction).unwrap(), between).unwrap()
        };
        for (fraction, expected) in [(0.05, 1.95), (0.25, 5.75), (0.95, 19.05)] {
            assert!((at(fraction, Between::Interpolated) - expected).abs() < 1e-14);
        }
        assert_eq!(at(0.05, Between::Discrete), 1.0);
        assert_eq!(at(0.051, Between::Discrete), 2.0);
        assert_eq!(at(0.0, Between::Discrete), 1.0);
        assert_eq!(at(1.0, Between::Discrete), 20.0);
        assert_eq!(at(1.0, Between::Interpolated), 20.0);
        assert_eq!(of([]).percentile(Fraction::new(0.5).unwrap(), Between::Discrete), None);
        assert_eq!(
            of([-f64::MAX, f64::MAX])
                .percentile(Fraction::new(0.5).unwrap(), Between::Interpolated),
            Some(0.0)
        );
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(Fraction::new(bad).is_err());
        }
        assert!(Values::default().push(f64::NAN).is_err());
    }

    #[test]
    fn one_less_a_fraction_is_that_fraction() {
        let mut group = of((1..=1000).map(f64::from));
        let at = Fraction::new(1.0 - 0.99).unwrap();
        assert_eq!(group.percentile(at, Between::Discrete), Some(10.0));
    }

    proptest! {
        #[test]
        fn values_come_out_again(values in proptest::collection::vec(-5i8..5, 0..40), cut in 0usize..40) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let (left, right) = values.split_at(cut.min(values.len()));
            let half = Fraction::new(0.5).unwrap();
            let mut group = of(left.iter().copied());
            group.percentile(half, Between::Discrete);
            group.merge(&of(right.iter().copied())).unwrap();
            prop_assert_eq!(
                group.percentile(half, Between::Interpolated),
                of(values.iter().copied()).percentile(half, Between::Interpolated)
            );
            left.iter().for_each(|value| group.remove(*value));
            prop_assert_eq!(group.len(), right.len());
            prop_assert_eq!(
                group.percentile(half, Between::Interpolated),
                of(right.iter().copied()).percentile(half, Between::Interpolated)
            );
        }
    }
}
