//! Messages as JSON to an endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::{Carrier, ConfigError, Message, Outcome};

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

pub struct Endpoint {
    agent: Agent,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Endpoint {
    pub fn new(
        url: &str,
        headers: &BTreeMap<String, String>,
        time_out: Duration,
    ) -> Result<Self, ConfigError> {
        let url: Uri = url
            .parse()
            .ok()
            .filter(|url: &Uri| matches!(url.scheme_str(), Some("http" | "https")))
            .ok_or_else(|| ConfigError::Way(format!("\"{url}\" is no URL of HTTP")))?;
        let headers = headers
            .iter()
            .map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| ConfigError::Way("a header cannot be sent".to_owned()))?;
        let certificates: Vec<_> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|known| Certificate::from_der(known).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(certificates)))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(time_out))
            .user_agent(concat!("loan-sender/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.into(), url, headers })
    }
}

impl Carrier for Endpoint {
    fn carry(&self, message: &Message) -> Outcome {
        let failed = |reason: String| Outcome::Failed { reason, retry_after: None };
        let said = json!({
            "key": message.key.to_string(),
            "channel": message.channel,
            "to": message.address,
            "topic": message.topic,
            "subject": message.subject,
            "body": message.body,
            "details": message.details,
            "legal_entity": message.legal_entity,
        });
        let mut asking = self
            .agent
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", message.key.to_string());
        for (name, value) in &self.headers {
            asking = asking.header(name, value);
        }
        let mut answer = match asking.send(said.to_string()) {
            Ok(answer) => answer,
            Err(error) => return failed(error.to_string()),
        };
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.unwrap_or_default();
        match status {
            200..=299 => Outcome::Sent { reference: name_of(&text) },
            408 | 425 | 429 | 500..=599 => {
                Outcome::Failed { reason: format!("{status}: {}", start_of(&text)), retry_after }
            }
            _ => Outcome::Refused { reason: format!("{status}: {}", start_of(&text)) },
        }
    }
}

/// The name an endpoint gives the message, if it says one.
fn name_of(text: &str) -> Option<String> {
    let said: Value = serde_json::from_str(text).ok()?;
    match said.get("id")? {
        Value::String(name) => Some(start_of(name)),
        Value::Number(name) => Some(name.to_string()),
        _ => None,
    }
}

/// As much of a text as is worth keeping.
fn start_of(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(300).collect()
}
