//! Why nothing was fetched.
//!
//! No text here holds more of a URL than scheme, host and port: the rest may hold what nobody else is
//! to read.

use crate::domain::error::{Condition, Refusal};

/// Why a fetch came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The place is not among those that may be asked.
    #[error("the host is not allowed")]
    NotAllowed {
        /// The place, as it would be written in the setting.
        place: String,
    },
    /// The name stands for addresses that are not public, and not among the networks allowed.
    #[error("the address of the host is not public")]
    PrivateAddress {
        /// The place asked for.
        place: String,
        /// One of its addresses.
        address: String,
    },
    /// The place cannot be reached, or the connection broke.
    #[error("the host cannot be reached")]
    Unreachable {
        /// The place asked for.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// The place cannot prove that it is what it says it is.
    #[error("the host cannot be trusted")]
    Untrusted {
        /// The place asked for.
        place: String,
        /// What is wrong with its certificate or its side of the encryption.
        reason: String,
    },
    /// It took longer than was allowed, with everything that belongs to it.
    #[error("the answer took too long")]
    TimedOut {
        /// The place asked last.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The answer is larger than was allowed.
    #[error("the answer is too large")]
    TooLarge {
        /// The place asked.
        place: String,
        /// The most bytes allowed.
        most: usize,
    },
    /// A redirection leads nowhere.
    #[error("the redirection is not followed")]
    Redirection {
        /// The place that redirects.
        place: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// What came is no answer.
    #[error("the answer cannot be understood")]
    Unreadable {
        /// The place asked.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The credential cannot be had, or is not for this place.
    #[error("the credential cannot be used")]
    Credential {
        /// The name it goes by, never what it holds.
        reference: String,
        /// What is wrong.
        reason: String,
    },
    /// The thread could not be started, or ended without an answer.
    #[error("the fetch could not be made")]
    NotMade {
        /// What the system says.
        reason: String,
    },
}

impl Failure {
    /// The code a handler tells failures apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } | Self::PrivateAddress { .. } => "LN301",
            Self::Unreachable { .. } | Self::NotMade { .. } => "LN302",
            Self::Untrusted { .. } => "LN303",
            Self::TimedOut { .. } => "LN304",
            Self::TooLarge { .. } => "LN305",
            Self::Redirection { .. } => "LN306",
            Self::Unreadable { .. } => "LN307",
            Self::Credential { .. } => "LN308",
        }
    }
}

impl Refusal for Failure {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NotAllowed { place } => format!("The host is {place}."),
            Self::PrivateAddress { place, address } => {
                format!("The host is {place}, its address {address}.")
            }
            Self::Unreachable { place, reason }
            | Self::Untrusted { place, reason }
            | Self::Unreadable { place, reason } => {
                format!("The host is {place}, the reason: {reason}.")
            }
            Self::TimedOut { place, seconds } => {
                format!("The host is {place}, the time-out {seconds} s.")
            }
            Self::TooLarge { place, most } => {
                format!("The host is {place}, the most that is taken are {most} bytes.")
            }
            Self::Redirection { place, reason } => {
                format!("The host is {place}, the reason: {reason}.")
            }
            Self::Credential { reference, reason } => {
                format!("The credential is \"{reference}\", the reason: {reason}.")
            }
            Self::NotMade { reason } => format!("The reason: {reason}."),
        })
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAllowed { .. } => {
                "A superuser lists hosts that may be asked in the setting loan_engine.fetch_hosts."
            }
            Self::PrivateAddress { .. } => {
                "A superuser lists networks that are not public and may be reached in the setting \
                 loan_engine.fetch_networks."
            }
            Self::Unreachable { .. } | Self::NotMade { .. } => {
                "Try again later; if it stays so, look at the name, the port and the way there."
            }
            Self::Untrusted { .. } => {
                "The host must mend its certificate; one of your own is trusted through \
                 loan_engine.fetch_ca_file."
            }
            Self::TimedOut { .. } => "Try again later, or allow more time.",
            Self::TooLarge { .. } => "Ask for less, or allow more bytes.",
            Self::Redirection { .. } => "Give the address that the host sends one to.",
            Self::Unreadable { .. } => "Ask the host's keeper what it is meant to answer.",
            Self::Credential { .. } => {
                "A credential is a file in the folder that a superuser names in \
                 loan_engine.fetch_credentials, with the hosts that it is for."
            }
        };
        Some(hint.to_owned())
    }
}
