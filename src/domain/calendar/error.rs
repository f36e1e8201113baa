//! Why a calendar question is refused.

use chrono::NaiveDate;

use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal, UnknownName};
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// Why a date, a year fraction or a series of payment dates cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A name that no table here holds.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// A date before or after the years the library takes.
    #[error("a date is out of range")]
    OutOfRange {
        /// The year the date would have.
        year: i64,
    },
    /// A day count needs to know more than two dates.
    #[error("the day count {convention} needs {missing}")]
    MissingContext {
        /// The day count.
        convention: &'static str,
        /// What it must be told, as in "the coupon frequency".
        missing: &'static str,
    },
    /// What a day count was told of the schedule contradicts itself.
    #[error("the day count {convention} cannot use this schedule")]
    BadContext {
        /// The day count.
        convention: &'static str,
        /// What is wrong, as a sentence.
        reason: &'static str,
    },
    /// A calendar without a single day of work in the week.
    #[error("a calendar needs at least one business day a week")]
    NoBusinessDay,
    /// A date for which the calendar has no holidays.
    #[error("a date is outside the calendar's horizon")]
    OutsideHorizon {
        /// The date.
        date: NaiveDate,
        /// First date whose holidays are known.
        first: NaiveDate,
        /// Last date whose holidays are known.
        last: NaiveDate,
    },
    /// A period of no or negative length.
    #[error("{what} must be later than the start")]
    NotAfterStart {
        /// Which date, as in "the end".
        what: &'static str,
        /// The start.
        start: NaiveDate,
        /// The date.
        date: NaiveDate,
    },
    /// A count of days, weeks, months or periods outside its bounds.
    #[error("{what} is out of bounds")]
    CountOutOfBounds {
        /// What is counted, as in "the number of periods".
        what: &'static str,
        /// The count.
        count: i64,
        /// Its largest value; the smallest is 1.
        max: i64,
    },
    /// The dates do not divide into whole periods and no stub was allowed.
    #[error("the dates do not divide into whole periods")]
    NotWholePeriods {
        /// The last regular date before the end.
        regular: NaiveDate,
        /// The end.
        end: NaiveDate,
    },
    /// Two of the arguments of a schedule exclude each other.
    #[error("the arguments of the schedule contradict each other")]
    Contradiction {
        /// Which, as a sentence.
        reason: &'static str,
    },
    /// A number does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for CalendarError {
    fn condition(&self) -> Condition {
        match self {
            Self::Name(error) => error.condition(),
            Self::Arithmetic(error) => error.condition(),
            Self::OutOfRange { .. } => Condition::DatetimeOverflow,
            Self::MissingContext { .. } => Condition::NullNotAllowed,
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.detail(),
            Self::Arithmetic(error) => error.detail(),
            Self::OutOfRange { year } => Some(format!(
                "The year would be {year}; dates run from year {YEAR_MIN} to year {YEAR_MAX}."
            )),
            Self::BadContext { reason, .. } | Self::Contradiction { reason } => {
                Some((*reason).to_owned())
            }
            Self::OutsideHorizon { date, first, last } => {
                Some(format!("The date is {date}; holidays are known from {first} to {last}."))
            }
            Self::NotAfterStart { start, date, .. } => {
                Some(format!("The start is {start}, the date is {date}."))
            }
            Self::CountOutOfBounds { count, max, .. } => {
                Some(format!("The count is {count}; it may be from 1 to {max}."))
            }
            Self::NotWholePeriods { regular, end } => {
                Some(format!("The last regular date is {regular}, the end is {end}."))
            }
            Self::MissingContext { .. } | Self::NoBusinessDay => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.hint(),
            Self::Arithmetic(error) => error.hint(),
            Self::MissingContext { missing, .. } => Some(format!("Give {missing}.")),
            Self::NoBusinessDay => Some("Leave at least one weekday out of the weekend.".into()),
            Self::OutsideHorizon { .. } => {
                Some("Add the holidays of the missing years to the calendar.".into())
            }
            Self::NotWholePeriods { .. } => {
                Some("Choose a stub (short or long, front or back) or another end.".into())
            }
            Self::OutOfRange { .. } => Some("Choose an earlier start or fewer periods.".into()),
            Self::BadContext { .. } | Self::Contradiction { .. } => {
                Some("Correct one of the arguments named.".into())
            }
            Self::NotAfterStart { what, .. } => Some(format!("Give {what} after the start.")),
            Self::CountOutOfBounds { max, .. } => {
                Some(format!("Give a whole number from 1 to {max}."))
            }
        }
    }
}
