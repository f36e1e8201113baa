//! Why there is no schedule.

use super::terms::Problem;
use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal};

/// Why there is no schedule, or no answer about one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The terms contradict themselves or a limit.
    #[error("the terms of the loan are not valid")]
    Terms(Vec<Problem>),
    /// An amount does not fit the exact arithmetic.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Refusal for ScheduleError {
    fn condition(&self) -> Condition {
        match self {
            Self::Terms(_) => Condition::InvalidParameter,
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
            Self::Arithmetic(error) => error.detail(),
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Terms(_) => Some("Correct each of the terms named.".into()),
            Self::Arithmetic(error) => error.hint(),
        }
    }
}
