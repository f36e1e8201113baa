//! Why a contract cannot be evaluated.

use std::fmt;

use crate::domain::actus::time::ContractTime;
use crate::domain::calendar::CalendarError;
use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal};

/// One thing that is wrong with the contract or the observations, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the JSON, such as `arrayRate[2]` or `dataObserved.USD.SWP.data[0].timestamp`.
    pub path: String,
    /// What is wrong, as the end of a sentence that begins with the path.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.reason)
    }
}

/// Why the events of a contract cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActusError {
    /// The terms or the observations are not what the standard asks for.
    #[error("the ACTUS contract is not valid")]
    Invalid {
        /// All that is wrong, in the order found.
        problems: Vec<Problem>,
    },
    /// A rate, an index or an exchange rate that an event needs is not among the observations.
    #[error("no value of \"{code}\" was observed")]
    NotObserved {
        /// The market object's code.
        code: String,
        /// When its value is needed.
        time: ContractTime,
        /// The first observation there is.
        first: Option<ContractTime>,
    },
    /// No date of maturity follows from the terms.
    #[error("the contract never matures")]
    NeverMatures {
        /// Why, as a sentence.
        reason: String,
    },
    /// More events than one contract may have.
    #[error("the contract has too many events")]
    TooManyEvents {
        /// The most it may have.
        limit: usize,
    },
    /// A date or a day count.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// An amount.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for ActusError {
    fn condition(&self) -> Condition {
        match self {
            Self::Invalid { .. } | Self::TooManyEvents { .. } => Condition::InvalidParameter,
            Self::NotObserved { .. } => Condition::NullNotAllowed,
            Self::NeverMatures { .. } => Condition::NoSolution,
            Self::Calendar(error) => error.condition(),
            Self::Arithmetic(error) => error.condition(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Invalid { problems } => Some(
                problems.iter().map(|problem| format!("{problem}.")).collect::<Vec<_>>().join(" "),
            ),
            Self::NotObserved { time, first: Some(first), .. } => {
                Some(format!("It is needed at {time}; the first observation is at {first}."))
            }
            Self::NotObserved { time, first: None, .. } => {
                Some(format!("It is needed at {time}; there are no observations of it."))
            }
            Self::NeverMatures { reason } => Some(reason.clone()),
            Self::TooManyEvents { limit } => Some(format!("It may have {limit}.")),
            Self::Calendar(error) => error.detail(),
            Self::Arithmetic(error) => error.detail(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid { .. } => Some(
                "Correct each of the terms named; their names and values are those of the ACTUS \
                 dictionary."
                    .into(),
            ),
            Self::NotObserved { code, .. } => Some(format!(
                "Give the value under \"dataObserved\", \"{code}\", dated on or before that time."
            )),
            Self::NeverMatures { .. } => Some("Give maturityDate.".into()),
            Self::TooManyEvents { .. } => {
                Some("Choose longer cycles or an earlier maturityDate.".into())
            }
            Self::Calendar(error) => error.hint(),
            Self::Arithmetic(error) => error.hint(),
        }
    }
}
