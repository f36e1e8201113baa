//! Interest, time value of money, rates of return and annual percentage rates.

mod accumulator;
mod annuity_rate;
mod apr;
mod compounding;
mod dated;
mod error;
mod interest;
mod per_diem;
mod periodic;
mod power;
mod rate_of_return;
mod time_value;
mod weighted_average;

pub use accumulator::FlowAccumulator;
pub use annuity_rate::{nper, rate};
pub use apr::{
    Apr, EuPeriod, UnitFlow, UnitPeriod, UnitSchedule, apr_eu, apr_eu_dated, apr_us, apr_us_dated,
    eu_years, unit_schedule,
};
pub use compounding::{Compounding, effective_rate, equivalent_rate, nominal_rate};
pub use dated::{DatedFlows, xirr, xnpv};
pub use error::CashflowError;
pub use interest::{InterestPeriod, RateChange, compound_interest, simple_interest};
pub use per_diem::{DayBasis, daily_interest, daily_interest_rounded};
pub use periodic::{irr, irr_all, mirr, npv, npv_exact};
pub use time_value::{PaymentTiming, fv, ipmt, pmt, ppmt, pv};
pub use weighted_average::WeightedAverage;
