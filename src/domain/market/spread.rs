//! Mean and standard deviation of values, from exact sums: the moving average, the bands of
//! Bollinger and the volatility are made of them.

use super::error::{MarketError, finite, in_range, within};
use super::exact::{Digits, ExactSum};

/// The sums of values and of their squares, without any rounding: the state of an aggregate whose
/// rows come out again as they went in.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    rows: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Spread {
    /// Takes in a value.
    ///
    /// # Errors
    /// A value that is not finite; the state is then as it was.
    #[inline]
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let value = finite(value)?;
        self.rows += 1;
        self.sum.add(value);
        self.squares.add_product(value, value);
        Ok(())
    }

    /// Takes out a value that was taken in.
    #[inline]
    pub fn remove(&mut self, value: f64) {
        self.rows -= 1;
        self.sum.subtract(value);
        self.squares.add_product(-value, value);
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    /// Number of values.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The mean; None without values.
    pub fn mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum.digits().over(&self.rows.into()))
    }

    /// The mean of the squares, which is the variance where the mean is taken to be zero.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn mean_square(&self) -> Result<Option<f64>, MarketError> {
        if self.rows == 0 {
            return Ok(None);
        }
        in_range("the variance", self.squares.digits().over(&self.rows.into())).map(Some)
    }

    /// The sum of squared distances from the mean, divided by the number of rows less `less`: 1 for
    /// a sample, 0 for a population. None with no more values than that.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn variance(&self, less: u64) -> Result<Option<f64>, MarketError> {
        if self.rows <= less {
            return Ok(None);
        }
        let (rows, sum) = (Digits::from(self.rows), self.sum.digits());
        let distances = Digits::difference(&rows, &self.squares.digits(), &sum, &sum);
        let divisor = u128::from(self.rows) * u128::from(self.rows - less);
        in_range("the variance", distances.over(&divisor.into())).map(Some)
    }

    /// The standard deviation, with `less` as for [`Spread::variance`].
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn deviation(&self, less: u64) -> Result<Option<f64>, MarketError> {
        Ok(self.variance(less)?.map(f64::sqrt))
    }

    /// A band of Bollinger: the mean and so many population standard deviations; a negative number
    /// of them is the lower band.
    ///
    /// # Errors
    /// A number of deviations that is not finite, or a result beyond double precision.
    pub fn band(&self, deviations: f64) -> Result<Option<f64>, MarketError> {
        let deviations = within("deviations", deviations, true, "as a finite number")?;
        let (Some(mean), Some(deviation)) = (self.mean(), self.deviation(0)?) else {
            return Ok(None);
        };
        in_range("the band", mean + deviations * deviation).map(Some)
    }

    /// Writes the sums for another process.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        self.sum.write(bytes);
        self.squares.write(bytes);
    }

    /// Reads what [`Spread::write`] wrote, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (rows, rest) = bytes.split_first_chunk::<8>()?;
        let (sum, rest) = ExactSum::read(rest)?;
        let (squares, rest) = ExactSum::read(rest)?;
        Some((Self { rows: u64::from_le_bytes(*rows), sum, squares }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Spread {
        let mut spread = Spread::default();
        values.iter().for_each(|value| spread.push(*value).unwrap());
        spread
    }

    #[test]
    fn groups_without_enough_rows_have_no_deviation() {
        assert_eq!(of(&[]).mean(), None);
        assert_eq!(of(&[]).variance(0).unwrap(), None);
        assert_eq!(of(&[3.0]).variance(1).unwrap(), None);
        assert_eq!(of(&[3.0]).variance(0).unwrap(), Some(0.0));
        assert_eq!(of(&[3.0]).band(2.0).unwrap(), Some(3.0));
        assert!(matches!(Spread::default().push(f64::NAN), Err(MarketError::NotFinite(_))));
    }

    #[test]
    fn what_is_far_from_zero_keeps_its_digits() {
        // The one-pass formula in doubles answers with nothing at all here.
        let far = of(&[1e15 + 1.0, 1e15 + 2.0, 1e15 + 3.0]);
        assert_eq!(far.variance(1).unwrap(), Some(1.0));
        assert_eq!(of(&[0.1; 7]).variance(1).unwrap(), Some(0.0));
        assert_eq!(of(&[0.1; 7]).mean(), Some(0.1));
        assert_eq!(of(&[f64::MAX; 3]).mean(), Some(f64::MAX));
        assert_eq!(of(&[1e200, -1e200]).variance(0), Err(MarketError::OutOfRange("the variance")));
    }

    proptest! {
        #[test]
        fn a_moving_frame_is_what_it_is_summed_anew(
            values in proptest::collection::vec(-1e3..1e3, 1..60), width in 1usize..10,
        ) {
            let mut moving = Spread::default();
            for (at, value) in values.iter().enumerate() {
                moving.push(*value).unwrap();
                if at >= width {
                    moving.remove(values[at - width]);
                }
                let anew = of(&values[(at + 1).saturating_sub(width)..=at]);
                prop_assert_eq!(moving.mean(), anew.mean());
                prop_assert_eq!(moving.variance(1).unwrap(), anew.variance(1).unwrap());
                let two_pass = {
                    let frame = &values[(at + 1).saturating_sub(width)..=at];
                    let mean = frame.iter().sum::<f64>() / frame.len() as f64;
                    frame.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / frame.len() as f64
                };
                prop_assert!((moving.variance(0).unwrap().unwrap() - two_pass).abs() <= 1e-9);
            }
        }
    }
}
