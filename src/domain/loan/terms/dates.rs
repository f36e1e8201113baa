//! When instalments are due.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{
    BusinessCalendar, BusinessDayRule, CalendarError, RollRule, Weekend,
};

/// How due dates fall. Every due date is counted from the first one, never from the one before:
/// 31 January, 28 February, 31 March.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DueDates {
    /// On which day of the month they fall, and where if the month does not have it.
    pub roll: RollRule,
    /// Where a due date moves that is no business day, and whether interest is counted to the
    /// moved date (`following`, `following unadjusted`).
    pub business_day: BusinessDayRule,
    /// Days of the week without business; if not given, Saturday and Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekend: Option<Vec<Weekday>>,
    /// Days without business.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<NaiveDate>,
    /// All due dates, where they follow no frequency. They are not moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explicit: Vec<NaiveDate>,
}

impl DueDates {
    /// The days of business that the weekend and the holidays leave.
    ///
    /// # Errors
    /// [`CalendarError`] where no day of the week is left.
    pub fn calendar(&self) -> Result<BusinessCalendar, CalendarError> {
        let weekend = match &self.weekend {
            Some(days) => Weekend::of(days),
            None => Weekend::SATURDAY_SUNDAY,
        };
        BusinessCalendar::new(weekend, self.holidays.iter().copied())
    }
}
