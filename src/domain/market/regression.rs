//! A straight line through points, by least squares, from exact sums.

use super::error::{MarketError, finite, in_range};
use super::exact::{Digits, ExactSum};

/// The sums of a regression of y on x, without any rounding.
#[derive(Clone, Debug, Default)]
pub struct Regression {
    rows: u64,
    x: ExactSum,
    y: ExactSum,
    xx: ExactSum,
    xy: ExactSum,
    yy: ExactSum,
}

/// The squared distances from the means and their product, each times the number of rows.
struct Distances {
    rows: Digits,
    xx: Digits,
    xy: Digits,
    yy: Digits,
}

impl Regression {
    /// Takes in a point.
    ///
    /// # Errors
    /// A coordinate that is not finite; the state is then as it was.
    #[inline]
    pub fn push(&mut self, y: f64, x: f64) -> Result<(), MarketError> {
        let (y, x) = (finite(y)?, finite(x)?);
        self.rows += 1;
        self.change(y, x, 1.0);
        Ok(())
    }

    /// Takes out a point that was taken in.
    pub fn remove(&mut self, y: f64, x: f64) {
        self.rows -= 1;
        self.change(y, x, -1.0);
    }

    #[inline]
    fn change(&mut self, y: f64, x: f64, sign: f64) {
        self.x.add(sign * x);
        self.y.add(sign * y);
        self.xx.add_product(sign * x, x);
        self.xy.add_product(sign * x, y);
        self.yy.add_product(sign * y, y);
    }

