//! Why a figure of the market cannot be computed.

use crate::domain::error::{Condition, Refusal};

/// A refusal of price analytics.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MarketError {
    /// NaN or an infinity among the values.
    #[error("a value is not a finite number")]
    NotFinite(f64),
    /// A price of zero or less, of which there is neither a return nor a drawdown.
    #[error("a price must be greater than zero")]
    PriceNotPositive(f64),
    /// A parameter outside its bounds.
    #[error("{name} is out of its bounds")]
    OutOfBounds {
        /// The parameter, as it is named in a call.
        name: &'static str,
        /// What was given.
        given: String,
        /// What may be given, as in "greater than 0 and less than 1".
        bounds: &'static str,
    },
    /// A parameter that is not the same for all rows of a group.
    #[error("{name} is not the same for all rows")]
    Changed {
        /// The parameter.
        name: &'static str,
        /// What the first row said.
        first: String,
        /// What a later row says.
        later: String,
    },
    /// A parameter that must be given is NULL.
    #[error("{0} is NULL")]
    Missing(&'static str),
    /// Rows that must come in order of date do not.
    #[error("the rows are not in order of date")]
    OutOfOrder {
        /// Days by which a row goes back.
        back: i64,
    },
    /// More values than a calculation takes.
    #[error("there are too many values")]
    TooMany {
        /// How many it takes.
        most: usize,
    },
    /// Fewer values than a calculation needs.
    #[error("there are too few values")]
    TooFew {
        /// How many there are.
        given: usize,
        /// How many it needs.
        least: usize,
    },
    /// Values that do not vary, of whose variance there is no model.
    #[error("the values do not vary")]
    Constant,
    /// A result beyond double precision.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
}

impl Refusal for MarketError {
    fn condition(&self) -> Condition {
        match self {
            Self::NotFinite(_) | Self::OutOfRange(_) => Condition::NumericOutOfRange,
            Self::Missing(_) => Condition::NullNotAllowed,
            Self::Constant => Condition::NoSolution,
            _ => Condition::InvalidParameter,
        }
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NotFinite(value) if value.is_nan() => "The value is NaN.".into(),
            Self::NotFinite(value) if *value > 0.0 => "The value is Infinity.".into(),
            Self::NotFinite(_) => "The value is -Infinity.".into(),
            Self::PriceNotPositive(price) => format!("The price is {price}."),
            Self::OutOfBounds { name, given, .. } => format!("{name} is {given}."),
            Self::Changed { name, first, later } => {
                format!("{name} is {first} in the first row and {later} in a later one.")
            }
            Self::OutOfOrder { back } => {
                format!("A row is dated {back} days before the one it follows.")
            }
            Self::TooFew { given, .. } => format!("There are {given}."),
            Self::Missing(_) | Self::TooMany { .. } | Self::Constant | Self::OutOfRange(_) => {
                return None;
            }
        })
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFinite(_) => "Leave the value out, or give NULL, which is passed over.".into(),
            Self::PriceNotPositive(_) => {
                "Leave the price out, or measure differences in place of returns.".into()
            }
            Self::OutOfBounds { name, bounds, .. } => format!("Give {name} {bounds}."),
            Self::Changed { .. } => "Group by what it depends on.".into(),
            Self::Missing(_) => "Give a value, or leave it out where it has a default.".into(),
            Self::OutOfOrder { .. } => "Order the rows by date in the call.".into(),
            Self::TooMany { most } => format!("Give at most {most}."),
            Self::TooFew { least, .. } => format!("Give at least {least}."),
            Self::Constant => "Give returns of a price that moves.".into(),
            Self::OutOfRange(_) => "Give values nearer to 1, in other units.".into(),
        })
    }
}

/// A number, unless it is NaN or infinite.
#[inline]
pub fn finite(value: f64) -> Result<f64, MarketError> {
    if value.is_finite() { Ok(value) } else { Err(MarketError::NotFinite(value)) }
}

/// A result, unless double precision does not hold it.
pub(super) fn in_range(what: &'static str, value: f64) -> Result<f64, MarketError> {
    if value.is_finite() { Ok(value) } else { Err(MarketError::OutOfRange(what)) }
}

/// A price, if it is finite and greater than zero.
#[inline]
pub fn price(value: f64) -> Result<f64, MarketError> {
    let value = finite(value)?;
    if value > 0.0 { Ok(value) } else { Err(MarketError::PriceNotPositive(value)) }
}

/// A parameter, if it lies within its bounds.
pub(super) fn within(
    name: &'static str,
    given: f64,
    holds: bool,
    bounds: &'static str,
) -> Result<f64, MarketError> {
    if holds && given.is_finite() {
        Ok(given)
    } else {
        Err(MarketError::OutOfBounds { name, given: given.to_string(), bounds })
    }
}
