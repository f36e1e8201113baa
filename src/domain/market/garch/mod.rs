//! GARCH(1,1): the variance of a day follows from the surprise and the variance of the day before.
//!
//! The variance is omega + (alpha + gamma if the surprise was negative) x surprise^2 + beta x variance,
//! a surprise being the return less mu. With gamma it is the model of Glosten, Jagannathan and Runkle
//! (1993), without it that of Bollerslev (1986).

mod fit;

use super::error::{MarketError, finite, in_range, within};

pub use fit::{Fit, fit};

/// Most returns one model is made of: centuries of days.
pub const RETURNS_MAX: usize = 100_000;
/// Fewest returns a model is fitted to.
pub const RETURNS_MIN: usize = 50;
/// How many surprises the variance before the first day is made of.
const BACKCAST_DAYS: usize = 75;
/// How their weights fade.
const BACKCAST_DECAY: f64 = 0.94;

/// The parameters of the recursion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Garch {
    /// The mean return.
    pub mu: f64,
    /// The constant of the variance.
    pub omega: f64,
    /// What a squared surprise adds.
    pub alpha: f64,
    /// What a negative one adds beyond that.
    pub gamma: f64,
    /// What is left of the variance of the day before.
    pub beta: f64,
}

/// How surprises are distributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// The normal distribution.
    Normal,
    /// Student's t with so many degrees of freedom, more than 2, scaled to a variance of one.
    StudentT(f64),
}

/// What a course of variances ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The variance of the last day.
    pub last: f64,
    /// The variance forecast for the day after.
    pub next: f64,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// The returns, if there are at least `least` and all are finite.
pub(super) fn checked(returns: &[f64], least: usize) -> Result<(), MarketError> {
    if returns.len() < least {
        return Err(MarketError::TooFew { given: returns.len(), least });
    }
    if returns.len() > RETURNS_MAX {
        return Err(MarketError::TooMany { most: RETURNS_MAX });
    }
    returns.iter().try_for_each(|value| finite(*value).map(|_| ()))
}

/// The variance before the first day: the first 75 squared surprises with weights that fade by 0.94,
/// as the Python package arch takes it.
pub fn backcast(returns: &[f64], mu: f64) -> f64 {
    let (mut weight, mut weights, mut sum) = (1.0, 0.0, 0.0);
    for value in returns.iter().take(BACKCAST_DAYS) {
        sum += weight * (value - mu) * (value - mu);
        weights += weight;
        weight *= BACKCAST_DECAY;
    }
    sum / weights
}

impl Garch {
    /// Checks that variances stay positive.
    ///
    /// # Errors
    /// Parameters that are not finite, an omega or beta or alpha below zero, or a gamma that makes
    /// negative surprises lower the variance.
    pub fn check(&self) -> Result<(), MarketError> {
        within("mu", self.mu, true, "as a finite number")?;
        within("omega", self.omega, self.omega > 0.0, "greater than 0")?;
        within("alpha", self.alpha, self.alpha >= 0.0, "as 0 or more")?;
        within("gamma", self.gamma, self.alpha + self.gamma >= 0.0, "as -alpha or more")?;
        within("beta", self.beta, self.beta >= 0.0, "as 0 or more")?;
        Ok(())
    }

    /// How much of a surprise is left the day after, on average: below 1 if the variance returns.
    pub fn persistence(&self) -> f64 {
        self.alpha + self.gamma / 2.0 + self.beta
    }

    /// The variance that forecasts approach; None where they do not.
    pub fn unconditional_variance(&self) -> Option<f64> {
        (self.persistence() < 1.0).then(|| self.omega / (1.0 - self.persistence()))
    }

    /// The variance of the first day where that of the day before is `backcast`.
    pub fn first_variance(&self, backcast: f64) -> f64 {
        self.omega + self.persistence() * backcast
    }

