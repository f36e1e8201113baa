//! Why no pay cycle can be told.

use crate::domain::calendar::CalendarError;
use crate::domain::error::{Condition, Refusal};

/// Most days one inference takes: somebody paid every day for a quarter of a century.
pub const DAYS_MAX: usize = 10_000;
/// Most days from the first to the last of them: fifty years.
pub const SPAN_MAX: i32 = 18_263;

/// A refusal of the inference.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PayCycleError {
    /// A text that is no cycle.
    #[error("unknown pay cycle: \"{0}\"")]
    UnknownCycle(String),
    /// Amounts that do not belong to the days one by one.
    #[error("there are {amounts} amounts for {days} days")]
    AmountsDiffer {
        /// How many days were given.
        days: usize,
        /// How many amounts.
        amounts: usize,
    },
    /// More days than an inference takes.
    #[error("there are too many pay days")]
    TooMany(usize),
    /// Days too far apart.
    #[error("the pay days span too long a time")]
    TooLong(i32),
    /// What is known beforehand cannot be read.
    #[error("the prior cannot be read")]
    BadPrior(String),
    /// A date or calendar is refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

impl Refusal for PayCycleError {
    fn condition(&self) -> Condition {
        match self {
            Self::Calendar(error) => error.condition(),
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Calendar(error) => error.detail(),
            Self::TooMany(days) => Some(format!("There are {days}; {DAYS_MAX} are taken.")),
            Self::TooLong(days) => Some(format!("They span {days} days; {SPAN_MAX} are taken.")),
            Self::BadPrior(reason) => Some(format!("The reason is: {reason}.")),
            Self::UnknownCycle(_) | Self::AmountsDiffer { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Calendar(error) => error.hint(),
            Self::UnknownCycle(_) => Some(
                "Give one as pay_cycle tells it, such as \"biweekly 2000-01-07 preceding\" or \
                 \"monthly 15 following\"."
                    .into(),
            ),
            Self::AmountsDiffer { .. } => Some("Give one amount for each day, or none.".into()),
            Self::TooMany(_) | Self::TooLong(_) => Some("Give the latest days alone.".into()),
            Self::BadPrior(_) => Some(
                "Give {\"kinds\": {kind: share}, \"cycles\": {cycle: people}, \"rolls\": \
                 {roll: times}, \"gaps\": [days]}, each of which may be left out."
                    .into(),
            ),
        }
    }
}
