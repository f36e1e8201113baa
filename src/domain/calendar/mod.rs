//! Dates of lending: day counts, business days, frequencies and payment dates.

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
