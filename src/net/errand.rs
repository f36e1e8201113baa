//! One request on its way, in a thread of its own.

use std::io::Read;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use ureq::config::Config;
use ureq::http::{HeaderMap, HeaderName, Response, Uri, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::failure::Failure;
use super::place::Place;
use super::policy::Policy;
use super::request::Request;

/// Most redirections that are followed.
const REDIRECTIONS_MAX: usize = 3;
/// Most bytes of the header of an answer.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes that are read at once. Between two readings it is seen whether anybody still waits.
const READ_BYTES: usize = 64 * 1024;
/// What the thread needs on its stack, several times over.
const STACK_BYTES: usize = 1024 * 1024;
/// Who asks.
const USER_AGENT: &str = concat!("loan_engine/", env!("CARGO_PKG_VERSION"));

/// What a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// What kind of content the host says it is.
    pub content_type: Option<String>,
    /// After how many seconds the host would like to be asked again.
    pub retry_after_seconds: Option<i32>,
    /// The content.
    pub body: Vec<u8>,
}

/// A request on its way. Dropping it gives it up: its connections are closed, and its thread ends.
///
/// The thread touches nothing but memory of its own. It inherits the signal mask of who sends it, so
/// whoever has handlers that belong to one thread blocks signals meanwhile.
#[derive(Debug)]
pub struct Errand {
    agent: Agent,
    bell: UnixStream,
    result: Receiver<Result<Answer, Failure>>,
    deadline: Instant,
    late: Failure,
}

impl Errand {
    /// Sends a request on its way.
    ///
    /// # Errors
    /// [`Failure`] of what is seen before anybody is asked.
    pub fn send(request: Request, policy: Policy) -> Result<Self, Failure> {
        if !policy.allows(&request.place) {
            return Err(Failure::NotAllowed { place: request.place.to_string() });
        }
        let agent = agent(policy, &request.place)?;
        let (bell, rope) = UnixStream::pair().map_err(not_made)?;
        let (sender, result) = sync_channel(1);
        let deadline = Instant::now() + request.time_out;
        let mut run = Run { agent: agent.clone(), deadline, request };
        let late = run.timed_out(&run.request.place);
        thread::Builder::new()
            .name("fetch".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                // However the thread ends, its end of the rope is let go and the bell rings.
                let _rope = rope;
                let _ = sender.send(run.fetch());
            })
            .map_err(not_made)?;
        Ok(Self { agent, bell, result, deadline, late })
    }

    /// What becomes readable when there is a result.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Until when it is waited for, whatever the thread is doing.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What it comes to when it is not waited for any longer.
    pub fn late(&self) -> Failure {
        self.late.clone()
    }

    /// What came of it, waiting for it.
    ///
    /// # Errors
    /// [`Failure`] that says why nothing did.
    pub fn result(&self) -> Result<Answer, Failure> {
        self.result
            .recv()
            .unwrap_or_else(|_| Err(Failure::NotMade { reason: "it ended by itself".to_owned() }))
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.agent.clone().shutdown();
    }
}

fn not_made(error: std::io::Error) -> Failure {
    Failure::NotMade { reason: error.to_string() }
}

/// The client: no proxy, no compression, no redirection that is not looked at, and no connection but
/// through the gate.
fn agent(policy: Policy, place: &Place) -> Result<Agent, Failure> {
    let certificates = policy
        .certificates()
        .map_err(|reason| Failure::Untrusted { place: place.to_string(), reason })?;
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .build();
    let config = Config::builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(HEADER_BYTES_MAX)
        .max_idle_connections(0)
        .user_agent(USER_AGENT)
        .accept_encoding("identity")
        .build();
    Ok(Agent::with_parts(config, DefaultConnector::default(), Gate { policy }))
}

/// The gate through which every connection passes: names stand for addresses only if the place is
/// allowed, and only for addresses that may be reached. What was looked up is what is connected to.
#[derive(Debug)]
struct Gate {
    policy: Policy,
}

