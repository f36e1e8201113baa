//! Takes messages from the outbox, has them carried, and settles them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls};

use crate::config::{Config, ConfigError};
use crate::message::{Message, Outcome};
use crate::{Carrier, carrier};

/// The longest a sender waits without looking, whether the bell was rung or not. A listener is taken for
/// gone after a minute.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// Why sending stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the database: {}", said(.0))]
    Database(#[from] postgres::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("\"{0}\" is no name of a book")]
    Book(String),
}

/// What the server said, which its error keeps in its source.
fn said(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(fault) => format!("{} ({})", fault.message(), fault.code().code()),
        None => error.to_string(),
    }
}

/// How often messages are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Until nothing is due.
    Once,
    /// For ever.
    Always,
}

/// Sends what is due, once or for ever. Returns only when nothing is due, or with a fault.
///
/// # Errors
/// [`ServeError`] when the database or the configuration does not let it go on.
pub fn serve(config: &Config, round: Round) -> Result<(), ServeError> {
    let mut carriers = BTreeMap::new();
    for (channel, way) in &config.channels {
        let made = carrier(way, config.time_out()).map_err(|error| ConfigError::Channel {
            channel: channel.clone(),
            reason: error.to_string(),
        })?;
        carriers.insert(channel.clone(), made);
    }
    let mut desk = Desk::open(config)?;
    loop {
        let is_empty = desk.send_batch(config, &carriers)?;
        if is_empty && round == Round::Once {
            return Ok(());
        }
        if is_empty {
            desk.wait()?;
        }
    }
}

/// The book, as a sender sees it.
struct Desk {
    client: Client,
    book: String,
    name: String,
    channels: Vec<String>,
    attended: Instant,
}

impl Desk {
    fn open(config: &Config) -> Result<Self, ServeError> {
        if !config.book.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Err(ServeError::Book(config.book.clone()));
        }
        let mut desk = Self {
            client: Client::connect(&config.database, NoTls)?,
            book: format!("\"{}\"", config.book),
            name: config.name.clone(),
            channels: config.channels.keys().cloned().collect(),
            attended: Instant::now(),
        };
        let bell = desk.attend()?;
        desk.client.batch_execute(&format!("listen \"{}\"", bell.replace('"', "\"\"")))?;
        Ok(desk)
    }

    /// Says that somebody listens, and returns to what.
    fn attend(&mut self) -> Result<String, ServeError> {
        self.attended = Instant::now();
        let asking = format!("select {}.attend_outbox($1)", self.book);
        Ok(self.client.query_one(&asking, &[&self.name])?.get(0))
    }

    /// Sends what is due, up to a batch, and says whether nothing was.
    fn send_batch(
        &mut self,
        config: &Config,
        carriers: &BTreeMap<String, Box<dyn Carrier>>,
    ) -> Result<bool, ServeError> {
        if self.attended.elapsed() >= LOOK_AGAIN {
            self.attend()?;
        }
        let lease = Duration::from_secs(config.lease_seconds.into());
        let taken_at = Instant::now();
        let messages = self.take(config)?;
        for message in &messages {
            // What cannot be done within the lease is somebody else's by then.
            if taken_at.elapsed() + config.time_out() > lease {
                break;
            }
            if let Some(carrier) = carriers.get(&message.channel) {
                let outcome = carrier.carry(message);
                self.settle(message, &outcome)?;
            }
        }
        Ok(messages.is_empty())
    }

    fn take(&mut self, config: &Config) -> Result<Vec<Message>, ServeError> {
        let asking = format!(
            "select t.* from {}.take_messages($1, $2, $3::float8 * interval '1 second') as t",
            self.book
        );
        let batch = i32::try_from(config.batch).unwrap_or(i32::MAX);
        let lease = f64::from(config.lease_seconds);
        let rows = self.client.query(&asking, &[&self.channels, &batch, &lease])?;
        rows.iter()
            .map(|row| {
                Ok(Message {
                    key: row.try_get("id")?,
                    attempt: row.try_get("attempt")?,
                    channel: row.try_get("channel")?,
                    address: row.try_get("address")?,
                    topic: row.try_get("topic")?,
                    subject: row.try_get("subject")?,
                    body: row.try_get("body")?,
                    details: row.try_get("details")?,
                    legal_entity: row.try_get("legal_entity")?,
                })
            })
            .collect()
    }

    fn settle(&mut self, message: &Message, outcome: &Outcome) -> Result<(), ServeError> {
        match outcome {
            Outcome::Sent { reference } => {
                let telling = format!("select {}.confirm_message($1, $2, $3)", self.book);
                self.client.execute(&telling, &[&message.key, &message.attempt, reference])?;
            }
            Outcome::Failed { reason, retry_after } => {
                let seconds = retry_after.map(|wait| wait.as_secs_f64());
                self.fail(message, reason, false, seconds)?;
            }
            Outcome::Refused { reason } => self.fail(message, reason, true, None)?,
        }
        Ok(())
    }

    fn fail(
        &mut self,
        message: &Message,
        reason: &str,
        is_final: bool,
        seconds: Option<f64>,
    ) -> Result<(), ServeError> {
        let telling = format!(
            "select {}.fail_message($1, $2, $3, $4, $5::float8 * interval '1 second')",
            self.book
        );
        self.client
            .execute(&telling, &[&message.key, &message.attempt, &reason, &is_final, &seconds])?;
        Ok(())
    }

    /// Waits until the bell is rung, the next message is due, or it is time to look again.
    fn wait(&mut self) -> Result<(), ServeError> {
        let asking = format!("select {}.next_message_due($1)", self.book);
        let due: Option<SystemTime> = self.client.query_one(&asking, &[&self.channels])?.get(0);
        let until = due.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        let patience = until.unwrap_or(LOOK_AGAIN).clamp(Duration::from_millis(50), LOOK_AGAIN);
        let mut bell = self.client.notifications();
        if bell.timeout_iter(patience).next()?.is_some() {
            // One ring is as good as many.
            while bell.iter().next()?.is_some() {}
        }
        Ok(())
    }
}