    /// Takes in what another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (mine, theirs) in self.sums_mut().into_iter().zip(other.sums()) {
            mine.merge(theirs);
        }
    }

    fn sums(&self) -> [&ExactSum; 5] {
        [&self.x, &self.y, &self.xx, &self.xy, &self.yy]
    }

    fn sums_mut(&mut self) -> [&mut ExactSum; 5] {
        [&mut self.x, &mut self.y, &mut self.xx, &mut self.xy, &mut self.yy]
    }

    /// None where there is no line: without points, or where all have one x.
    fn distances(&self) -> Option<Distances> {
        let rows = Digits::from(self.rows);
        let [x, y, xx, xy, yy] = self.sums().map(ExactSum::digits);
        let xx = Digits::difference(&rows, &xx, &x, &x);
        let xy = Digits::difference(&rows, &xy, &x, &y);
        let yy = Digits::difference(&rows, &yy, &y, &y);
        xx.sign().is_gt().then_some(Distances { rows, xx, xy, yy })
    }

    /// What y gains where x gains one.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn slope(&self) -> Result<Option<f64>, MarketError> {
        self.distances().map(|d| in_range("the slope", d.xy.over(&d.xx))).transpose()
    }

    /// The value of the line where x is zero.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn intercept(&self) -> Result<Option<f64>, MarketError> {
        let Some(distances) = self.distances() else { return Ok(None) };
        let [x, y, xx, xy, _] = self.sums().map(ExactSum::digits);
        let over = Digits::difference(&xx, &y, &x, &xy);
        in_range("the intercept", over.over(&distances.xx)).map(Some)
    }

    /// The part of the variance of y that the line explains; 1 where y does not vary, as the standard
    /// says of `regr_r2`.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn r2(&self) -> Result<Option<f64>, MarketError> {
        let Some(d) = self.distances() else { return Ok(None) };
        if d.yy.sign().is_eq() {
            return Ok(Some(1.0));
        }
        let part = d.xy.over(&d.xx) * d.xy.over(&d.yy);
        Ok(Some(in_range("the part explained", part)?.min(1.0)))
    }

    /// The standard error of the regression: the squared distances of y from the line, over the
    /// points less two. None with fewer than three points.
    ///
    /// # Errors
    /// A result beyond double precision.
    pub fn residual_deviation(&self) -> Result<Option<f64>, MarketError> {
        let Some(d) = self.distances().filter(|_| self.rows > 2) else { return Ok(None) };
        // (yy - xy^2 / xx) / (n (n - 2)), of which the difference is taken before anything rounds.
        let unexplained = Digits::difference(&d.yy, &d.xx, &d.xy, &d.xy);
        let none = Digits::from(0_u64);
        let divisor = Digits::difference(&d.rows, &(self.rows - 2).into(), &none, &none);
        let divisor = Digits::difference(&divisor, &d.xx, &none, &none);
        in_range("the residual deviation", unexplained.over(&divisor).sqrt()).map(Some)
    }

    /// Writes the sums for another process.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.rows.to_le_bytes());
        self.sums().into_iter().for_each(|sum| sum.write(bytes));
    }

    /// Reads what [`Regression::write`] wrote, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (rows, mut rest) = bytes.split_first_chunk::<8>()?;
        let mut read = Self { rows: u64::from_le_bytes(*rows), ..Self::default() };
        for sum in read.sums_mut() {
            (*sum, rest) = ExactSum::read(rest)?;
        }
        Some((read, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(points: &[(f64, f64)]) -> Regression {
        let mut line = Regression::default();
        points.iter().for_each(|&(y, x)| line.push(y, x).unwrap());
        line
    }

    #[test]
    fn where_there_is_no_line_there_is_no_answer() {
        for points in [&[][..], &[(1.0, 2.0)], &[(1.0, 2.0), (3.0, 2.0)]] {
            let line = of(points);
            assert_eq!(line.slope().unwrap(), None);
            assert_eq!(line.intercept().unwrap(), None);
            assert_eq!(line.r2().unwrap(), None);
            assert_eq!(line.residual_deviation().unwrap(), None);
        }
        let flat = of(&[(5.0, 1.0), (5.0, 2.0)]);
        assert_eq!((flat.slope().unwrap(), flat.r2().unwrap()), (Some(0.0), Some(1.0)));
        assert_eq!(flat.residual_deviation().unwrap(), None);
        assert!(Regression::default().push(1.0, f64::NAN).is_err());
    }

    #[test]
    fn points_on_a_line_have_no_residual() {
        let line = of(&[(1.0, 1e9), (3.0, 1e9 + 1.0), (5.0, 1e9 + 2.0), (7.0, 1e9 + 3.0)]);
        assert_eq!(line.slope().unwrap(), Some(2.0));
        assert_eq!(line.intercept().unwrap(), Some(1.0 - 2e9));
        assert_eq!(line.r2().unwrap(), Some(1.0));
        assert_eq!(line.residual_deviation().unwrap(), Some(0.0));
    }

    #[test]
    fn a_textbook_line() {
        // Norris, the linear regression of lowest difficulty of NIST's Statistical Reference
        // Datasets has too many points to repeat; these are Anscombe's first.
        let line = of(&[
            (8.04, 10.0),
            (6.95, 8.0),
            (7.58, 13.0),
            (8.81, 9.0),
            (8.33, 11.0),
            (9.96, 14.0),
            (7.24, 6.0),
            (4.26, 4.0),
            (10.84, 12.0),
            (4.82, 7.0),
            (5.68, 5.0),
        ]);
        let near = |got: Option<f64>, wanted: f64, digits: f64| {
            assert!((got.unwrap() - wanted).abs() < digits, "{got:?} against {wanted}");
        };
        near(line.slope().unwrap(), 0.500_090_9, 1e-7);
        near(line.intercept().unwrap(), 3.000_090_9, 1e-7);
        near(line.r2().unwrap(), 0.666_542_46, 1e-8);
        near(line.residual_deviation().unwrap(), 1.236_603_3, 1e-7);
    }

    proptest! {
        #[test]
        fn points_come_out_again_and_grouping_does_not_matter(
            points in proptest::collection::vec((-1e3..1e3, -1e3..1e3), 3..30), cut in 0usize..30,
        ) {
            let (left, right) = points.split_at(cut.min(points.len()));
            let whole = of(&points);
            let mut merged = of(right);
            let mut bytes = Vec::new();
            of(left).write(&mut bytes);
            merged.merge(&Regression::read(&bytes).unwrap().0);
            prop_assert_eq!(merged.slope().unwrap(), whole.slope().unwrap());
            prop_assert_eq!(merged.residual_deviation().unwrap(), whole.residual_deviation().unwrap());
            for &(y, x) in left {
                merged.remove(y, x);
            }
            prop_assert_eq!(merged.r2().unwrap(), of(right).r2().unwrap());
        }
    }
}
