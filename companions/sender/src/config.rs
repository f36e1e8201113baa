//! Where the book is, and what carries each channel: a file of JSON.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

/// Why a sender cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path} is not a configuration: {source}")]
    Invalid { path: String, source: serde_json::Error },
    #[error("channel {channel}: {reason}")]
    Channel { channel: String, reason: String },
    #[error("{0}")]
    Way(String),
}

/// What a sender is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The database, as libpq writes it: `host=/run/postgresql dbname=bank user=sender`.
    pub database: String,
    /// The schema of the book.
    #[serde(default = "lending")]
    pub book: String,
    /// What the sender calls itself.
    #[serde(default = "sender")]
    pub name: String,
    /// What carries each channel; channels that are not named are left to others.
    pub channels: BTreeMap<String, Way>,
    /// How long a message is this sender's own.
    #[serde(default = "two_minutes")]
    pub lease_seconds: u32,
    /// How long one attempt may take.
    #[serde(default = "ten_seconds")]
    pub time_out_seconds: u32,
    /// How many messages are taken at once.
    #[serde(default = "twenty")]
    pub batch: u32,
}

/// What carries a channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Way {
    /// A relay, such as `smtps://user:password@mail.example`, and who writes.
    Smtp { smtp: String, from: String },
    /// An endpoint that takes a POST of JSON, with what headers it asks for.
    Http {
        http: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
}

fn lending() -> String {
    "lending".to_owned()
}

fn sender() -> String {
    "loan-sender".to_owned()
}

fn two_minutes() -> u32 {
    120
}

fn ten_seconds() -> u32 {
    10
}

fn twenty() -> u32 {
    20
}

impl Config {
    /// Reads a configuration from a file.
    ///
    /// # Errors
    /// [`ConfigError`] when there is no such file or it does not say what it should.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let said = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: said.clone(), source })?;
        let config: Self = serde_json::from_str(&text)
            .map_err(|source| ConfigError::Invalid { path: said, source })?;
        if config.time_out_seconds == 0 || config.lease_seconds < 2 * config.time_out_seconds {
            return Err(ConfigError::Way(
                "lease_seconds must be at least twice time_out_seconds, and that above 0"
                    .to_owned(),
            ));
        }
        Ok(config)
    }

    /// How long one attempt may take.
    pub fn time_out(&self) -> Duration {
        Duration::from_secs(self.time_out_seconds.into())
    }
}