impl Resolver for Gate {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        time_out: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refused = |failure: Failure| ureq::Error::Other(Box::new(failure));
        let place = Place::of(uri).ok_or_else(|| ureq::Error::BadUri(String::new()))?;
        if !self.policy.allows(&place) {
            return Err(refused(Failure::NotAllowed { place: place.to_string() }));
        }
        let found = DefaultResolver::default().resolve(uri, config, time_out)?;
        let found: &[SocketAddr] = &found;
        let mut reached = self.empty();
        for address in found.iter().filter(|address| self.policy.reaches(address.ip())) {
            reached.push(*address);
        }
        match found.first() {
            Some(first) if reached.is_empty() => Err(refused(Failure::PrivateAddress {
                place: place.to_string(),
                address: first.ip().to_string(),
            })),
            _ => Ok(reached),
        }
    }
}

/// What the thread does.
struct Run {
    agent: Agent,
    deadline: Instant,
    request: Request,
}

impl Run {
    /// Asks, and goes where it is sent.
    fn fetch(&mut self) -> Result<Answer, Failure> {
        let (mut url, mut place) = (self.request.url.clone(), self.request.place.clone());
        self.need_credential(&place)?;
        for _ in 0..=REDIRECTIONS_MAX {
            let response = self.ask(&url, &place)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return self.read(response, &place);
            }
            (url, place) = next(&url, &place, response.headers())?;
        }
        Err(Failure::Redirection { place: place.to_string(), reason: "there were more than three" })
    }

    /// A credential that is not for the place asked for is a mistake; one that is not for a place one is
    /// sent to is just not sent there.
    fn need_credential(&self, place: &Place) -> Result<(), Failure> {
        match &self.request.credential {
            Some(credential) if !credential.is_for(place) => Err(Failure::Credential {
                reference: credential.reference.clone(),
                reason: format!("its file does not name the host {place}"),
            }),
            _ => Ok(()),
        }
    }

    fn ask(&self, url: &Uri, place: &Place) -> Result<Response<Body>, Failure> {
        let credential = self.request.credential.as_ref().filter(|known| known.is_for(place));
        let url = match credential {
            Some(credential) => with_query(url, &credential.query).ok_or_else(|| {
                Failure::Unreadable { place: place.to_string(), reason: "no URL".to_owned() }
            })?,
            None => url.clone(),
        };
        let at_home = *place == self.request.place;
        let mut asking = self
            .agent
            .get(url)
            .config()
            .timeout_global(Some(self.deadline.saturating_duration_since(Instant::now())))
            .build();
        // What was meant for one host is not told another.
        for (name, value) in &self.request.headers {
            if at_home || *name == header::ACCEPT {
                asking = asking.header(name, value);
            }
        }
        for (name, value) in credential.iter().flat_map(|credential| &credential.headers) {
            asking = asking.header(name, value);
        }
        asking.call().map_err(|error| self.failed(error, place))
    }

    /// Reads an answer to its end, which it must tell: of one that ends with its connection nobody
    /// knows whether it is whole.
    fn read(&self, response: Response<Body>, place: &Place) -> Result<Answer, Failure> {
        let unreadable = |reason: &str| Failure::Unreadable {
            place: place.to_string(),
            reason: reason.to_owned(),
        };
        let most = self.request.most_bytes;
        let too_large = || Failure::TooLarge { place: place.to_string(), most };
        let status = response.status().as_u16();
        let headers = response.headers();
        if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(unreadable("it is compressed, which was not asked for"));
        }
        let ends = headers.contains_key(header::CONTENT_LENGTH)
            || headers.contains_key(header::TRANSFER_ENCODING)
            || matches!(status, 204 | 304);
        if !ends {
            return Err(unreadable("it does not tell where it ends"));
        }
        let content_type = text_of(headers, header::CONTENT_TYPE);
        let retry_after_seconds =
            text_of(headers, header::RETRY_AFTER).and_then(|value| value.parse().ok());
        let mut reader = response.into_body().into_reader();
        let mut body = Vec::new();
        let mut chunk = vec![0; READ_BYTES];
        loop {
            let count = reader
                .read(&mut chunk)
                .map_err(|error| self.failed(ureq::Error::from(error), place))?;
            if count == 0 {
                return Ok(Answer { status, content_type, retry_after_seconds, body });
            }
            if body.len() + count > most {
                return Err(too_large());
            }
            body.extend(chunk.iter().take(count));
            if Instant::now() > self.deadline {
                return Err(self.timed_out(place));
            }
        }
    }

    fn timed_out(&self, place: &Place) -> Failure {
        Failure::TimedOut { place: place.to_string(), seconds: self.request.time_out.as_secs() }
    }

    /// What an error of the client means, in words that hold nothing of the URL.
    fn failed(&self, error: ureq::Error, place: &Place) -> Failure {
        let said = place.to_string();
        match error {
            ureq::Error::Timeout(_) => self.timed_out(place),
            ureq::Error::Other(inner) => match inner.downcast::<Failure>() {
                Ok(failure) => *failure,
                Err(_) => Failure::Unreachable { place: said, reason: "unknown".to_owned() },
            },
            ureq::Error::HostNotFound => {
                Failure::Unreachable { place: said, reason: "its name has no address".to_owned() }
            }
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                self.timed_out(place)
            }
            ureq::Error::Io(error) => {
                match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    Some(inner) => Failure::Untrusted { place: said, reason: inner.to_string() },
                    None => Failure::Unreachable { place: said, reason: error.to_string() },
                }
            }
            ureq::Error::Rustls(error) => {
                Failure::Untrusted { place: said, reason: error.to_string() }
            }
            ureq::Error::Tls(reason) => {
                Failure::Untrusted { place: said, reason: reason.to_owned() }
            }
            ureq::Error::Protocol(error) => {
                Failure::Unreadable { place: said, reason: error.to_string() }
            }
            ureq::Error::LargeResponseHeader(..) => {
                Failure::Unreadable { place: said, reason: "its header is too large".to_owned() }
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::Unreadable { place: said, reason: "no URL".to_owned() }
            }
            _ => Failure::Unreachable { place: said, reason: "no connection".to_owned() },
        }
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Where a redirection leads.
fn next(url: &Uri, place: &Place, headers: &HeaderMap) -> Result<(Uri, Place), Failure> {
    let refused = |reason| Failure::Redirection { place: place.to_string(), reason };
    let location = text_of(headers, header::LOCATION).ok_or(refused("it says not where"))?;
    let to = joined(url, &location).ok_or(refused("where it leads is no URL"))?;
    let there = Place::of(&to).ok_or(refused("it leads to no host"))?;
    if place.is_encrypted() && !there.is_encrypted() {
        return Err(refused("it leads out of the encryption"));
    }
    Ok((to, there))
}

