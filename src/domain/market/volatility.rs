//! Volatility of returns: the sample's, with any spacing of days, and with weights that fade.
//!
//! Sources: J.P. Morgan and Reuters, RiskMetrics Technical Document, 4th edition, 1996, section 5.2
//! (zero mean, 0.94 for daily returns); for uneven spacing the maximum likelihood estimator of a
//! Brownian motion with drift.

use super::error::{MarketError, finite, in_range, within};
use super::exact::{Digits, ExactSum};
use super::spread::Spread;

/// The customary decay factor of daily returns.
pub const LAMBDA: f64 = 0.94;
/// The customary number of trading days in a year.
pub const PERIODS_PER_YEAR: f64 = 252.0;

/// A number of periods in a year, if it can be one.
///
/// # Errors
/// One that is not finite and greater than zero.
pub fn periods_per_year(given: f64) -> Result<f64, MarketError> {
    within("periods_per_year", given, given > 0.0, "greater than 0, such as 252 trading days")
}

/// A decay factor, if it can be one.
///
/// # Errors
/// One that is not greater than zero and less than one.
pub fn lambda(given: f64) -> Result<f64, MarketError> {
    within("lambda", given, given > 0.0 && given < 1.0, "greater than 0 and less than 1")
}

/// The annual volatility of a variance a period.
///
/// # Errors
/// A result beyond double precision.
pub fn annual(variance: Option<f64>, periods_per_year: f64) -> Result<Option<f64>, MarketError> {
    variance
        .map(|variance| in_range("the volatility", (variance * periods_per_year).sqrt()))
        .transpose()
}

/// Returns over stretches of different length, so that a missing day is not taken for a quiet one.
///
/// A return r over d periods has the variance d times that of one. With R and D the sums of returns
/// and periods over n stretches, the variance of a period is the sum of (r - d R / D)^2 / d, divided
/// by n - 1: the ordinary one where every d is 1. As a sum: (D x sum of r^2 / d - R^2) / (D (n - 1)).
#[derive(Clone, Debug, Default)]
pub struct SpacedReturns {
    rows: u64,
    sum: ExactSum,
    periods: ExactSum,
    squares: ExactSum,
}

impl SpacedReturns {
    /// Takes in a return over a number of periods.
    ///
    /// # Errors
    /// A return that is not finite, or periods that are not greater than zero.
    #[inline]
    pub fn push(&mut self, value: f64, periods: f64) -> Result<(), MarketError> {
        let value = finite(value)?;
        let periods = within("elapsed", periods, periods > 0.0, "greater than 0, in periods")?;
        let a_period = in_range("a return of one period", value / periods)?;
        self.rows += 1;
        self.sum.add(value);
        self.periods.add(periods);
        self.squares.add_product(value, a_period);
        Ok(())
    }

    /// Takes out a return that was taken in.
    pub fn remove(&mut self, value: f64, periods: f64) {
        self.rows -= 1;
        self.sum.subtract(value);
        self.periods.subtract(periods);
        self.squares.add_product(-value, value / periods);
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum.merge(&other.sum);
        self.periods.merge(&other.periods);
        self.squares.merge(&other.squares);
    }

    /// The variance of a period; None with fewer than two returns.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn variance(&self) -> Result<Option<f64>, MarketError> {
        if self.rows < 2 {
            return Ok(None);
        }
        let (sum, periods) = (self.sum.digits(), self.periods.digits());
        let distances = Digits::difference(&periods, &self.squares.digits(), &sum, &sum);
        // A quotient r / d that was rounded can leave a sum of nothing just below zero.
        if distances.sign().is_lt() {
            return Ok(Some(0.0));
        }
        let divisor =
            Digits::difference(&periods, &(self.rows - 1).into(), &periods, &0_u64.into());
        in_range("the variance", distances.over(&divisor)).map(Some)
    }

    /// Writes the sums for another process.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        for sum in [&self.sum, &self.periods, &self.squares] {
            sum.write(bytes);
        }
    }

    /// Reads what [`SpacedReturns::write`] wrote, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (rows, rest) = bytes.split_first_chunk::<8>()?;
        let (sum, rest) = ExactSum::read(rest)?;
        let (periods, rest) = ExactSum::read(rest)?;
        let (squares, rest) = ExactSum::read(rest)?;
        Some((Self { rows: u64::from_le_bytes(*rows), sum, periods, squares }, rest))
    }
}

