//! Amounts: currencies, rounding and exact division among several.

mod allocation;
mod currency;
mod rounding;

pub use allocation::{AllocationError, allocate};
pub use currency::{Currency, currencies, currency};
pub use rounding::{MultipleError, RoundingMode, round_to_multiple};
