//! The weighted average: a portfolio's rate, term or margin.

use rust_decimal::Decimal;

use super::CashflowError;
use crate::domain::decimal::{ArithmeticError, add, div, mul, sub};

/// Sums of weights and of weighted values so far: the state of an aggregate.
///
/// Both sums are exact as long as they fit 28 digits: balances of cents and rates of ten decimals
/// do over billions of loans. Where a product or a sum had to be rounded the state knows, and
/// gives up taking rows out again, because what was lost does not come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeightedAverage {
    weighted: Decimal,
    weights: Decimal,
    rows: u64,
    rounded: bool,
}

impl WeightedAverage {
    /// No row yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A state as [`WeightedAverage::parts`] gave it, read back.
    pub fn from_parts(weighted: Decimal, weights: Decimal, rows: u64, rounded: bool) -> Self {
        Self { weighted, weights, rows, rounded }
    }

    /// The sum of weight times value, the sum of weights, the number of rows, and whether anything
    /// was rounded, for a state that is written out.
    pub fn parts(&self) -> (Decimal, Decimal, u64, bool) {
        (self.weighted, self.weights, self.rows, self.rounded)
    }

    /// Adds a value with its weight. A weight may be negative, as a balance in credit is.
    ///
    /// # Errors
    /// [`CashflowError::Arithmetic`] for a sum of more than 28 digits before the point; the state
    /// is then as it was.
    pub fn push(&mut self, value: Decimal, weight: Decimal) -> Result<(), CashflowError> {
        let (share, exact) = exact_product(value, weight)?;
        let one = Self { weighted: share, weights: weight, rows: 1, rounded: !exact };
        self.merge(&one)
    }

    /// Adds the rows of another state.
    ///
    /// # Errors
    /// As [`WeightedAverage::push`].
    pub fn merge(&mut self, other: &Self) -> Result<(), CashflowError> {
        let (weighted, exact) = exact_sum(self.weighted, other.weighted)?;
        let (weights, also_exact) = exact_sum(self.weights, other.weights)?;
        *self = Self {
            weighted,
            weights,
            rows: self.rows.saturating_add(other.rows),
            rounded: self.rounded || other.rounded || !exact || !also_exact,
        };
        Ok(())
    }

    /// Takes a row out again that was added before, and says whether that could be done exactly.
    /// If not, the state is as it was and the sums must be made anew from the rows that are left.
    ///
    /// # Errors
    /// As [`WeightedAverage::push`].
    pub fn remove(&mut self, value: Decimal, weight: Decimal) -> Result<bool, CashflowError> {
        let Some(rows) = self.rows.checked_sub(1) else { return Ok(false) };
        if self.rounded {
            return Ok(false);
        }
        let (share, exact) = exact_product(value, weight)?;
        let (weighted, sum_exact) = exact_sum(self.weighted, sub(Decimal::ZERO, share)?)?;
        let (weights, weights_exact) = exact_sum(self.weights, sub(Decimal::ZERO, weight)?)?;
        if !(exact && sum_exact && weights_exact) {
            return Ok(false);
        }
        *self = Self { weighted, weights, rows, rounded: false };
        Ok(true)
    }

    /// Number of rows in the state.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The average, to 28 digits; None without rows or with weights that sum to zero.
    ///
    /// # Errors
    /// [`CashflowError::Arithmetic`] for an average of more than 28 digits before the point.
    pub fn finish(&self) -> Result<Option<Decimal>, CashflowError> {
        if self.weights.is_zero() {
            return Ok(None);
        }
        Ok(Some(div(self.weighted, self.weights)?))
    }
}

/// The product, and whether it kept all decimals of its factors.
fn exact_product(a: Decimal, b: Decimal) -> Result<(Decimal, bool), ArithmeticError> {
    let (a, b) = (a.normalize(), b.normalize());
    let product = mul(a, b)?;
    let of_zero = a.is_zero() || b.is_zero();
    Ok((product, of_zero || product.scale() == a.scale() + b.scale()))
}

/// The sum, and whether it kept all decimals of its terms.
fn exact_sum(a: Decimal, b: Decimal) -> Result<(Decimal, bool), ArithmeticError> {
    let sum = add(a, b)?;
    Ok((
        sum,
        sum.is_zero() || a.is_zero() || b.is_zero() || sum.scale() >= a.scale().max(b.scale()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn of(rows: &[(Decimal, Decimal)]) -> WeightedAverage {
        let mut state = WeightedAverage::new();
        for &(value, weight) in rows {
            state.push(value, weight).unwrap();
        }
        state
    }

    #[test]
    fn the_rate_of_a_portfolio() {
        let rows = [(d("0.06"), d("100000")), (d("0.09"), d("50000")), (d("0.12"), d("0"))];
        assert_eq!(of(&rows).finish().unwrap(), Some(d("0.07")));
        assert_eq!(of(&[]).finish().unwrap(), None);
        assert_eq!(of(&[(d("0.05"), d("0"))]).finish().unwrap(), None);
        assert_eq!(of(&[(d("5"), d("10")), (d("9"), d("-10"))]).finish().unwrap(), None);
    }

    #[test]
    fn what_was_rounded_is_not_taken_out() {
        let third = d("0.3333333333333333333333333333");
        let mut state = of(&[(third, d("123456789.01"))]);
        assert!(!state.remove(third, d("123456789.01")).unwrap());
        assert_eq!(state.rows(), 1);
        let mut sum = of(&[(d("1"), d("79228162514264337593543950335"))]);
        let kept = sum;
        assert!(sum.push(d("1"), d("79228162514264337593543950335")).is_err());
        assert_eq!(sum, kept);
        sum.push(d("0.1"), d("0.1")).unwrap();
        assert!(!sum.remove(d("0.1"), d("0.1")).unwrap());
        assert!(!WeightedAverage::new().remove(d("1"), d("1")).unwrap());
        let tiny = Decimal::new(1, 20);
        assert!(!of(&[(tiny, tiny)]).remove(tiny, tiny).unwrap());
    }

    proptest! {
        #[test]
        fn neither_order_nor_grouping_matters_and_rows_come_out_again(
            rows in proptest::collection::vec((-10_000_000i64..10_000_000, 0i64..1_000_000_000_000), 0..40),
            cut in 0usize..40,
        ) {
            let rows: Vec<_> =
                rows.into_iter().map(|(v, w)| (Decimal::new(v, 8), Decimal::new(w, 2))).collect();
            let cut = cut.min(rows.len());
            let whole = of(&rows);
            let mut backwards = rows.clone();
            backwards.reverse();
            prop_assert_eq!(of(&backwards).finish().unwrap(), whole.finish().unwrap());
            let (left, right) = rows.split_at(cut);
            let mut merged = of(left);
            merged.merge(&of(right)).unwrap();
            prop_assert_eq!(merged.parts(), whole.parts());
            let mut moved = whole;
            for &(value, weight) in left {
                prop_assert!(moved.remove(value, weight).unwrap());
            }
            prop_assert_eq!(moved.parts(), of(right).parts());
            let (weighted, weights, count, rounded) = whole.parts();
            prop_assert_eq!(WeightedAverage::from_parts(weighted, weights, count, rounded), whole);
        }
    }
}
