//! Annual percentage rates as two laws have them.

mod eu;
mod unit_period;
mod us;

use rust_decimal::Decimal;

use super::CashflowError;
use crate::domain::decimal::{self, ArithmeticError, to_f64};
use crate::domain::money::RoundingMode;

pub use eu::{EuPeriod, apr_eu, apr_eu_dated, eu_years};
pub use unit_period::{UnitPeriod, UnitSchedule, unit_schedule};
pub use us::{UnitFlow, apr_us, apr_us_dated};

/// An annual percentage rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apr {
    /// The rate as a fraction, 0.1496… for 14.96… per cent, to the last digits of a double.
    pub annual_rate: f64,
    /// The rate as a fraction with the decimals the law asks for, 0.1496 for 14.96 per cent.
    pub disclosed: Decimal,
}

impl Apr {
    /// The rate, rounded half up to `decimals` of the fraction.
    fn new(annual_rate: f64, decimals: u32) -> Result<Self, ArithmeticError> {
        let exact = decimal::from_f64(annual_rate)?;
        Ok(Self { annual_rate, disclosed: decimal::round(exact, decimals, RoundingMode::HalfUp) })
    }

    /// The disclosed rate in per cent, 14.96.
    pub fn percent(&self) -> Decimal {
        decimal::mul(self.disclosed, Decimal::ONE_HUNDRED).unwrap_or(self.disclosed).normalize()
    }
}

/// An amount advanced or paid as a double; refused if negative.
fn amount(value: Decimal, what: &'static str) -> Result<f64, CashflowError> {
    if value < Decimal::ZERO {
        return Err(CashflowError::Negative { what, value: value.to_string() });
    }
    Ok(to_f64(value))
}

/// Refuses lists without a single positive amount.
fn something<T>(
    flows: &[T],
    amount: impl Fn(&T) -> Decimal,
    what: &'static str,
) -> Result<(), CashflowError> {
    match flows.iter().any(|flow| amount(flow) > Decimal::ZERO) {
        true => Ok(()),
        false => Err(CashflowError::Missing { what }),
    }
}
