//! Moving averages whose values do not weigh the same; the simple one is the mean of a
//! [`super::Spread`].

use super::error::{MarketError, finite, in_range, within};
use super::exact::ExactSum;

/// Longest span of an exponential moving average: more rows than any table has days.
pub const SPAN_MAX: f64 = 1e6;

/// An exponential moving average: the first value, then alpha x value + (1 - alpha) x average; and the
/// deviation from it under the same weights.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialAverage {
    span: f64,
    alpha: f64,
    average: Option<f64>,
    variance: f64,
}

impl ExponentialAverage {
    /// Over a span of so many rows: alpha is 2 / (span + 1).
    ///
    /// # Errors
    /// A span that is not from 1 to [`SPAN_MAX`].
    pub fn over(span: f64) -> Result<Self, MarketError> {
        let holds = (1.0..=SPAN_MAX).contains(&span);
        let span = within("span", span, holds, "from 1 to 1,000,000 rows")?;
        Ok(Self { span, alpha: 2.0 / (span + 1.0), average: None, variance: 0.0 })
    }

    /// The span.
    pub fn span(&self) -> f64 {
        self.span
    }

    /// Takes in the next value.
    ///
    /// # Errors
    /// A value that is not finite, or values too far apart for double precision.
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let value = finite(value)?;
        let before = self.average.unwrap_or(value);
        let distance = in_range("the distance of two values", value - before)?;
        self.average = Some(self.alpha * value + (1.0 - self.alpha) * before);
        self.variance = (1.0 - self.alpha) * (self.variance + self.alpha * distance * distance);
        Ok(())
    }

    /// The average; None before the first value.
    pub fn average(&self) -> Option<f64> {
        self.average
    }

    /// The root of the weighted mean of squared distances from the average, the bias of weights left
    /// in; None before the first value.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn deviation(&self) -> Result<Option<f64>, MarketError> {
        self.average.map(|_| in_range("the deviation", self.variance.sqrt())).transpose()
    }
}

/// A linearly weighted moving average: the oldest value of the frame weighs 1, the newest as much
/// as there are values.
///
/// Both sums are exact. When the oldest value leaves, each of the others weighs one less, so that the
/// weighted sum loses the plain one.
#[derive(Clone, Debug, Default)]
pub struct WeightedAverage {
    rows: u64,
    sum: ExactSum,
    weighted: ExactSum,
}

impl WeightedAverage {
    /// Takes in the newest value.
    ///
    /// # Errors
    /// A value that is not finite.
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let value = finite(value)?;
        self.rows += 1;
        self.sum.add(value);
        self.weighted.add_times(self.rows, value);
        Ok(())
    }

    /// Takes out the oldest value.
    pub fn remove_oldest(&mut self, value: f64) {
        self.weighted.take_away(&self.sum);
        self.sum.subtract(value);
        self.rows -= 1;
    }

    /// The average; None without values.
    pub fn average(&self) -> Option<f64> {
        let weights = self.rows * (self.rows + 1) / 2;
        (self.rows > 0).then(|| self.weighted.digits().over(&weights.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_value_is_its_own_average() {
        let mut average = ExponentialAverage::over(3.0).unwrap();
        assert_eq!(average.average(), None);
        average.push(10.0).unwrap();
        assert_eq!(average.average(), Some(10.0));
        average.push(20.0).unwrap();
        assert_eq!(average.average(), Some(15.0));
        // Weights of a half each: 10 and 20 lie 5 from 15.
        assert_eq!(average.deviation().unwrap(), Some(5.0));
        assert!(average.push(f64::INFINITY).is_err());
        assert!(ExponentialAverage::over(0.9).is_err());
        assert!(ExponentialAverage::over(SPAN_MAX + 1.0).is_err());
    }

    #[test]
    fn the_newest_weighs_most() {
        let mut average = WeightedAverage::default();
        assert_eq!(average.average(), None);
        for value in [1.0, 2.0, 6.0] {
            average.push(value).unwrap();
        }
        assert_eq!(average.average(), Some((1.0 + 4.0 + 18.0) / 6.0));
        average.remove_oldest(1.0);
        assert_eq!(average.average(), Some((2.0 + 12.0) / 3.0));
    }

    proptest! {
        #[test]
        fn a_moving_frame_is_what_it_is_summed_anew(
            values in proptest::collection::vec(-1e3..1e3, 1..60), width in 1usize..10,
        ) {
            let mut moving = WeightedAverage::default();
            for (at, value) in values.iter().enumerate() {
                moving.push(*value).unwrap();
                if at >= width {
                    moving.remove_oldest(values[at - width]);
                }
                let mut anew = WeightedAverage::default();
                for value in &values[(at + 1).saturating_sub(width)..=at] {
                    anew.push(*value).unwrap();
                }
                prop_assert_eq!(moving.average(), anew.average());
            }
        }
    }
}
