//! Amounts: currencies, rounding and exact division among several.

mod allocation;
mod currency;
mod rounding;

pub use allocation::{AllocationError, allocate};
pub use currency::{
    BadMinorUnits, Currency, MINOR_UNITS_MAX, UnknownCurrency, currencies, currency, minor_units,
};
pub use rounding::{MultipleError, RoundingMode, round_to_multiple};
