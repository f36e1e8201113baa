//! Business days: which days are, how many lie between two dates, and where a date moves that is
//! none.

mod bitmap;
mod calendar;
mod convention;

pub use calendar::{BusinessCalendar, Weekend};
pub use convention::{BusinessDayConvention, BusinessDayRule, ShiftOrder, adjust};
