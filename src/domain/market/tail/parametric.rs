//! The tail of a distribution with the moments of the returns.

use super::Confidence;
use crate::domain::market::error::{MarketError, finite};
use crate::domain::market::exact::ExactSum;
use crate::domain::market::normal::{normal_density, normal_quantile};

/// Moments of returns, those of the population: sums are divided by the number of returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// The skewness, zero where returns do not vary.
    pub skewness: f64,
    /// The kurtosis less that of the normal distribution.
    pub excess_kurtosis: f64,
}

impl Moments {
    /// The moments of returns; None without any.
    ///
    /// # Errors
    /// A return that is not finite.
    pub fn of(returns: &[f64]) -> Result<Option<Self>, MarketError> {
        if returns.is_empty() {
            return Ok(None);
        }
        let count = returns.len() as f64;
        let mut sum = ExactSum::default();
        returns.iter().try_for_each(|value| finite(*value).map(|value| sum.add(value)))?;
        let mean = sum.value() / count;
        let central = |power: i32| {
            let mut sum = ExactSum::default();
            returns.iter().for_each(|value| sum.add((value - mean).powi(power)));
            sum.value() / count
        };
        let variance = central(2);
        let deviation = variance.sqrt();
        let shape = |moment: f64, power: i32| match deviation > 0.0 {
            true => moment / deviation.powi(power),
            false => 0.0,
        };
        Ok(Some(Self {
            mean,
            deviation,
            skewness: shape(central(3), 3),
            excess_kurtosis: if deviation > 0.0 { shape(central(4), 4) - 3.0 } else { 0.0 },
        }))
    }

    /// The same about a mean of zero, as RiskMetrics has it.
    pub fn about_zero(self) -> Self {
        Self { mean: 0.0, deviation: self.deviation.hypot(self.mean), ..self }
    }

    /// Value at risk of a normal distribution.
    ///
    /// # Errors
    /// As [`normal_quantile`].
    pub fn normal_value_at_risk(&self, confidence: Confidence) -> Result<f64, MarketError> {
        Ok(-(self.mean + normal_quantile(confidence.tail_share())? * self.deviation))
    }

    /// Expected shortfall of a normal distribution.
    ///
    /// # Errors
    /// As [`normal_quantile`].
    pub fn normal_expected_shortfall(&self, confidence: Confidence) -> Result<f64, MarketError> {
        let tail = confidence.tail_share();
        Ok(self.deviation * normal_density(normal_quantile(tail)?) / tail - self.mean)
    }

    /// The tail by the expansion of Cornish and Fisher.
    ///
    /// # Errors
    /// As [`normal_quantile`].
    pub fn cornish_fisher(&self, confidence: Confidence) -> Result<CornishFisher, MarketError> {
        let tail = confidence.tail_share();
        let (z, s, k) = (normal_quantile(tail)?, self.skewness, self.excess_kurtosis);
        let (square, cube) = (z * z, z * z * z);
        let quantile = z + (square - 1.0) * s / 6.0 + (cube - 3.0 * z) * k / 24.0
            - (2.0 * cube - 5.0 * z) * s * s / 36.0;
        let h = quantile;
        let (h2, h4) = (h * h, h.powi(4));
        // Integrals of the density of Edgeworth's expansion beyond the quantile.
        let mass = 1.0
            + h * h2 * s / 6.0
            + (h4 - 2.0 * h2 - 1.0) * k / 24.0
            + (h2 * h4 - 9.0 * h4 + 9.0 * h2 + 3.0) * s * s / 72.0;
        let beyond = normal_density(h) * mass / tail;
        Ok(CornishFisher {
            quantile,
            value_at_risk: -(self.mean + quantile * self.deviation),
            closed_form: self.deviation * beyond - self.mean,
            expected_shortfall: self.deviation * beyond.max(-h) - self.mean,
            is_monotone: self.is_monotone(),
        })
    }

    /// Whether the expansion's quantiles grow with the probability everywhere: its slope
    /// `1 + z s/3 + (3 z² - 3) k/24 - (6 z² - 5) s²/36` is above zero for all z.
    fn is_monotone(&self) -> bool {
        let (s, k) = (self.skewness, self.excess_kurtosis);
        let (bend, tilt) = (k / 8.0 - s * s / 6.0, s / 3.0);
        let level = 1.0 - k / 8.0 + 5.0 * s * s / 36.0;
        level > 0.0
            && bend >= 0.0
            && (tilt * tilt < 4.0 * bend * level || (bend == 0.0 && tilt == 0.0))
    }
}

/// The tail by the expansion of Cornish and Fisher, which bends the normal distribution to the
/// skewness and kurtosis of the returns. Where those are large it is no distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CornishFisher {
    /// The quantile of returns less their mean, in standard deviations.
    pub quantile: f64,
    /// Value at risk.
    pub value_at_risk: f64,
    /// Expected shortfall in the closed form of Boudt, Peterson and Croux (2008), which may be less
    /// than the value at risk.
    pub closed_form: f64,
    /// The same and no less than the value at risk: the operational one of PerformanceAnalytics.
    pub expected_shortfall: f64,
    /// Whether it is a distribution: its quantiles grow with the probability.
    pub is_monotone: bool,
}
