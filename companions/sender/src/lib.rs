//! Sends what a book has in its outbox.
//!
//! A message is taken by one transaction, sent, and settled by another. Whatever dies in between, it is due
//! again when its lease has run out, and is sent again with the same key: at least once, and known as one.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod config;
mod http;
mod message;
mod serve;
mod smtp;

pub use config::{Config, ConfigError, Way};
pub use message::{Message, Outcome};
pub use serve::{Round, ServeError, serve};

use std::time::Duration;

/// What carries messages of one channel.
pub trait Carrier {
    /// Sends a message; whatever went wrong is said by the outcome.
    fn carry(&self, message: &Message) -> Outcome;
}

/// Makes the carrier of a channel.
///
/// # Errors
/// [`ConfigError`] when what is configured cannot carry anything.
pub fn carrier(way: &Way, time_out: Duration) -> Result<Box<dyn Carrier>, ConfigError> {
    Ok(match way {
        Way::Smtp { smtp, from } => Box::new(smtp::Relay::new(smtp, from, time_out)?),
        Way::Http { http, headers } => Box::new(http::Endpoint::new(http, headers, time_out)?),
    })
}
