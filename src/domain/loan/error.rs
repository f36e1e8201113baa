//! Why there is no schedule.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::terms::Problem;
use crate::domain::calendar::CalendarError;
use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal};
use crate::domain::money::MultipleError;

/// Why there is no schedule, or no answer about one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The terms contradict themselves or a limit.
    #[error("the terms of the loan are not valid")]
    Terms(Vec<Problem>),
    /// An agreed instalment is smaller than the interest of its period.
    #[error("an instalment does not cover its interest")]
    InterestNotCovered {
        /// Which instalment.
        number: u32,
        /// What is paid.
        instalment: Decimal,
        /// What interest is due.
        interest: Decimal,
    },
    /// A day that lies outside the term of the loan.
    #[error("a date lies outside the term of the loan")]
    OutsideTerm {
        /// The day.
        date: NaiveDate,
        /// The start of the first period.
        start: NaiveDate,
        /// The last due date.
        end: NaiveDate,
    },
    /// No period ends on a day named as a due date.
    #[error("no instalment is due on this date")]
    NoInstalmentDue {
        /// The day.
        date: NaiveDate,
    },
    /// A question that no schedule answers.
    #[error("there is no such loan")]
    NoSolution {
        /// Why, as a sentence.
        reason: String,
    },
    /// A date does not fit the calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// A multiple cannot be rounded to.
    #[error(transparent)]
    Multiple(#[from] MultipleError),
    /// An amount does not fit the exact arithmetic.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for ScheduleError {
    fn condition(&self) -> Condition {
        match self {
            Self::Terms(_)
            | Self::InterestNotCovered { .. }
            | Self::OutsideTerm { .. }
            | Self::NoInstalmentDue { .. } => Condition::InvalidParameter,
            Self::NoSolution { .. } => Condition::NoSolution,
            Self::Calendar(error) => error.condition(),
            Self::Multiple(error) => error.condition(),
            Self::Arithmetic(error) => error.condition(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Terms(problems) => Some(
                problems
                    .iter()
                    .map(|problem| format!("{}: {}.", problem.path, problem.message))
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            Self::InterestNotCovered { number, instalment, interest } => Some(format!(
                "Instalment {number} is {instalment}; the interest due with it is {interest}."
            )),
            Self::OutsideTerm { date, start, end } => {
                Some(format!("The date is {date}; the loan runs from {start} to {end}."))
            }
            Self::NoInstalmentDue { date } => Some(format!("The date is {date}.")),
            Self::NoSolution { reason } => Some(reason.clone()),
            Self::Calendar(error) => error.detail(),
            Self::Multiple(error) => error.detail(),
            Self::Arithmetic(error) => error.detail(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Terms(_) => Some("Correct each of the terms named.".into()),
            Self::InterestNotCovered { .. } => Some(
                "Give a larger instalment, or say with negative_amortisation whether the rest is \
                 capitalised or deferred."
                    .into(),
            ),
            Self::OutsideTerm { .. } => Some("Give a date within the term.".into()),
            Self::NoInstalmentDue { .. } => Some("Give one of the due dates of the loan.".into()),
            Self::NoSolution { .. } => Some("Change the amount, the term or the rate.".into()),
            Self::Calendar(error) => error.hint(),
            Self::Multiple(error) => error.hint(),
            Self::Arithmetic(error) => error.hint(),
        }
    }
}
