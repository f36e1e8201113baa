//! What is sent, and what comes of it.

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

/// A message as the outbox gives it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same with every attempt.
    pub key: Uuid,
    /// The number of the attempt.
    pub attempt: i32,
    /// By which way.
    pub channel: String,
    /// Where to.
    pub address: String,
    /// What it is about.
    pub topic: Option<String>,
    /// Its heading.
    pub subject: Option<String>,
    /// Its text.
    pub body: String,
    /// What a program that receives it is told besides.
    pub details: Value,
    /// The code of who writes.
    pub legal_entity: String,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken over, under this name.
    Sent { reference: Option<String> },
    /// It was not, and may be later.
    Failed { reason: String, retry_after: Option<Duration> },
    /// It never will be.
    Refused { reason: String },
}
