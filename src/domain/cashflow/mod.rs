//! Interest, time value of money, rates of return and annual percentage rates.

mod compounding;
mod error;
mod interest;
mod per_diem;
mod power;
mod time_value;

pub use compounding::{Compounding, effective_rate, equivalent_rate, nominal_rate};
pub use error::CashflowError;
pub use interest::{InterestPeriod, RateChange, compound_interest, simple_interest};
pub use per_diem::{DayBasis, daily_interest, daily_interest_rounded};
pub use time_value::{PaymentTiming, fv, ipmt, pmt, ppmt, pv};
