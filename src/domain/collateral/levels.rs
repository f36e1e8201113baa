//! Levels of a loan-to-value ratio, with hysteresis.

use rust_decimal::Decimal;

use super::CollateralError;
use super::valuation::not_negative;
use crate::domain::decimal::{mul, sub};

/// Most levels there may be.
pub const LEVELS_MAX: usize = 8;

/// Levels from the lowest to the highest, such as warning, margin call and liquidation. One is
/// entered when the ratio reaches it, and left when the ratio falls below it by the hysteresis, so
/// that a price that flickers about a level does not enter it again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    enters: Vec<Decimal>,
    leaves: Vec<Decimal>,
}

impl Levels {
    /// Levels of these ratios, left at so much less.
    ///
    /// # Errors
    /// [`CollateralError::Levels`] for none or too many, for levels that do not rise, and for a
    /// hysteresis that leaves nothing of the lowest.
    pub fn new(enters: &[Decimal], hysteresis: Decimal) -> Result<Self, CollateralError> {
        not_negative("the hysteresis", hysteresis)?;
        if enters.is_empty() || enters.len() > LEVELS_MAX {
            return Err(CollateralError::Levels(format!(
                "There are {}; there may be 1 to {LEVELS_MAX}.",
                enters.len()
            )));
        }
        let mut below = hysteresis;
        let mut leaves = Vec::with_capacity(enters.len());
        for enter in enters {
            if *enter <= below {
                return Err(CollateralError::Levels(format!("{enter} follows {below}.")));
            }
            leaves.push(sub(*enter, hysteresis)?);
            below = *enter;
        }
        Ok(Self { enters: enters.to_vec(), leaves })
    }

    /// How many levels there are.
    pub fn count(&self) -> usize {
        self.enters.len()
    }

    /// The ratio at which the level after this one is entered; none after the highest.
    pub fn enter_after(&self, level: usize) -> Option<Decimal> {
        self.enters.get(level).copied()
    }

    /// The ratio below which a level is left; none for level 0, below all.
    pub fn leave(&self, level: usize) -> Option<Decimal> {
        level.checked_sub(1).and_then(|index| self.leaves.get(index)).copied()
    }

    /// The level that follows one: higher while the debt reaches what the next asks for, else lower
    /// while it lies below what the present one is left at. Nothing is divided, so that a value of
    /// zero is no ratio of zero. Without debt it is 0.
    ///
    /// # Errors
    /// [`CollateralError::Arithmetic`] for a product out of range.
    pub fn next(
        &self,
        level: usize,
        debt: Decimal,
        value: Decimal,
    ) -> Result<usize, CollateralError> {
        if debt <= Decimal::ZERO {
            return Ok(0);
        }
        let mut next = level.min(self.count());
        while let Some(enter) = self.enter_after(next) {
            if debt < mul(enter, value)? {
                break;
            }
            next = next.saturating_add(1);
        }
        if next > level {
            return Ok(next);
        }
        while let Some(leave) = self.leave(next) {
            if debt >= mul(leave, value)? {
                break;
            }
            next = next.saturating_sub(1);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_level_is_entered_at_it_and_left_below_it() {
        let levels = Levels::new(&[d("0.7"), d("0.8"), d("0.9")], d("0.02")).unwrap();
        let next = |level, debt: &str| levels.next(level, d(debt), d("100")).unwrap();
        assert_eq!(next(0, "69.99"), 0);
        assert_eq!(next(0, "70"), 1);
        assert_eq!(next(1, "68"), 1, "left below, not at, the level less the hysteresis");
        assert_eq!(next(1, "67.99"), 0);
        assert_eq!(next(0, "95"), 3, "several at once");
        assert_eq!(next(3, "79"), 2, "down by two thresholds of three");
        assert_eq!(next(3, "10"), 0);
        assert_eq!(next(2, "0"), 0);
        assert_eq!(levels.next(0, d("1"), d("0")).unwrap(), 3, "no value is the worst");
    }

    #[test]
    fn levels_must_rise() {
        assert!(Levels::new(&[], d("0")).is_err());
        assert!(Levels::new(&[d("0.8"), d("0.8")], d("0")).is_err());
        assert!(Levels::new(&[d("0.02")], d("0.02")).is_err());
        assert!(Levels::new(&[d("0.5")], d("-0.1")).is_err());
        assert!(Levels::new(&[d("0.5"); 9], d("0")).is_err());
    }
}