    /// The variance of the day after one.
    #[inline]
    pub fn after(&self, variance: f64, value: f64) -> f64 {
        let surprise = value - self.mu;
        let weight = if surprise < 0.0 { self.alpha + self.gamma } else { self.alpha };
        self.omega + weight * surprise * surprise + self.beta * variance
    }

    /// Runs through returns from the variance of the first day, showing that of each.
    pub(super) fn run(
        &self,
        returns: &[f64],
        first: f64,
        distribution: Distribution,
        mut show: impl FnMut(f64),
    ) -> Course {
        let (mut last, mut next) = (first, first);
        let mut likelihood = Likelihood::of(distribution);
        for value in returns {
            last = next;
            show(last);
            let surprise = value - self.mu;
            likelihood.add(surprise * surprise, last);
            next = self.after(last, *value);
        }
        Course { last, next, log_likelihood: likelihood.log(returns.len()) }
    }

    /// The variances of the days of returns, and what they end with. The first is `initial_variance`,
    /// or follows from [`backcast`].
    ///
    /// # Errors
    /// Returns or parameters that are not finite, too many or no returns, parameters outside their
    /// bounds, or variances beyond double precision.
    pub fn filter(
        &self,
        returns: &[f64],
        initial_variance: Option<f64>,
    ) -> Result<(Vec<f64>, Course), MarketError> {
        checked(returns, 1)?;
        self.check()?;
        let first = match initial_variance {
            Some(given) => within("initial_variance", given, given > 0.0, "greater than 0")?,
            None => self.first_variance(backcast(returns, self.mu)),
        };
        let mut variances = Vec::with_capacity(returns.len());
        let course = self.run(returns, first, Distribution::Normal, |v| variances.push(v));
        in_range("a variance", course.next)?;
        in_range("the likelihood", course.log_likelihood)?;
        Ok((variances, course))
    }
}

/// Most periods a forecast looks ahead.
pub const PERIODS_MAX: i32 = 100_000;

/// The variance forecast for a period ahead, `next` being that of the first: it approaches the
/// unconditional variance as the persistence says.
///
/// # Errors
/// Parameters outside their bounds, or a variance beyond double precision.
pub fn forecast(next: f64, omega: f64, persistence: f64, periods: i32) -> Result<f64, MarketError> {
    let mut variance = within("next_variance", next, next >= 0.0, "as 0 or more")?;
    let omega = within("omega", omega, omega > 0.0, "greater than 0")?;
    let persistence = within("persistence", persistence, persistence >= 0.0, "as 0 or more")?;
    if !(1..=PERIODS_MAX).contains(&periods) {
        let (name, given) = ("periods", periods.to_string());
        return Err(MarketError::OutOfBounds { name, given, bounds: "from 1 to 100,000" });
    }
    for _ in 1..periods {
        variance = omega + persistence * variance;
    }
    in_range("the variance", variance)
}

/// The sum of the logarithms of densities.
///
/// A density needs a logarithm, which costs more than the rest of the recursion. The logarithm of a
/// product is one logarithm, so factors are multiplied while a double holds the product.
struct Likelihood {
    distribution: Distribution,
    product: f64,
    logs: f64,
    /// Of the normal distribution: the squared surprises in units of their variance.
    squares: f64,
    /// Of Student's distribution: the factors 1 + surprise^2 / (variance (nu - 2)).
    tails: f64,
    tail_logs: f64,
}

/// Between these a product may be multiplied once more by a factor of the same range.
const PRODUCT_RANGE: std::ops::Range<f64> = 1e-140..1e140;

/// Multiplies a factor in, and moves the product into the sum of logarithms when it leaves the range.
#[inline]
fn multiply(product: &mut f64, logs: &mut f64, factor: f64) {
    if PRODUCT_RANGE.contains(&factor) {
        *product *= factor;
        if !PRODUCT_RANGE.contains(product) {
            *logs += libm::log(*product);
            *product = 1.0;
        }
    } else {
        *logs += libm::log(factor);
    }
}

