//! Signatures of webhooks: HMAC (RFC 2104) over the bytes that came.
//!
//! Providers differ in where the signature stands, how it is written, what besides the body it covers
//! and how they tell the time. All of that is data:
//!
//! ```json
//! {"signature": {"header": "stripe-signature", "split": ",", "before": "v1="},
//!  "timestamp": {"header": "stripe-signature", "split": ",", "before": "t="},
//!  "signed": "{timestamp}.{body}", "tolerance_seconds": 300}
//! ```
//!
//! A header may hold several signatures, as when a secret is replaced, and so may a secret have several
//! lines; one of each that fit is enough. They are compared in constant time.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Sha256, Sha384, Sha512};

use super::IntakeError;

/// Most signatures of a header that are looked at, for each costs a hash of the body.
const SIGNATURES_MAX: usize = 8;
/// Most secrets of a provider.
const SECRETS_MAX: usize = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Algorithm {
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Hex,
    Base64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecretEncoding {
    #[default]
    Text,
    Hex,
    Base64,
}

/// Where something stands: in a header, perhaps one of several parts of it, after some letters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    header: String,
    split: Option<String>,
    #[serde(default)]
    before: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Timestamp,
    Body,
    Header(String),
}

/// A scheme as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    algorithm: Algorithm,
    #[serde(default)]
    encoding: Encoding,
    signature: Place,
    timestamp: Option<Place>,
    signed: Option<String>,
    tolerance_seconds: Option<i64>,
    #[serde(default)]
    secret_encoding: SecretEncoding,
    #[serde(default)]
    secret_prefix: String,
}

/// How a provider signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    algorithm: Algorithm,
    encoding: Encoding,
    signature: Place,
    timestamp: Option<Place>,
    signed: Vec<Part>,
    tolerance_seconds: i64,
    secret_encoding: SecretEncoding,
    secret_prefix: String,
}

/// The secrets shared with a provider. What they are is never shown.
pub struct Secrets(Vec<Vec<u8>>);

/// Why it is not proved who said something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// A header that the scheme asks for is not there.
    #[error("the header \"{0}\" is missing")]
    NoHeader(String),
    /// There is no signature in its header.
    #[error("there is no signature")]
    NoSignature,
    /// There is no time in its header.
    #[error("there is no timestamp")]
    NoTimestamp,
    /// It was signed too long ago, or is yet to be.
    #[error("it was signed {0} seconds ago, which is not within the tolerance")]
    Stale(i64),
    /// No signature is that of the bytes that came.
    #[error("the signature is not that of what came")]
    Wrong,
}

impl Scheme {
    /// Reads a scheme.
    ///
    /// # Errors
    /// [`IntakeError::Scheme`].
    pub fn from_json(document: Value) -> Result<Self, IntakeError> {
        let wire: Wire = serde_path_to_error::deserialize(document)
            .map_err(|error| IntakeError::Scheme(error.to_string()))?;
        let refused = |reason: &str| Err(IntakeError::Scheme(reason.to_owned()));
        let signed = parts(wire.signed.as_deref().unwrap_or("{body}")).ok_or_else(|| {
            IntakeError::Scheme(
                "signed: {body}, {timestamp} and {header:name} \
                 may stand between braces"
                    .into(),
            )
        })?;
        let has = |part: &Part| signed.contains(part);
        if !has(&Part::Body) {
            return refused("signed: the body must be signed");
        }
        if wire.timestamp.is_some() != has(&Part::Timestamp) {
            return refused("timestamp: one that is not signed proves nothing");
        }
        let tolerance_seconds = wire.tolerance_seconds.unwrap_or(300);
        if !(1..=86_400).contains(&tolerance_seconds) {
            return refused("tolerance_seconds: from 1 to 86400");
        }
        let places = [Some(&wire.signature), wire.timestamp.as_ref()];
        let has_no_split = |place: &Place| place.split.as_ref().is_some_and(String::is_empty);
        if places.into_iter().flatten().any(has_no_split) {
            return refused("split: a letter or more are needed");
        }
        Ok(Self {
            algorithm: wire.algorithm,
            encoding: wire.encoding,
            signature: wire.signature,
            timestamp: wire.timestamp,
            signed,
            tolerance_seconds,
            secret_encoding: wire.secret_encoding,
            secret_prefix: wire.secret_prefix,
        })
    }

