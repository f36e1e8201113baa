//! Collateral: what is pledged for loans, what it is worth, and when that is too little.
//!
//! Weights and purities make a quantity of a price; quantities times prices less haircuts make a
//! value; debt over value is the loan-to-value ratio, which levels with hysteresis divide; and the
//! ladder tells within which prices a pool of collateral stays where it is.

mod depreciation;
mod error;
mod expression;
mod haircut;
mod ladder;
mod levels;
mod ratio;
mod unit;
mod valuation;

pub use depreciation::{CurvePoint, depreciated_value, remaining_part};
pub use error::CollateralError;
pub use expression::{Expression, Line};
pub use haircut::suggest_haircut;
pub use ladder::{Band, Bands, Leg, Look, Pool, look};
pub use levels::{LEVELS_MAX, Levels};
pub use ratio::{LtvTier, crossing_price, loan_to_value, shortfall, surplus_value, tiered_ltv};
pub use unit::{WeightUnit, convert_weight, purity};
pub use valuation::{haircut_value, indexed_value};

#[cfg(test)]
mod properties;
