//! Returns: what a price gained, as a fraction or as a logarithm.

use super::error::{MarketError, price};

/// The logarithmic return ln(current / previous), which adds up over time: the one of risk.
///
/// # Errors
/// A price that is not finite and greater than zero.
pub fn log_return(previous: f64, current: f64) -> Result<f64, MarketError> {
    let (previous, current) = (price(previous)?, price(current)?);
    let ratio = current / previous;
    // Prices hundreds of orders of magnitude apart have a quotient no double holds.
    if ratio.is_normal() {
        Ok(libm::log(ratio))
    } else {
        Ok(libm::log(current) - libm::log(previous))
    }
}

/// The simple return current / previous - 1, which adds up over a portfolio: the one of profit.
///
/// # Errors
/// A price that is not finite and greater than zero, or a return beyond double precision.
pub fn simple_return(previous: f64, current: f64) -> Result<f64, MarketError> {
    let (previous, current) = (price(previous)?, price(current)?);
    super::error::in_range("the return", current / previous - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_doubles_and_halves() {
        assert_eq!(log_return(1.0, 2.0).unwrap(), std::f64::consts::LN_2);
        assert_eq!(log_return(1e-320, 1e300).unwrap(), libm::log(1e300) - libm::log(1e-320));
        assert_eq!(simple_return(50.0, 25.0).unwrap(), -0.5);
        assert_eq!(simple_return(1e-320, 1e300), Err(MarketError::OutOfRange("the return")));
        for bad in [0.0, -1.0, -0.0] {
            assert_eq!(log_return(bad, 1.0), Err(MarketError::PriceNotPositive(bad)));
            assert_eq!(simple_return(1.0, bad), Err(MarketError::PriceNotPositive(bad)));
        }
        assert!(matches!(log_return(1.0, f64::NAN), Err(MarketError::NotFinite(_))));
        assert!(matches!(simple_return(f64::INFINITY, 1.0), Err(MarketError::NotFinite(_))));
    }
}