    /// Reads the secrets of a file: one a line, comments after `#`.
    ///
    /// # Errors
    /// [`IntakeError::Secret`] with the line, [`IntakeError::NoSecret`].
    pub fn secrets(&self, text: &str) -> Result<Secrets, IntakeError> {
        let mut secrets = Vec::new();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let word = line.strip_prefix(self.secret_prefix.as_str()).unwrap_or(line);
            let secret = match self.secret_encoding {
                SecretEncoding::Text => Some(line.as_bytes().to_vec()),
                SecretEncoding::Hex => HEXLOWER_PERMISSIVE.decode(word.as_bytes()).ok(),
                SecretEncoding::Base64 => BASE64.decode(word.as_bytes()).ok(),
            };
            let secret = secret.filter(|secret| !secret.is_empty());
            secrets.push(secret.ok_or(IntakeError::Secret(number))?);
        }
        if secrets.is_empty() {
            return Err(IntakeError::NoSecret);
        }
        secrets.truncate(SECRETS_MAX);
        Ok(Secrets(secrets))
    }

    /// Whether the provider said a body, with headers found by their name in small letters, at a moment
    /// in seconds since 1970.
    ///
    /// # Errors
    /// [`Unproved`], which says nothing of the secret.
    pub fn check<'a>(
        &self,
        secrets: &Secrets,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
        now_seconds: i64,
    ) -> Result<(), Unproved> {
        let needed = |name: &str| {
            header(&name.to_ascii_lowercase()).ok_or_else(|| Unproved::NoHeader(name.to_owned()))
        };
        let timestamp = match &self.timestamp {
            None => "",
            Some(place) => {
                let given = place.all(needed(&place.header)?).next();
                let text = given.ok_or(Unproved::NoTimestamp)?;
                let at = seconds(text).ok_or(Unproved::NoTimestamp)?;
                let ago = now_seconds.saturating_sub(at);
                if ago.checked_abs().is_none_or(|ago| ago > self.tolerance_seconds) {
                    return Err(Unproved::Stale(ago));
                }
                text
            }
        };
        let mut signed: Vec<&[u8]> = Vec::with_capacity(self.signed.len());
        for part in &self.signed {
            signed.push(match part {
                Part::Text(text) => text.as_bytes(),
                Part::Timestamp => timestamp.as_bytes(),
                Part::Body => body,
                Part::Header(name) => needed(name)?.as_bytes(),
            });
        }
        let decoded = self.signature.all(needed(&self.signature.header)?).filter_map(|text| {
            match self.encoding {
                Encoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
                Encoding::Base64 => BASE64.decode(text.as_bytes()).ok(),
            }
        });
        let signatures: Vec<Vec<u8>> = decoded.take(SIGNATURES_MAX).collect();
        if signatures.is_empty() {
            return Err(Unproved::NoSignature);
        }
        let fits = |secret: &Vec<u8>| match self.algorithm {
            Algorithm::Sha256 => is_signed::<Hmac<Sha256>>(secret, &signed, &signatures),
            Algorithm::Sha384 => is_signed::<Hmac<Sha384>>(secret, &signed, &signatures),
            Algorithm::Sha512 => is_signed::<Hmac<Sha512>>(secret, &signed, &signatures),
        };
        if secrets.0.iter().any(fits) { Ok(()) } else { Err(Unproved::Wrong) }
    }
}

impl Place {
    /// Whatever stands there.
    fn all<'a>(&'a self, value: &'a str) -> impl Iterator<Item = &'a str> {
        let parts: Vec<&str> = match &self.split {
            Some(split) => value.split(split.as_str()).collect(),
            None => vec![value],
        };
        parts.into_iter().filter_map(|part| part.trim().strip_prefix(self.before.as_str()))
    }
}

fn is_signed<M: Mac + KeyInit + Clone>(
    secret: &[u8],
    signed: &[&[u8]],
    signatures: &[Vec<u8>],
) -> bool {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret) else { return false };
    signed.iter().for_each(|part| mac.update(part));
    signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
}

/// Seconds since 1970; milliseconds where that would be later than the year 5000.
fn seconds(text: &str) -> Option<i64> {
    const YEAR_5000: i64 = 95_617_584_000;
    let given: i64 = text.parse().ok()?;
    Some(if given > YEAR_5000 { given / 1000 } else { given })
}