/// A reference as seen from a URL (RFC 3986, section 5.2); dots in a path are left to the host.
fn joined(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?;
    let is_whole = reference.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    let text = if is_whole {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{scheme}:{reference}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else if reference.starts_with('?') {
        format!("{scheme}://{authority}{}{reference}", base.path())
    } else if reference.is_empty() {
        return Some(base.clone());
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{reference}")
    };
    text.parse().ok()
}

/// A URL with more in its query.
fn with_query(url: &Uri, parts: &[String]) -> Option<Uri> {
    if parts.is_empty() {
        return Some(url.clone());
    }
    let joint = if url.query().is_some() { '&' } else { '?' };
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let text =
        format!("{}://{}{path}{joint}{}", url.scheme_str()?, url.authority()?, parts.join("&"));
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_seen_from_where_they_stand() {
        let base: Uri = "https://a.example:8443/b/c?d=e".parse().unwrap();
        for (reference, whole) in [
            ("https://x.example/y", "https://x.example/y"),
            ("//x.example/y", "https://x.example/y"),
            ("/y?z", "https://a.example:8443/y?z"),
            ("y", "https://a.example:8443/b/y"),
            ("y:z", ""),
            ("y/z:1", "https://a.example:8443/b/y/z:1"),
            ("?y", "https://a.example:8443/b/c?y"),
            ("/y#z", "https://a.example:8443/y"),
            ("", "https://a.example:8443/b/c?d=e"),
            ("/y z", ""),
        ] {
            let to = joined(&base, reference).filter(|to| Place::of(to).is_some());
            assert_eq!(to.map(|to| to.to_string()).unwrap_or_default(), whole, "{reference}");
        }
    }

    #[test]
    fn a_key_goes_into_the_query() {
        for (url, whole) in [
            ("https://a.example", "https://a.example/?k=v&l=w"),
            ("https://a.example/b", "https://a.example/b?k=v&l=w"),
            ("https://a.example/b?c=d", "https://a.example/b?c=d&k=v&l=w"),
        ] {
            let parts = ["k=v".to_owned(), "l=w".to_owned()];
            let to = with_query(&url.parse().unwrap(), &parts).unwrap();
            assert_eq!(to.to_string(), whole);
        }
    }
}
