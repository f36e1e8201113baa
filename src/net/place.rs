//! Where something is asked: scheme, host and port.

use std::fmt;

use ureq::http::Uri;

/// A scheme, a host in small letters and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    encrypted: bool,
    host: String,
    port: u16,
}

impl Place {
    /// Where a URL leads; nothing where it is not one of HTTP or HTTPS, or holds a user's name.
    pub fn of(url: &Uri) -> Option<Self> {
        let encrypted = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = url.authority()?;
        let port = match authority.port() {
            Some(_) => authority.port_u16().filter(|port| *port > 0)?,
            None if authority.as_str().ends_with(':') => return None,
            None => Self::usual_port(encrypted),
        };
        let host = authority.host().to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        (!host.is_empty() && host.bytes().all(plain) && !authority.as_str().contains('@'))
            .then_some(Self { encrypted, host, port })
    }

    /// A place as a setting names it: `host`, `host:port`, or `http://host:port` for one that is
    /// asked without encryption.
    pub fn from_text(text: &str) -> Option<Self> {
        let given = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url: Uri = given.parse().ok()?;
        (url.path() == "/" && url.query().is_none() && !given.ends_with('/'))
            .then(|| Self::of(&url))
            .flatten()
    }

    /// Whether what is said there is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    fn usual_port(encrypted: bool) -> u16 {
        if encrypted { 443 } else { 80 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "" } else { "http://" };
        write!(f, "{scheme}{}", self.host)?;
        if self.port == Self::usual_port(self.encrypted) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<String> {
        url.parse().ok().and_then(|url| Place::of(&url)).map(|place| place.to_string())
    }

    #[test]
    fn the_same_place_is_written_in_one_way() {
        for (url, place) in [
            ("https://Prices.Example/a?b=c", "prices.example"),
            ("https://prices.example:443/", "prices.example"),
            ("https://prices.example:8443", "prices.example:8443"),
            ("http://prices.example/", "http://prices.example"),
            ("https://[::1]:8443/", "[::1]:8443"),
        ] {
            assert_eq!(of(url).as_deref(), Some(place), "{url}");
        }
        for url in [
            "ftp://prices.example/",
            "prices.example",
            "/prices",
            "https://user@prices.example/",
            "https://user:word@prices.example/",
            "https://prices.example:0/",
            "https://prices.example:/",
            "https:///prices",
            "file:///etc/passwd",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn settings_name_hosts_and_nothing_else() {
        for (text, place) in [
            ("prices.example", "prices.example"),
            ("prices.example:8443", "prices.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(
                Place::from_text(text).map(|place| place.to_string()).as_deref(),
                Some(place)
            );
        }
        for text in
            ["", "*", "prices.example/a", "https://prices.example/", "a b", "x?y", "ftp://x"]
        {
            assert_eq!(Place::from_text(text), None, "{text}");
        }
    }
}
