//! Why a provider cannot be understood at all.

use crate::domain::error::{Condition, Refusal};

/// A scheme, a mapping or a secret that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// How a provider signs cannot be read.
    #[error("the signature scheme cannot be read")]
    Scheme(String),
    /// Where an event says what cannot be read.
    #[error("the mapping cannot be read")]
    Mapping(String),
    /// A secret is not what the scheme says it is.
    #[error("line {0} of the secret is not of its form")]
    Secret(usize),
    /// There is no secret.
    #[error("the secret is empty")]
    NoSecret,
}

impl Refusal for IntakeError {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Scheme(reason) | Self::Mapping(reason) => Some(format!("The reason: {reason}.")),
            Self::Secret(_) | Self::NoSecret => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Scheme(_) => {
                    "A scheme is such as {\"signature\": {\"header\": \"x-signature\", \"before\": \
                     \"sha256=\"}, \"signed\": \"{body}\"}."
                }
                Self::Mapping(_) => {
                    "A mapping is such as {\"event_id\": \"/id\", \"reference\": \"/data/id\", \
                     \"amount\": \"/data/amount\", \"loan_no\": \"/data/loan\"}."
                }
                Self::Secret(_) | Self::NoSecret => {
                    "A line of the file is one secret, written as secret_encoding of the scheme says."
                }
            }
            .to_owned(),
        )
    }
}
