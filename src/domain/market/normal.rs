//! The normal distribution, to the last digits of a double.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use statrs::distribution::{ContinuousCDF, Normal};

use super::error::{MarketError, within};

/// The probability of a standard normal value up to one.
pub fn normal_cdf(value: f64) -> f64 {
    0.5 * libm::erfc(-value * FRAC_1_SQRT_2)
}

/// The density of the standard normal distribution.
pub fn normal_density(value: f64) -> f64 {
    libm::exp(-0.5 * value * value) / (2.0 * PI).sqrt()
}

/// The value up to which a standard normal one lies with a probability.
///
/// # Errors
/// A probability that is not between 0 and 1.
pub fn normal_quantile(probability: f64) -> Result<f64, MarketError> {
    let holds = 0.0 < probability && probability < 1.0;
    let probability = within("probability", probability, holds, "greater than 0 and less than 1")?;
    let standard = Normal::standard();
    let first = standard.inverse_cdf(probability);
    // One step of Newton's method from the library's value takes its error to that of the distribution.
    let density = normal_density(first);
    let step = (normal_cdf(first) - probability) / density;
    Ok(if density > 0.0 && step.is_finite() { first - step } else { first })
}

/// The probability that a chi-squared value of one degree of freedom is as large or larger.
pub(super) fn chi_squared_1_above(value: f64) -> f64 {
    libm::erfc((0.5 * value.max(0.0)).sqrt())
}

/// The same of two degrees of freedom.
pub(super) fn chi_squared_2_above(value: f64) -> f64 {
    libm::exp(-0.5 * value.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_distribution() {
        // As R: qnorm(c(0.01, 0.05, 0.5, 0.999)).
        for (probability, value) in [
            (0.01, -2.326_347_874_040_841),
            (0.05, -1.644_853_626_951_472_7),
            (0.5, 0.0),
            (0.999, 3.090_232_306_167_813_5),
        ] {
            assert!((normal_quantile(probability).unwrap() - value).abs() < 1e-14);
        }
        for power in 1..300 {
            let probability = 10f64.powi(-power);
            let back = normal_cdf(normal_quantile(probability).unwrap());
            assert!((back / probability - 1.0).abs() < 1e-11, "{probability}");
        }
        assert!(normal_quantile(0.0).is_err() && normal_quantile(f64::NAN).is_err());
    }
}