impl Likelihood {
    fn of(distribution: Distribution) -> Self {
        Self { distribution, product: 1.0, logs: 0.0, squares: 0.0, tails: 1.0, tail_logs: 0.0 }
    }

    #[inline]
    fn add(&mut self, square: f64, variance: f64) {
        multiply(&mut self.product, &mut self.logs, variance);
        match self.distribution {
            Distribution::Normal => self.squares += square / variance,
            Distribution::StudentT(nu) => {
                let factor = 1.0 + square / (variance * (nu - 2.0));
                multiply(&mut self.tails, &mut self.tail_logs, factor);
            }
        }
    }

    fn log(&self, count: usize) -> f64 {
        let count = count as f64;
        let variances = self.logs + libm::log(self.product);
        match self.distribution {
            Distribution::Normal => {
                -0.5 * (count * libm::log(std::f64::consts::TAU) + variances + self.squares)
            }
            Distribution::StudentT(nu) => {
                let density = libm::lgamma((nu + 1.0) / 2.0)
                    - libm::lgamma(nu / 2.0)
                    - 0.5 * libm::log(std::f64::consts::PI * (nu - 2.0));
                let tails = self.tail_logs + libm::log(self.tails);
                count * density - 0.5 * variances - (nu + 1.0) / 2.0 * tails
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Garch = Garch { mu: 0.0, omega: 0.02, alpha: 0.05, gamma: 0.0, beta: 0.93 };

    #[test]
    fn by_hand() {
        let (variances, course) = PLAIN.filter(&[1.0, -2.0], Some(1.0)).unwrap();
        let second = 0.02 + 0.05 + 0.93;
        assert_eq!(variances, [1.0, second]);
        assert_eq!(course.last, second);
        assert_eq!(course.next, 0.02 + 0.05 * 4.0 + 0.93 * second);
        let density = |x: f64, v: f64| -0.5 * ((std::f64::consts::TAU * v).ln() + x * x / v);
        let expected = density(1.0, 1.0) + density(-2.0, second);
        assert!((course.log_likelihood - expected).abs() < 1e-14);
        let leverage = Garch { gamma: 0.1, ..PLAIN };
        let apart = leverage.after(1.0, -1.0) - leverage.after(1.0, 1.0);
        assert!((apart - 0.1).abs() < 1e-15);
        assert!((PLAIN.unconditional_variance().unwrap() - 1.0).abs() < 1e-14);
        assert_eq!(forecast(3.0, 0.02, 0.98, 1).unwrap(), 3.0);
        assert!((forecast(3.0, 0.02, 0.98, 1000).unwrap() - 1.0).abs() < 1e-8);
        assert!(forecast(3.0, 0.02, 0.98, 0).is_err());
        assert!(forecast(3.0, 0.02, 2.0, 10_000).is_err());
        assert_eq!(Garch { beta: 0.95, ..PLAIN }.unconditional_variance(), None);
    }

    #[test]
    fn what_is_no_model_is_refused() {
        for bad in [
            Garch { omega: 0.0, ..PLAIN },
            Garch { alpha: -0.1, ..PLAIN },
            Garch { gamma: -0.06, ..PLAIN },
            Garch { beta: f64::NAN, ..PLAIN },
            Garch { mu: f64::INFINITY, ..PLAIN },
        ] {
            assert!(matches!(bad.filter(&[1.0], None), Err(MarketError::OutOfBounds { .. })));
        }
        assert!(PLAIN.filter(&[], None).is_err());
        assert!(PLAIN.filter(&[f64::NAN], None).is_err());
        assert!(PLAIN.filter(&[1.0], Some(0.0)).is_err());
        assert!(PLAIN.filter(&[1e200], None).is_err());
        assert!(Garch { beta: 1e300, ..PLAIN }.filter(&[1.0; 9], None).is_err());
    }
}
