//! Dates of lending: day counts, business days, frequencies and payment dates.

mod business;
pub mod civil;
mod day_count;
mod error;
mod frequency;
mod recurrence;

pub use business::{
    BusinessCalendar, BusinessDayConvention, BusinessDayRule, ShiftOrder, Weekend, adjust,
};
pub use civil::{add_days, add_months};
pub use day_count::{
    DayCount, DayCountContext, DayCountName, Fraction, day_count_days, day_count_names, fraction,
    year_fraction, year_fraction_f64,
};
pub use error::CalendarError;
pub use frequency::{Frequency, FrequencyUnit, SemiMonthDays};
pub use recurrence::{Nth, Recurrence, RollRule, nth_date};
