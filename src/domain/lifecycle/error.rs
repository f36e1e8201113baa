//! What is refused.

use crate::domain::error::{Condition, Refusal};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// A number that must lie within bounds does not.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What it is.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// A cron expression that is none.
    #[error("\"{given}\" is no cron expression")]
    Pattern {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A time zone that is not known.
    #[error("unknown time zone: \"{0}\"")]
    Zone(String),
}

impl Refusal for LifecycleError {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::OutOfRange { given, .. } => Some(format!("Given: {given}.")),
            Self::Pattern { reason, .. } => Some(reason.clone()),
            Self::Zone(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::OutOfRange { .. } => {
                    "Delays, rates and periods are positive and finite; chance lies from 0 to 1."
                }
                Self::Pattern { .. } => {
                    "Write minute, hour, day of month, month and day of week, such as 30 6 * * MON-FRI."
                }
                Self::Zone(_) => "Name one of the IANA time zones, such as Europe/Berlin or UTC.",
            }
            .to_owned(),
        )
    }
}
