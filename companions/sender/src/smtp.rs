//! Electronic mail, handed to a relay.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message as Mail};
use lettre::{SmtpTransport, Transport};

use crate::{Carrier, ConfigError, Message, Outcome};

pub struct Relay {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Relay {
    pub fn new(url: &str, from: &str, time_out: Duration) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError::Way(reason);
        let transport = SmtpTransport::from_url(url)
            .map_err(|error| wrong(format!("the relay is no URL of SMTP: {error}")))?
            .timeout(Some(time_out))
            .build();
        let from = from
            .parse()
            .map_err(|error| wrong(format!("\"{from}\" is no address of mail: {error}")))?;
        Ok(Self { transport, from })
    }

    /// The key is the name of the mail, so that programs that read mail show it once.
    fn mail(&self, message: &Message) -> Result<Mail, String> {
        let to: Mailbox = message
            .address
            .parse()
            .map_err(|error| format!("\"{}\" is no address of mail: {error}", message.address))?;
        Mail::builder()
            .message_id(Some(format!("<{}@{}>", message.key, self.from.email.domain())))
            .from(self.from.clone())
            .to(to)
            .subject(message.subject.clone().unwrap_or_default())
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone())
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

impl Carrier for Relay {
    fn carry(&self, message: &Message) -> Outcome {
        let mail = match self.mail(message) {
            Ok(mail) => mail,
            Err(reason) => return Outcome::Refused { reason },
        };
        match self.transport.send(&mail) {
            Ok(answer) => Outcome::Sent {
                reference: Some(answer.message().collect::<Vec<_>>().join(" "))
                    .filter(|text| !text.is_empty()),
            },
            Err(error) if error.is_permanent() => Outcome::Refused { reason: error.to_string() },
            Err(error) => Outcome::Failed { reason: error.to_string(), retry_after: None },
        }
    }
}
