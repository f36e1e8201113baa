//! What every refusal can say of itself.

use std::fmt;

/// The kind of a refusal, each a condition of the SQL standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// An argument is not one the function takes (SQLSTATE 22023).
    InvalidParameter,
    /// A number does not fit the exact arithmetic (SQLSTATE 22003).
    NumericOutOfRange,
    /// A date does not fit the calendar (SQLSTATE 22008).
    DatetimeOverflow,
    /// A divisor is zero (SQLSTATE 22012).
    DivisionByZero,
    /// A value that must be given is NULL (SQLSTATE 22004).
    NullNotAllowed,
    /// The question has no answer: no rate solves it, the loan never amortises (SQLSTATE 22023).
    NoSolution,
}

/// A refusal: the lower-case message is its `Display`, the rest is for the person who must mend
/// the call.
pub trait Refusal: fmt::Display + fmt::Debug {
    /// The kind, from which the SQLSTATE follows.
    fn condition(&self) -> Condition;
    /// The offending values, as a sentence.
    fn detail(&self) -> Option<String> {
        None
    }
    /// The next step, as a sentence.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// A name that no table of this library holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind}: \"{given}\"")]
pub struct UnknownName {
    /// What was to be named, as in "rounding mode".
    pub kind: &'static str,
    /// What was given.
    pub given: String,
    /// The names there are, in the order of the documentation.
    pub known: Vec<&'static str>,
}

impl Refusal for UnknownName {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }
    fn hint(&self) -> Option<String> {
        Some(format!("Known names: {}.", self.known.join(", ")))
    }
}

/// Looks a name up in a table of (name, value), ignoring case and surrounding blanks.
///
/// # Errors
/// [`UnknownName`] with all known names.
pub fn by_name<T: Copy>(
    kind: &'static str,
    given: &str,
    table: &[(&'static str, T)],
) -> Result<T, UnknownName> {
    let wanted = given.trim();
    table
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|&(_, value)| value)
        .ok_or_else(|| UnknownName {
            kind,
            given: given.chars().take(80).collect(),
            known: table.iter().map(|&(name, _)| name).collect(),
        })
}
