//! Why an operation is not taken.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::standing::LoanStatus;
use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal};
use crate::domain::loan::ScheduleError;
use crate::domain::loan::terms::Problem;

/// Why an operation is not taken. The loan is as it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ServicingError {
    /// The terms contradict themselves or a limit.
    #[error("the terms of the loan are not valid")]
    Terms(Vec<Problem>),
    /// A document is not what it should be: an operation, a state, a path.
    #[error("a document cannot be read")]
    Unreadable(Problem),
    /// Nothing was lent yet on that day.
    #[error("the operation is before the first disbursement")]
    BeforeDisbursement {
        /// The day of the operation.
        on: NaiveDate,
    },
    /// The loan is not in a state that allows it.
    #[error("the loan is in a state that does not allow the operation")]
    WrongState {
        /// The state.
        status: LoanStatus,
        /// What was asked.
        operation: String,
    },
    /// Amounts in another currency than the loan's.
    #[error("the operation is in another currency than the loan")]
    WrongCurrency {
        /// What was given.
        given: String,
        /// The loan's.
        expected: String,
    },
    /// More than the terms or the balances allow.
    #[error("the amount is more than allowed")]
    TooMuch {
        /// What was given.
        amount: Decimal,
        /// The most.
        most: Decimal,
    },
    /// An amount that is not one: not positive, or not whole minor units.
    #[error("the amount is not one")]
    BadAmount {
        /// What was given.
        amount: Decimal,
    },
    /// An operation of that name was taken already.
    #[error("an operation of this name was taken already")]
    Duplicate {
        /// The name.
        id: String,
    },
    /// A name nothing was recorded under, or nothing that fits.
    #[error("there is no such operation to refer to")]
    NoSuchReference {
        /// The name.
        id: String,
    },
    /// A day outside what is allowed.
    #[error("the date is not allowed")]
    BadDate {
        /// The day.
        on: NaiveDate,
        /// Why, as a sentence.
        reason: String,
    },
    /// The terms do not provide for it.
    #[error("the terms of the loan do not provide for the operation")]
    NotProvided {
        /// Why, as a sentence.
        reason: String,
    },
    /// It would have to look at history that was left out of the state.
    #[error("the operation needs the loan's history")]
    NeedsHistory,
    /// One of several operations is not taken.
    #[error("{why}")]
    InList {
        /// Its place in the list, counted from zero.
        at: usize,
        /// Why.
        why: Box<ServicingError>,
    },
    /// The schedule cannot be computed.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// An amount does not fit the exact arithmetic.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl ServicingError {
    /// Whether all that is missing is what was recorded before.
    pub fn needs_history(&self) -> bool {
        match self {
            Self::NeedsHistory => true,
            Self::InList { why, .. } => why.needs_history(),
            _ => false,
        }
    }

    /// The code of the refusal: class LN for what only a lender refuses, else the standard's.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::BeforeDisbursement { .. } => Some("LN101"),
            Self::WrongState { .. } => Some("LN102"),
            Self::WrongCurrency { .. } => Some("LN103"),
            Self::TooMuch { .. } => Some("LN104"),
            Self::BadAmount { .. } => Some("LN105"),
            Self::Duplicate { .. } => Some("LN106"),
            Self::NoSuchReference { .. } => Some("LN107"),
            Self::BadDate { .. } => Some("LN108"),
            Self::NotProvided { .. } => Some("LN109"),
            Self::NeedsHistory => Some("LN110"),
            Self::InList { why, .. } => why.code(),
            Self::Terms(_) | Self::Unreadable(_) | Self::Schedule(_) | Self::Arithmetic(_) => None,
        }
    }
}

impl Refusal for ServicingError {
    fn condition(&self) -> Condition {
        match self {
            Self::InList { why, .. } => why.condition(),
            Self::Schedule(error) => error.condition(),
            Self::Arithmetic(error) => error.condition(),
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::Terms(problems) => listed(problems),
            Self::Unreadable(problem) => listed(std::slice::from_ref(problem)),
            Self::BeforeDisbursement { on } => format!("The day is {on}."),
            Self::WrongState { status, operation } => {
                format!("The loan is {}; asked was to {operation}.", status.name())
            }
            Self::WrongCurrency { given, expected } => {
                format!("The operation is in {given}, the loan in {expected}.")
            }
            Self::TooMuch { amount, most } => {
                format!("The amount is {amount}, the most is {most}.")
            }
            Self::BadAmount { amount } => format!("The amount is {amount}."),
            Self::Duplicate { id } | Self::NoSuchReference { id } => {
                format!("The name is \"{}\".", shortened(id))
            }
            Self::BadDate { on, reason } => format!("The day is {on}. {reason}"),
            Self::NotProvided { reason } => reason.clone(),
            Self::NeedsHistory => "The state holds what follows from the operations recorded so \
                                   far, and not those operations."
                .into(),
            Self::InList { at, why } => {
                let named = format!("The operation is operations[{at}].");
                match why.detail() {
                    Some(detail) => format!("{named} {detail}"),
                    None => named,
                }
            }
            Self::Schedule(error) => return error.detail(),
            Self::Arithmetic(error) => return error.detail(),
        })
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Terms(_) => "Correct each of the terms named.",
            Self::Unreadable(_) => {
                "Correct what is named; the guide to the fold says what there is."
            }
            Self::BeforeDisbursement { .. } => {
                "Give a day on or after that of the first disbursement, or record that first."
            }
            Self::WrongState { .. } => "Record first what brings the loan into a fitting state.",
            Self::WrongCurrency { .. } => "Convert the amount, or leave the currency out.",
            Self::TooMuch { .. } => "Give an amount up to the most.",
            Self::BadAmount { .. } => "Give a positive amount of whole minor units.",
            Self::Duplicate { .. } => "Give each operation a name of its own, or none.",
            Self::NoSuchReference { .. } => {
                "Name an operation recorded before this one, that fits and was not undone."
            }
            Self::BadDate { .. } => "Give a day that is allowed.",
            Self::NotProvided { .. } => "Agree on it in the terms, or leave the operation out.",
            Self::NeedsHistory => "Give the terms and everything recorded in place of the state.",
            Self::InList { why, .. } => return why.hint(),
            Self::Schedule(error) => return error.hint(),
            Self::Arithmetic(error) => return error.hint(),
        };
        Some(hint.into())
    }
}

/// Problems as sentences, each with its path.
fn listed(problems: &[Problem]) -> String {
    let sentence = |problem: &Problem| format!("{}: {}.", problem.path, problem.message);
    problems.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// A name as it is repeated to whoever gave it.
fn shortened(name: &str) -> String {
    name.chars().take(80).collect()
}
