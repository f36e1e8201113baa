//! The periods of a schedule: accrual dates and the dates on which payment is due.

mod generate;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    BusinessCalendar, BusinessDayConvention, CalendarError, Frequency, RollRule, ShiftOrder,
};
use crate::domain::error::by_name;

/// How far a schedule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A number of periods.
    Periods(u32),
    /// Until a date, which ends the last period.
    Until(NaiveDate),
    /// A number of periods until a date: all but one are regular, and the odd one, at the front or
    /// the back as the stub says, is as long as it must be.
    PeriodsUntil(u32, NaiveDate),
}

/// Where a period goes that is shorter or longer than the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stub {
    /// Nowhere: dates that do not divide into whole periods are refused. A first due date or a
    /// seed may still make the first period odd.
    #[default]
    None,
    /// The first period is shorter; dates are counted back from the end.
    ShortFront,
    /// The first period is longer by what would have been a short one.
    LongFront,
    /// The last period is shorter; dates are counted on from the start.
    ShortBack,
    /// The last period is longer by what would have been a short one.
    LongBack,
}

const STUBS: [(&str, Stub); 5] = [
    ("none", Stub::None),
    ("short_front", Stub::ShortFront),
    ("long_front", Stub::LongFront),
    ("short_back", Stub::ShortBack),
    ("long_back", Stub::LongBack),
];

impl Stub {
    /// The place of a name such as `short_front`, in any case.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the names there are.
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        Ok(by_name("stub", name, &STUBS)?)
    }

    const fn is_front(self) -> bool {
        matches!(self, Self::ShortFront | Self::LongFront)
    }
}

/// Where due dates move that are no business days.
#[derive(Clone, Copy, Debug)]
pub struct Adjustment<'a> {
    /// The rule.
    pub convention: BusinessDayConvention,
    /// The business days.
    pub calendar: &'a BusinessCalendar,
}

/// One period of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulePeriod {
    /// Its place, counted from 1.
    pub number: u32,
    /// Its first day: the schedule's start, or the end of the period before.
    pub start: NaiveDate,
    /// Its last day, as the frequency gives it, business day or not.
    pub end: NaiveDate,
    /// Its first day after adjustment: the schedule's start, or the due date before.
    pub adjusted_start: NaiveDate,
    /// When its payment is due: the end, moved to a business day.
    pub due: NaiveDate,
    /// Whether it is exactly one step of the frequency long.
    pub regular: bool,
}

impl SchedulePeriod {
    /// The dates between which interest runs: the adjusted ones where dates move before interest
    /// is calculated, the others where they move after.
    pub const fn accrual(&self, order: ShiftOrder) -> (NaiveDate, NaiveDate) {
        match order {
            ShiftOrder::ShiftThenCalculate => (self.adjusted_start, self.due),
            ShiftOrder::CalculateThenShift => (self.start, self.end),
        }
    }
}

/// What the periods of a schedule follow from.
///
/// Dates are counted from one date, the *seed*: the one given, else the first due date, else the
/// end for a stub at the front of a schedule with an end, else the start.
///
/// Two due dates may coincide after adjustment: of daily payments those of a weekend are due with
/// Monday's.
#[derive(Clone, Copy, Debug)]
pub struct PaymentDates<'a> {
    /// First day of the first period.
    pub start: NaiveDate,
    /// How often payment falls due.
    pub frequency: Frequency,
    /// How far the schedule goes.
    pub extent: Extent,
    /// End of the first period, if it does not follow from the rest. The dates after it are
    /// counted from the seed if there is one, else from it.
    pub first_due: Option<NaiveDate>,
    /// Where the dates are counted from, if neither from the start nor from the first due date:
    /// a loan of 12 March that is due on the 31st of every month has the seed 31 March.
    pub seed: Option<NaiveDate>,
    /// On which day of the month the dates fall.
    pub roll: RollRule,
    /// Where an odd period goes.
    pub stub: Stub,
    /// Where due dates move; `None` leaves them.
    pub adjustment: Option<Adjustment<'a>>,
}

impl PaymentDates<'_> {
    /// A schedule counted from its start on the seed's day, without stubs or adjustment.
    pub const fn new(start: NaiveDate, frequency: Frequency, extent: Extent) -> Self {
        Self {
            start,
            frequency,
            extent,
            first_due: None,
            seed: None,
            roll: RollRule::SameDay,
            stub: Stub::None,
            adjustment: None,
        }
    }
}
