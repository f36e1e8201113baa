//! What is earned along a straight line, as a book keeps it between what happens to a loan.

use rust_decimal::Decimal;

use crate::domain::decimal::{ArithmeticError, add, mul, round, sub};
use crate::domain::rounding::RoundingMode;

/// Decimals below the minor unit that count when what is earned is rounded. The lines of a loan stay
/// further than this from where the rounding turns, so what lies below is noise of their digits.
const CLEAR_DECIMALS: u32 = 12;

/// Interest of a loan from one event to the next: what it was on the first day, and what each day adds.
#[derive(Clone, Copy, Debug)]
pub struct StraightLine {
    /// Earned by the end of its first day, not rounded.
    pub base: Decimal,
    /// Earned by each day after it, not rounded.
    pub per_day: Decimal,
    /// The decimals of its currency.
    pub minor_units: u32,
    /// How the loan rounds.
    pub mode: RoundingMode,
}

impl StraightLine {
    /// What is earned so many days after the first, in whole minor units.
    ///
    /// # Errors
    /// For an amount out of range.
    pub fn earned(&self, days: i32) -> Result<Decimal, ArithmeticError> {
        let earned = add(self.base, mul(self.per_day, Decimal::from(days))?)?;
        let clear = round(earned, self.minor_units + CLEAR_DECIMALS, RoundingMode::HalfUp);
        Ok(round(clear, self.minor_units, self.mode))
    }

    /// What a day adds to that: so many days after the first, and not the day before.
    ///
    /// # Errors
    /// For an amount out of range.
    pub fn added(&self, days: i32) -> Result<Decimal, ArithmeticError> {
        sub(self.earned(days)?, self.earned(days.saturating_sub(1))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_add_up_to_what_is_earned() {
        let line = StraightLine {
            base: "0.3333333333333333".parse().unwrap(),
            per_day: "0.3286712328767123".parse().unwrap(),
            minor_units: 2,
            mode: RoundingMode::HalfEven,
        };
        let mut sum = line.earned(0).unwrap();
        for days in 1..400 {
            sum += line.added(days).unwrap();
            assert_eq!(sum, line.earned(days).unwrap());
        }
        assert_eq!(sum.to_string(), "131.47");
    }
}
