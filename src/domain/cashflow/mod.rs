//! Interest, time value of money, rates of return and annual percentage rates.

mod compounding;
mod error;
mod power;

pub use compounding::{Compounding, effective_rate, equivalent_rate, nominal_rate};
pub use error::CashflowError;
