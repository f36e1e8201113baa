//! Skewness and kurtosis: how far returns are from the normal distribution.

use super::error::{MarketError, finite, in_range};

/// The sums of the first four powers of distances from the mean, kept as rows come and as groups are
/// put together (Pébay 2008, Sandia report 2008-6212). Unlike the sums of this module's other states
/// they are rounded, so that the last digits follow the order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    rows: f64,
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl Shape {
    /// Takes in a value.
    ///
    /// # Errors
    /// A value that is not finite.
    #[inline]
    pub fn push(&mut self, value: f64) -> Result<(), MarketError> {
        let one = Self { rows: 1.0, mean: finite(value)?, ..Self::default() };
        self.merge(&one);
        Ok(())
    }

    /// Takes in what another has seen.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        if other.rows == 0.0 {
            return;
        }
        let (a, b) = (*self, *other);
        let rows = a.rows + b.rows;
        let apart = b.mean - a.mean;
        let (share, both) = (apart / rows, a.rows * b.rows);
        let second = apart * share * both;
        self.rows = rows;
        self.mean = a.mean + share * b.rows;
        self.second = a.second + b.second + second;
        self.third = a.third
            + b.third
            + second * share * (a.rows - b.rows)
            + 3.0 * share * (a.rows * b.second - b.rows * a.second);
        self.fourth = a.fourth
            + b.fourth
            + second * share * share * (a.rows * a.rows - both + b.rows * b.rows)
            + 6.0 * share * share * (a.rows * a.rows * b.second + b.rows * b.rows * a.second)
            + 4.0 * share * (a.rows * b.third - b.rows * a.third);
    }

    /// The skewness of the population, g1; None where the values do not vary.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn population_skewness(&self) -> Result<Option<f64>, MarketError> {
        if self.second <= 0.0 {
            return Ok(None);
        }
        let spread = self.second / self.rows;
        in_range("the skewness", self.third / self.rows / (spread * spread.sqrt())).map(Some)
    }

    /// The kurtosis of the population less that of the normal distribution, g2.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn population_excess_kurtosis(&self) -> Result<Option<f64>, MarketError> {
        if self.second <= 0.0 {
            return Ok(None);
        }
        let spread = self.second / self.rows;
        in_range("the kurtosis", self.fourth / self.rows / (spread * spread) - 3.0).map(Some)
    }

    /// The skewness of a sample, G1, as spreadsheets and pandas have it; None with fewer than three.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn skewness(&self) -> Result<Option<f64>, MarketError> {
        let n = self.rows;
        let Some(g1) = self.population_skewness()?.filter(|_| n > 2.0) else { return Ok(None) };
        Ok(Some(g1 * (n * (n - 1.0)).sqrt() / (n - 2.0)))
    }

    /// The excess kurtosis of a sample, G2; None with fewer than four.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn excess_kurtosis(&self) -> Result<Option<f64>, MarketError> {
        let n = self.rows;
        let Some(g2) = self.population_excess_kurtosis()?.filter(|_| n > 3.0) else {
            return Ok(None);
        };
        Ok(Some((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * g2 + 6.0)))
    }

    /// The sums, for a state that is written out.
    pub fn parts(&self) -> [f64; 5] {
        [self.rows, self.mean, self.second, self.third, self.fourth]
    }

    /// A state as [`Shape::parts`] gave it, read back.
    pub fn from_parts([rows, mean, second, third, fourth]: [f64; 5]) -> Self {
        Self { rows, mean, second, third, fourth }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Shape {
        let mut shape = Shape::default();
        values.iter().for_each(|value| shape.push(*value).unwrap());
        shape
    }

    #[test]
    fn too_few_or_equal_values_have_no_shape() {
        assert_eq!(of(&[]).skewness().unwrap(), None);
        assert_eq!(of(&[1.0, 2.0]).skewness().unwrap(), None);
        assert_eq!(of(&[1.0, 2.0, 3.0]).excess_kurtosis().unwrap(), None);
        assert_eq!(of(&[2.0; 5]).skewness().unwrap(), None);
        assert_eq!(of(&[1.0, 2.0, 3.0]).skewness().unwrap(), Some(0.0));
        // As scipy: skew([2, 8, 0, 4, 1, 9, 9, 0]) = 0.2650554122698573.
        let published = of(&[2.0, 8.0, 0.0, 4.0, 1.0, 9.0, 9.0, 0.0]);
        let skewness = published.population_skewness().unwrap().unwrap();
        assert!((skewness - 0.265_055_412_269_857_3).abs() < 1e-14);
    }

    proptest! {
        #[test]
        fn groups_come_together(values in proptest::collection::vec(-10.0..10.0, 4..40), cut in 0usize..40) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let whole = of(&values);
            let mut merged = of(left);
            merged.merge(&Shape::from_parts(of(right).parts()));
            for (a, b) in [
                (merged.skewness(), whole.skewness()),
                (merged.excess_kurtosis(), whole.excess_kurtosis()),
            ] {
                prop_assert!((a.unwrap().unwrap() - b.unwrap().unwrap()).abs() < 1e-8);
            }
        }
    }
}
