//! What is asked for.

use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Uri, header};

use super::credential::Credential;
use super::place::Place;
use crate::domain::error::{Condition, Refusal};

/// Longest time-out.
pub const TIME_OUT_SECONDS_MAX: i32 = 300;
/// Most bytes of an answer that may be allowed: some hundred thousand prices.
pub const BODY_BYTES_MAX: i32 = 64 * 1024 * 1024;
/// Most letters of a URL.
const URL_MAX: usize = 2048;
/// Most headers.
const HEADERS_MAX: usize = 32;

/// A request that cannot be made of what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a URL, or one that is not taken. It is not shown, as it may hold a secret.
    #[error("the URL cannot be fetched")]
    Url(&'static str),
    /// A header that is none, or is not the caller's to set.
    #[error("the header cannot be sent")]
    Header(String, &'static str),
    /// A limit that is out of its range.
    #[error("{0} is out of range")]
    Limit(&'static str, i32, i32),
}

impl Refusal for RequestError {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::Url(reason) => format!("{reason}."),
            Self::Header(name, reason) => {
                format!(
                    "The header is \"{}\"; {reason}.",
                    name.chars().take(80).collect::<String>()
                )
            }
            Self::Limit(_, given, most) => format!("The value is {given}, the range 1 to {most}."),
        })
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Url(_) => "Give a URL such as https://prices.example/metals?base=USD.",
                Self::Header(..) => {
                    "Give headers such as accept; what proves who is asking belongs into a credential."
                }
                Self::Limit(..) => "Give a value within the range.",
            }
            .to_owned(),
        )
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) url: Uri,
    pub(super) place: Place,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) time_out: Duration,
    pub(super) most_bytes: usize,
    pub(super) credential: Option<Credential>,
}

impl Request {
    /// A request for what is at a URL.
    ///
    /// # Errors
    /// [`RequestError`] for the first thing that is not taken.
    pub fn new<'a>(
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        time_out_seconds: i32,
        most_bytes: i32,
    ) -> Result<Self, RequestError> {
        if url.len() > URL_MAX {
            return Err(RequestError::Url("It has more than 2048 letters"));
        }
        let url: Uri =
            url.parse().map_err(|_| RequestError::Url("It is not of the form of one"))?;
        let place = Place::of(&url).ok_or(RequestError::Url(
            "It must begin with https:// or http:// and a host, without a user's name",
        ))?;
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| read_header(name, value))
            .collect::<Result<_, _>>()?;
        if headers.len() > HEADERS_MAX {
            return Err(RequestError::Header("…".to_owned(), "there may be 32 of them"));
        }
        let seconds = within("the time-out in seconds", time_out_seconds, TIME_OUT_SECONDS_MAX)?;
        let most_bytes = within("the number of bytes", most_bytes, BODY_BYTES_MAX)?;
        Ok(Self {
            url,
            place,
            headers,
            time_out: Duration::from_secs(u64::from(seconds)),
            most_bytes: most_bytes as usize,
            credential: None,
        })
    }

    /// The request with what proves who is asking.
    #[must_use]
    pub fn with(self, credential: Credential) -> Self {
        Self { credential: Some(credential), ..self }
    }
}

fn within(what: &'static str, given: i32, most: i32) -> Result<u32, RequestError> {
    u32::try_from(given)
        .ok()
        .filter(|_| (1..=most).contains(&given))
        .ok_or(RequestError::Limit(what, given, most))
}

/// A header that the caller may set: those of the connection are the client's, those that prove who is
/// asking come from a credential, so that they stand in no row.
fn read_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), RequestError> {
    let refused = |reason| RequestError::Header(name.to_owned(), reason);
    let read = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("it is not a name"))?;
    let value = HeaderValue::from_str(value).map_err(|_| refused("its value has other letters"))?;
    let of_the_connection = [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::UPGRADE,
        header::EXPECT,
        header::RANGE,
        header::ACCEPT_ENCODING,
    ];
    let of_who_asks = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
    if of_the_connection.contains(&read) {
        return Err(refused("it belongs to the connection"));
    }
    if of_who_asks.contains(&read) {
        return Err(refused("it proves who is asking"));
    }
    Ok((read, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_is_refused_without_being_shown() {
        for url in
            ["", "prices", "ftp://a/", "https://me:word@a/", "https://a b/", "/x", "https://"]
        {
            let refused = Request::new(url, [], 1, 1).unwrap_err();
            assert!(matches!(refused, RequestError::Url(_)), "{url}");
            let said = format!("{refused} {:?} {:?}", refused.detail(), refused.hint());
            assert!(!said.contains("word"));
        }
        let long = format!("https://a/{}", "x".repeat(URL_MAX));
        assert!(Request::new(&long, [], 1, 1).is_err());
        for (name, value) in [
            ("a b", "x"),
            ("", "x"),
            ("Host", "x"),
            ("authorization", "x"),
            ("accept", "a\r\nb: c"),
        ] {
            let refused = Request::new("https://a/", [(name, value)], 1, 1).unwrap_err();
            assert!(matches!(refused, RequestError::Header(..)), "{name}");
        }
        assert!(Request::new("https://a/", std::iter::repeat_n(("a", "b"), 33), 1, 1).is_err());
        for (seconds, bytes) in [(0, 1), (-1, 1), (301, 1), (1, 0), (1, i32::MAX)] {
            let refused = Request::new("https://a/", [], seconds, bytes).unwrap_err();
            assert!(matches!(refused, RequestError::Limit(..)), "{seconds} {bytes}");
        }
        assert!(Request::new("https://a/b?c=d", [("accept", "application/json")], 300, 1).is_ok());
    }
}
