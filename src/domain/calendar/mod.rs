//! Dates of lending: day counts, business days, frequencies and payment dates.
//!
//! Three choices hold everywhere. A date of a series is counted from the series' seed and never
//! from the date before it, so a month end survives February. A period contains its first day and
//! not its last, as interest accrues, and a period the other way round counts negatively. Whatever
//! an answer depends on must be given: a day count without its schedule, a calendar beyond its
//! horizon and a date beyond the library's years are refused, not guessed.
//!
//! [`civil`] is the arithmetic of bare day numbers that bulk work steps through with
//! [`Recurrence::day_numbers`].

mod business;
pub mod civil;
mod day_count;
mod due_days;
mod error;
mod frequency;
mod payment_dates;
mod recurrence;
mod roll;

pub use business::{
    BusinessCalendar, BusinessDayConvention, BusinessDayRule, ShiftOrder, Weekend, adjust,
};
pub use civil::{add_days, add_months};
pub use day_count::{
    DayCount, DayCountContext, DayCountName, Fraction, day_count_days, day_count_names, fraction,
    year_fraction, year_fraction_f64,
};
pub use due_days::DueDays;
pub use error::CalendarError;
pub use frequency::{Frequency, FrequencyUnit, SemiMonthDays};
pub use payment_dates::{Adjustment, Extent, PaymentDates, SchedulePeriod, Stub};
pub use recurrence::{Recurrence, nth_date};
pub use roll::{Nth, RollRule};
