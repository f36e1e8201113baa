//! Why a list, or a row of it, is not read.

use crate::domain::error::{Condition, Refusal};

/// Why a row is no quote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A field that every row must have is not there, or empty.
    #[error("{field} is missing")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// There is neither bid nor ask nor mid.
    #[error("there is no price")]
    NoPrice,
    /// A field does not say what it should.
    #[error("{field}: \"{given}\" is no {wanted}")]
    Unfit {
        /// Which.
        field: &'static str,
        /// What it says, shortened.
        given: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A field is there twice, and who knows which holds.
    #[error("{field}: \"{name}\" is there twice")]
    Twice {
        /// Which.
        field: &'static str,
        /// Its name in the list.
        name: String,
    },
    /// The row has more or fewer fields than the header names.
    #[error("the row has {found} fields, the header {wanted}")]
    Width {
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// The row is not written in UTF-8.
    #[error("the row is not in UTF-8")]
    NotUtf8,
    /// A database cannot keep the row as it is: a letter of no text, a number out of all bounds, or lists
    /// within lists without end.
    #[error("the row cannot be kept as it is")]
    NotStorable,
}

impl Fault {
    pub(in crate::domain) fn unfit(field: &'static str, given: &str, wanted: &'static str) -> Self {
        Self::Unfit { field, given: given.chars().take(80).collect(), wanted }
    }
}

/// Why there are no rows to be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The format is none.
    #[error("the format of a price list cannot be read")]
    Format(String),
    /// The list is not written in UTF-8.
    #[error("the price list is not in UTF-8")]
    NotUtf8,
    /// The list is not JSON.
    #[error("the price list is not JSON")]
    NotJson {
        /// Where it ceases to be.
        line: usize,
        /// In which column of the line.
        column: usize,
    },
    /// Nothing is where the rows should be, or something else.
    #[error("there are no rows where the format says")]
    NoRows {
        /// Where they should be.
        place: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// The header does not name a column that the format asks for, or names it twice.
    #[error("the header does not fit the format")]
    Header {
        /// The column.
        column: String,
        /// How many of the name there are.
        found: usize,
    },
    /// There are more rows than are taken.
    #[error("the price list has too many rows")]
    TooMany,
}

impl ListError {
    /// The code a handler tells it by; that of a wrong argument for the format.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Format(_) => None,
            _ => Some("LN309"),
        }
    }
}

impl Refusal for ListError {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Format(reason) => Some(format!("The reason: {reason}.")),
            Self::NotUtf8 => None,
            Self::NotJson { line, column } => {
                Some(format!("It ceases to be in line {line}, column {column}."))
            }
            Self::NoRows { place, wanted } => {
                Some(format!("At \"{place}\" there should be {wanted}."))
            }
            Self::Header { column, found } => {
                Some(format!("The column \"{column}\" is there {found} times."))
            }
            Self::TooMany => Some(format!("There are more than {}.", super::ROWS_MAX)),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Format(_) => {
                    "A format is such as {\"type\": \"json\", \"rows\": \"/prices\", \"symbol\": \
                     \"/symbol\", \"mid\": \"/price\", \"currency\": {\"value\": \"USD\"}}."
                }
                Self::TooMany => "Ask the source for less at once.",
                _ => "Look at what the source sent, and mend the format or ask the source.",
            }
            .to_owned(),
        )
    }
}
