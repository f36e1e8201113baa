//! Why a question about collateral has no answer.

use rust_decimal::Decimal;

use crate::domain::decimal::ArithmeticError;
use crate::domain::error::{Condition, Refusal, UnknownName};

/// A refusal of this module.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CollateralError {
    /// A number does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
    /// A unit of weight that is not known.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A mark of purity that cannot be read.
    #[error("unknown purity: \"{0}\"")]
    Purity(String),
    /// A number that must be above zero.
    #[error("{what} is not above zero")]
    NotPositive {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: Decimal,
    },
    /// A number that must not be below zero.
    #[error("{what} is below zero")]
    Negative {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: Decimal,
    },
    /// A number that must lie from 0 to 1, 1 left out.
    #[error("{what} is not a fraction")]
    NotAFraction {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: Decimal,
    },
    /// Levels that do not rise, or of which the hysteresis leaves nothing.
    #[error("the levels of a loan-to-value ratio do not rise")]
    Levels(String),
    /// An amount beyond the last tier.
    #[error("no tier is of this amount")]
    NoTier(Decimal),
    /// Lists that belong together and are not of one length.
    #[error("lists that belong together differ in length")]
    Lengths(usize, usize),
    /// A curve without points, or whose ages do not rise.
    #[error("the curve of depreciation cannot be followed")]
    Curve(String),
    /// Too few prices for the quantile that is asked for.
    #[error("there are too few prices")]
    TooFewPrices {
        /// Losses that could be told.
        losses: usize,
        /// Losses that are needed.
        needed: usize,
    },
    /// A price that is not a positive number.
    #[error("a price is not a positive number")]
    BadPrice(String),
    /// An expression that cannot be read.
    #[error("the expression cannot be read")]
    Expression {
        /// The place of the fault, in characters from 1.
        place: usize,
        /// What is wrong there.
        why: String,
    },
    /// A name of an expression that was given no value.
    #[error("\"{0}\" has no value")]
    NoValue(String),
    /// A horizon of no days, or a confidence that is none.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: String,
    },
}

impl Refusal for CollateralError {
    fn condition(&self) -> Condition {
        match self {
            Self::Arithmetic(error) => error.condition(),
            Self::TooFewPrices { .. } => Condition::NoSolution,
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Arithmetic(error) => error.detail(),
            Self::Unknown(error) => error.detail(),
            Self::Purity(_) | Self::NoValue(_) => None,
            Self::Expression { place, why } => Some(format!("At character {place}: {why}.")),
            Self::NotPositive { value, .. }
            | Self::Negative { value, .. }
            | Self::NotAFraction { value, .. } => Some(format!("It is {value}.")),
            Self::Levels(why) | Self::Curve(why) => Some(why.clone()),
            Self::NoTier(amount) => Some(format!("It is {amount}.")),
            Self::Lengths(one, other) => Some(format!("They have {one} and {other} elements.")),
            Self::TooFewPrices { losses, needed } => {
                Some(format!("They tell {losses} losses; {needed} are needed."))
            }
            Self::BadPrice(value) | Self::OutOfRange { value, .. } => {
                Some(format!("It is {value}."))
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Arithmetic(error) => error.hint(),
            Self::Unknown(error) => error.hint(),
            Self::Purity(_) => Some(
                "Give karats such as 22K, parts per thousand such as 916, or a fraction such as \
                 0.916 or 22/24."
                    .into(),
            ),
            Self::NotPositive { .. } => Some("Give a number above zero.".into()),
            Self::Negative { .. } => Some("Give zero or more.".into()),
            Self::NotAFraction { .. } => {
                Some("Give a fraction from 0 to less than 1: 0.1 is 10 %.".into())
            }
            Self::Levels(_) => Some(
                "Give levels from the lowest to the highest, each above the hysteresis.".into(),
            ),
            Self::NoTier(_) => Some("Leave the last tier without end.".into()),
            Self::Lengths(..) => Some("Give as many of one as of the other.".into()),
            Self::Curve(_) => {
                Some("Give points from the youngest to the oldest, each with what is left.".into())
            }
            Self::TooFewPrices { .. } => {
                Some("Give more prices, a lower confidence or a shorter horizon.".into())
            }
            Self::Expression { .. } => Some(
                "Use numbers, lower-case names, + - * /, parentheses, min(a, b) and max(a, b); \
                 the price neither multiplied nor divided by itself nor compared."
                    .into(),
            ),
            Self::NoValue(_) => Some("Give it, or take it out of the expression.".into()),
            Self::BadPrice(_) => Some("Give finite prices above zero.".into()),
            Self::OutOfRange { .. } => {
                Some("Give a horizon of at least one day and a confidence between 0 and 1.".into())
            }
        }
    }
}
