//! The tail of Student's t distribution.

use std::f64::consts::PI;

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::gamma::ln_gamma;

use super::Confidence;
use super::parametric::Moments;
use crate::domain::market::error::{MarketError, finite};
use crate::domain::market::minimum::minimise;

/// Fewest returns that a distribution of three parameters is fitted to.
const RETURNS_MIN: usize = 10;
/// Fewest degrees of freedom a fit may find; the mean needs more than one.
const FREEDOM_MIN: f64 = 1.0;
/// Degrees of freedom from which the distribution is taken for normal.
const FREEDOM_MAX: f64 = 1e6;

/// A t distribution with a place and a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudentFit {
    /// Degrees of freedom.
    pub freedom: f64,
    /// Where it has its middle.
    pub location: f64,
    /// Its scale, which is not its standard deviation.
    pub scale: f64,
}

impl StudentFit {
    /// The distribution of greatest likelihood, and the logarithm of that.
    ///
    /// # Errors
    /// Fewer than ten returns, one that is not finite, or returns that do not vary.
    pub fn to(returns: &[f64]) -> Result<(Self, f64), MarketError> {
        if returns.len() < RETURNS_MIN {
            return Err(MarketError::TooFew { given: returns.len(), least: RETURNS_MIN });
        }
        returns.iter().try_for_each(|value| finite(*value).map(|_| ()))?;
        let moments = Moments::of(returns)?.filter(|found| found.deviation > 0.0);
        let moments = moments.ok_or(MarketError::Constant)?;
        let fit = |[location, scale, freedom]: &[f64; 3]| Self {
            freedom: (FREEDOM_MIN + libm::exp(*freedom)).min(FREEDOM_MAX),
            location: moments.mean + location * moments.deviation,
            scale: moments.deviation * libm::exp(*scale),
        };
        let start = [0.0, -0.2, 1.0];
        let found = minimise(|at| -fit(at).log_likelihood(returns), start);
        let found = fit(&found.at);
        Ok((found, found.log_likelihood(returns)))
    }

    /// The distribution that has the mean, the variance of a sample and the excess kurtosis of
    /// returns; None where their tails are not fatter than normal ones.
    pub fn with_moments(moments: &Moments, returns: usize) -> Option<Self> {
        let fat = moments.excess_kurtosis > 0.0 && returns > 1;
        let freedom = 4.0 + 6.0 / moments.excess_kurtosis;
        let sample = moments.deviation * (returns as f64 / (returns as f64 - 1.0)).sqrt();
        let scale = sample * ((freedom - 2.0) / freedom).sqrt();
        fat.then_some(Self { freedom, location: moments.mean, scale })
    }

    /// Value at risk.
    ///
    /// # Errors
    /// Parameters of which there is no distribution.
    pub fn value_at_risk(&self, confidence: Confidence) -> Result<f64, MarketError> {
        Ok(-(self.location + self.scale * self.quantile(confidence)?))
    }

    /// Expected shortfall.
    ///
    /// # Errors
    /// One degree of freedom or less, of which there is no mean.
    pub fn expected_shortfall(&self, confidence: Confidence) -> Result<f64, MarketError> {
        let nu = self.freedom;
        let holds = nu > 1.0;
        crate::domain::market::error::within("degrees_of_freedom", nu, holds, "greater than 1")?;
        let q = self.quantile(confidence)?;
        let beyond = libm::exp(log_density(q, nu)) * (nu + q * q) / (nu - 1.0);
        Ok(self.scale * beyond / confidence.tail_share() - self.location)
    }

    fn quantile(&self, confidence: Confidence) -> Result<f64, MarketError> {
        let standard = StudentsT::new(0.0, 1.0, self.freedom)
            .map_err(|_| MarketError::OutOfRange("the number of degrees of freedom"))?;
        Ok(standard.inverse_cdf(confidence.tail_share()))
    }

    /// The logarithm of the likelihood of returns.
    pub fn log_likelihood(&self, returns: &[f64]) -> f64 {
        let nu = self.freedom;
        let each = |value: &f64| {
            let z = (value - self.location) / self.scale;
            libm::log1p(z * z / nu)
        };
        let spread: f64 = returns.iter().map(each).sum();
        let count = returns.len() as f64;
        count * (log_height(nu) - libm::log(self.scale)) - 0.5 * (nu + 1.0) * spread
    }
}

/// The logarithm of the standard distribution's density at its middle.
fn log_height(nu: f64) -> f64 {
    ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * libm::log(nu * PI)
}

fn log_density(value: f64, nu: f64) -> f64 {
    log_height(nu) - 0.5 * (nu + 1.0) * libm::log1p(value * value / nu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_tail_is_refused() {
        assert!(matches!(StudentFit::to(&[0.1; 5]), Err(MarketError::TooFew { .. })));
        assert!(matches!(StudentFit::to(&[0.1; 20]), Err(MarketError::Constant)));
        assert!(StudentFit::to(&[f64::NAN; 20]).is_err());
    }

    /// The tail of a fit to its own quantiles is that of the distribution.
    #[test]
    fn a_distribution_is_found_again() {
        let known = StudentsT::new(0.0, 1.0, 5.0).unwrap();
        let count = 20_000;
        let returns: Vec<f64> = (0..count)
            .map(|at| 0.5 + 2.0 * known.inverse_cdf((f64::from(at) + 0.5) / f64::from(count)))
            .collect();
        let (fit, _) = StudentFit::to(&returns).unwrap();
        assert!((fit.freedom - 5.0).abs() < 0.05, "{fit:?}");
        assert!((fit.location - 0.5).abs() < 1e-4 && (fit.scale - 2.0).abs() < 2e-3, "{fit:?}");
    }
}
