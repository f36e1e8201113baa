//! Amounts: currencies, rounding and exact division among several.

mod allocation;
mod currency;
mod rounding;

pub use allocation::{AllocationError, allocate};
pub use currency::{Currency, MINOR_UNITS_MAX, currencies, currency, minor_units};
pub use rounding::{RoundingMode, round_to_multiple};