/// The volatility of the sample that a [`Spread`] of returns is, a year.
///
/// # Errors
/// A result beyond double precision.
pub fn sample_volatility(
    returns: &Spread,
    periods_per_year: f64,
) -> Result<Option<f64>, MarketError> {
    annual(returns.variance(1)?, periods_per_year)
}

/// The volatility a year where the mean return is taken to be zero.
///
/// # Errors
/// A result beyond double precision.
pub fn zero_mean_volatility(
    returns: &Spread,
    periods_per_year: f64,
) -> Result<Option<f64>, MarketError> {
    annual(returns.mean_square()?, periods_per_year)
}

/// The recursion of RiskMetrics: lambda x variance + (1 - lambda) x return^2, with a mean of zero. It
/// starts from the square of the first return, unless it is told another variance.
#[derive(Clone, Copy, Debug)]
pub struct EwmaVariance {
    lambda: f64,
    start: Option<f64>,
    next: Option<f64>,
}

impl EwmaVariance {
    /// With a decay factor and perhaps the variance of the first period.
    ///
    /// # Errors
    /// A factor that is not between 0 and 1, or a variance that is not finite and at least zero.
    pub fn new(decay: f64, initial_variance: Option<f64>) -> Result<Self, MarketError> {
        let lambda = lambda(decay)?;
        let start = initial_variance
            .map(|v| within("initial_variance", v, v >= 0.0, "as zero or more"))
            .transpose()?;
        Ok(Self { lambda, start, next: None })
    }

    /// The decay factor and the initial variance it was made with.
    pub fn terms(&self) -> (f64, Option<f64>) {
        (self.lambda, self.start)
    }

    /// Takes in the next return.
    ///
    /// # Errors
    /// A return that is not finite, or whose square is not.
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let square = in_range("the variance", finite(value)? * value)?;
        let before = self.next.or(self.start).unwrap_or(square);
        self.next = Some(self.lambda * before + (1.0 - self.lambda) * square);
        Ok(())
    }

    /// The variance of the period after the last return; None before the first.
    pub fn variance(&self) -> Option<f64> {
        self.next
    }
}

/// Returns weighted by their age: lambda^age x return^2 over the sum of lambda^age. The order of rows
/// does not matter, because each says its age itself.
#[derive(Clone, Debug)]
pub struct AgeWeighted {
    lambda: f64,
    log_lambda: f64,
    weighted: ExactSum,
    weights: ExactSum,
}

impl AgeWeighted {
    /// With a decay factor.
    ///
    /// # Errors
    /// A factor that is not between 0 and 1.
    pub fn new(decay: f64) -> Result<Self, MarketError> {
        let lambda = lambda(decay)?;
        Ok(Self {
            lambda,
            log_lambda: libm::log(lambda),
            weighted: ExactSum::default(),
            weights: ExactSum::default(),
        })
    }

    /// The decay factor it was made with.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The weight of an age, which is a function of nothing else. Its relative error is the age's
    /// share of the rounding of the logarithm, and so small while the weight counts.
    #[inline]
    fn weight(&self, age: i32) -> f64 {
        libm::exp(self.log_lambda * f64::from(age))
    }

    /// Takes in a return and its age in periods, 0 for the newest.
    ///
    /// # Errors
    /// A return that is not finite, or a negative age.
    #[inline]
    pub fn push(&mut self, value: f64, age: i32) -> Result<(), MarketError> {
        let value = finite(value)?;
        if age < 0 {
            return Err(MarketError::OutOfBounds {
                name: "age",
                given: age.to_string(),
                bounds: "as 0 for the newest return or more",
            });
        }
        let weight = self.weight(age);
        self.weighted.add_product(in_range("a weighted return", weight * value)?, value);
        self.weights.add(weight);
        Ok(())
    }

    /// Takes in what another of the same factor has seen.
    pub fn merge(&mut self, other: &Self) {
        self.weighted.merge(&other.weighted);
        self.weights.merge(&other.weights);
    }

