//! The tail of returns: what is lost at most with some confidence (value at risk), and on average
//! beyond that (expected shortfall). Both are fractions of what is held, positive where it is lost.
//!
//! The confidence is exact: 1 - 0.99 in doubles is a little more than a hundredth, which moves a
//! quantile of 1,000 returns from the tenth to the eleventh.

mod historical;
mod parametric;
mod quantile;
mod student;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::error::MarketError;
use crate::domain::decimal::sub;

pub use historical::{
    TailRule, expected_shortfall, overlapping_sums, value_at_risk, weighted_expected_shortfall,
    weighted_value_at_risk,
};
pub use parametric::{CornishFisher, Moments};
pub use quantile::{QuantileType, quantile};
pub use student::StudentFit;

/// Most decimals of a confidence.
const DECIMALS_MAX: u32 = 12;

/// With which probability no more is lost, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confidence(Decimal);

impl Confidence {
    /// A confidence, such as 0.99.
    ///
    /// # Errors
    /// One that is not between 0 and 1, or has more than 12 decimals.
    pub fn new(confidence: Decimal) -> Result<Self, MarketError> {
        let exact = confidence.normalize();
        let holds = exact > Decimal::ZERO && exact < Decimal::ONE && exact.scale() <= DECIMALS_MAX;
        let bounds = "greater than 0 and less than 1, with at most 12 decimals";
        let given = || MarketError::OutOfBounds {
            name: "confidence",
            given: confidence.to_string(),
            bounds,
        };
        if holds { Ok(Self(exact)) } else { Err(given()) }
    }

    /// The probability of losing more.
    pub fn tail(self) -> Decimal {
        // Of two numbers between 0 and 1 with few decimals.
        sub(Decimal::ONE, self.0).unwrap_or_default()
    }

    /// The same as a double.
    pub fn tail_share(self) -> f64 {
        self.tail().to_f64().unwrap_or(f64::NAN)
    }
}