/// The parts of a template; nothing for one that cannot be read.
fn parts(template: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let (name, after) = after.split_once('}')?;
        parts.push(match name {
            "body" => Part::Body,
            "timestamp" => Part::Timestamp,
            _ => Part::Header(name.strip_prefix("header:").filter(|n| !n.is_empty())?.to_owned()),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scheme(document: Value) -> Scheme {
        Scheme::from_json(document).unwrap()
    }

    fn check(
        scheme: &Scheme,
        secret: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: i64,
    ) -> Result<(), Unproved> {
        let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, v)| *v);
        scheme.check(&scheme.secrets(secret).unwrap(), find, body, now)
    }

    /// The example of GitHub's documentation, "Validating webhook deliveries".
    #[test]
    fn a_digest_of_the_body_alone() {
        let github = scheme(json!({
            "signature": {"header": "X-Hub-Signature-256", "before": "sha256="}}));
        let headers = [(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )];
        let secret = "It's a Secret to Everybody";
        assert_eq!(check(&github, secret, &headers, b"Hello, World!", 0), Ok(()));
        assert_eq!(
            check(
                &github,
                "# the one before\nother\nIt's a Secret to Everybody\n",
                &headers,
                b"Hello, World!",
                0
            ),
            Ok(())
        );
        let wrong = Err(Unproved::Wrong);
        assert_eq!(check(&github, secret, &headers, b"Hello, World?", 0), wrong);
        assert_eq!(check(&github, "other", &headers, b"Hello, World!", 0), wrong);
        let header = |value| [("x-hub-signature-256", value)];
        for none in ["", "sha256=", "sha1=00", "sha256=xyz"] {
            let answer = check(&github, secret, &header(none), b"", 0).unwrap_err();
            assert!(matches!(answer, Unproved::NoSignature | Unproved::Wrong), "{none}");
        }
        // A part of the right one is not the right one.
        let short = header("sha256=757107ea");
        assert_eq!(check(&github, secret, &short, b"Hello, World!", 0), wrong);
        assert!(matches!(check(&github, secret, &[], b"", 0), Err(Unproved::NoHeader(_))));
    }

    /// The test vector of the Standard Webhooks specification's reference libraries.
    #[test]
    fn an_identifier_and_a_time_are_signed_with_it() {
        let standard = scheme(json!({
            "encoding": "base64", "secret_encoding": "base64", "secret_prefix": "whsec_",
            "signature": {"header": "webhook-signature", "split": " ", "before": "v1,"},
            "timestamp": {"header": "webhook-timestamp"},
            "signed": "{header:webhook-id}.{timestamp}.{body}"}));
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1a,x v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        assert_eq!(check(&standard, secret, &headers, body, 1_614_265_330), Ok(()));
        assert_eq!(
            check(&standard, secret, &headers, body, 1_614_265_631),
            Err(Unproved::Stale(301))
        );
        assert_eq!(
            check(&standard, secret, &headers, body, 1_614_265_029),
            Err(Unproved::Stale(-301))
        );
        let moved = [headers[0], ("webhook-timestamp", "1614265331"), headers[2]];
        assert_eq!(check(&standard, secret, &moved, body, 1_614_265_330), Err(Unproved::Wrong));
        let odd = [headers[0], ("webhook-timestamp", "-9223372036854775808"), headers[2]];
        assert!(matches!(check(&standard, secret, &odd, body, 0), Err(Unproved::Stale(_))));
    }

    #[test]
    fn a_scheme_that_proves_nothing_is_refused() {
        for document in [
            json!({}),
            json!({"signature": {"header": "a"}, "signed": "{timestamp}"}),
            json!({"signature": {"header": "a"}, "signed": "{body}", "timestamp": {"header": "t"}}),
            json!({"signature": {"header": "a"}, "signed": "{body"}),
            json!({"signature": {"header": "a"}, "signed": "{body}{else}"}),
            json!({"signature": {"header": "a", "split": ""}}),
            json!({"signature": {"header": "a"}, "tolerance_seconds": 0}),
            json!({"signature": {"header": "a"}, "algorithm": "md5"}),
        ] {
            assert!(Scheme::from_json(document.clone()).is_err(), "{document}");
        }
        let plain = scheme(json!({"signature": {"header": "a"}, "secret_encoding": "hex"}));
        assert!(matches!(plain.secrets("# nothing\n"), Err(IntakeError::NoSecret)));
        assert!(matches!(plain.secrets("\nxyz"), Err(IntakeError::Secret(2))));
    }
}
