//! Amounts: currencies, rounding and exact division among several.

mod allocation;
mod currency;
mod multiple;
mod straight;

pub use super::rounding::RoundingMode;
pub use allocation::{AllocationError, allocate};
pub use currency::{
    BadMinorUnits, Currency, MINOR_UNITS_MAX, UnknownCurrency, currencies, currency, minor_units,
};
pub use multiple::{MultipleError, round_to_multiple};
pub use straight::StraightLine;