    /// The variance of a period; None without returns, or where all are too old to have a weight.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn variance(&self) -> Result<Option<f64>, MarketError> {
        let weights = self.weights.digits();
        if weights.sign().is_eq() {
            return Ok(None);
        }
        in_range("the variance", self.weighted.digits().over(&weights)).map(Some)
    }

    /// Writes the sums for another process.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.lambda.to_le_bytes());
        self.weighted.write(bytes);
        self.weights.write(bytes);
    }

    /// Reads what [`AgeWeighted::write`] wrote, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (lambda, rest) = bytes.split_first_chunk::<8>()?;
        let new = Self::new(f64::from_le_bytes(*lambda)).ok()?;
        let (weighted, rest) = ExactSum::read(rest)?;
        let (weights, rest) = ExactSum::read(rest)?;
        Some((Self { weighted, weights, ..new }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gap_counts_as_the_days_it_has() {
        // A Brownian path looked at daily, and with a day left out.
        let mut spaced = SpacedReturns::default();
        assert_eq!(spaced.variance().unwrap(), None);
        for (value, days) in [(0.01, 1.0), (-0.02, 1.0), (0.03, 3.0)] {
            spaced.push(value, days).unwrap();
        }
        let drift = 0.02 / 5.0;
        let by_hand: f64 = [(0.01, 1.0), (-0.02, 1.0), (0.03, 3.0)]
            .iter()
            .map(|(r, d): &(f64, f64)| (r - d * drift).powi(2) / d)
            .sum::<f64>()
            / 2.0;
        assert!((spaced.variance().unwrap().unwrap() / by_hand - 1.0).abs() < 1e-14);
        assert!(spaced.push(0.01, 0.0).is_err());
        assert!(spaced.push(f64::NAN, 1.0).is_err());
        assert!(spaced.push(1e300, 1e-300).is_err());
    }

    #[test]
    fn the_recursion_starts_from_what_it_is_told() {
        let mut ewma = EwmaVariance::new(0.94, None).unwrap();
        assert_eq!(ewma.variance(), None);
        ewma.push(0.5).unwrap();
        assert_eq!(ewma.variance(), Some(0.25));
        ewma.push(0.0).unwrap();
        assert_eq!(ewma.variance(), Some(0.94 * 0.25));
        let mut told = EwmaVariance::new(0.5, Some(1.0)).unwrap();
        told.push(0.0).unwrap();
        assert_eq!(told.variance(), Some(0.5));
        for bad in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(EwmaVariance::new(bad, None).is_err());
            assert!(AgeWeighted::new(bad).is_err());
        }
        assert!(EwmaVariance::new(0.94, Some(-1.0)).is_err());
        assert!(ewma.push(1e200).is_err());
    }

    #[test]
    fn returns_too_old_to_have_a_weight_leave_no_answer() {
        let mut old = AgeWeighted::new(0.5).unwrap();
        assert_eq!(old.variance().unwrap(), None);
        old.push(0.1, i32::MAX).unwrap();
        assert_eq!(old.variance().unwrap(), None);
        old.push(0.1, 3).unwrap();
        assert!((old.variance().unwrap().unwrap() - 0.01).abs() < 1e-17);
        assert!(old.push(0.1, -1).is_err());
    }

    proptest! {
        #[test]
        fn even_spacing_is_the_ordinary_sample(values in proptest::collection::vec(-0.1..0.1, 2..40)) {
            let (mut spread, mut spaced) = (Spread::default(), SpacedReturns::default());
            for value in &values {
                spread.push(*value).unwrap();
                spaced.push(*value, 1.0).unwrap();
            }
            prop_assert_eq!(spread.variance(1).unwrap(), spaced.variance().unwrap());
            spaced.push(0.5, 3.0).unwrap();
            spaced.remove(0.5, 3.0);
            prop_assert_eq!(spread.variance(1).unwrap(), spaced.variance().unwrap());
        }

        #[test]
        fn neither_order_nor_grouping_of_aged_returns_matters(
            values in proptest::collection::vec((-0.1..0.1, 0i32..500), 1..40), cut in 0usize..40,
        ) {
            let of = |rows: &mut dyn Iterator<Item = &(f64, i32)>| {
                let mut state = AgeWeighted::new(LAMBDA).unwrap();
                rows.for_each(|&(value, age)| state.push(value, age).unwrap());
                state
            };
            let whole = of(&mut values.iter()).variance().unwrap();
            prop_assert_eq!(of(&mut values.iter().rev()).variance().unwrap(), whole);
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = of(&mut left.iter());
            let mut bytes = Vec::new();
            of(&mut right.iter()).write(&mut bytes);
            merged.merge(&AgeWeighted::read(&bytes).unwrap().0);
            prop_assert_eq!(merged.variance().unwrap(), whole);
        }
    }
}
