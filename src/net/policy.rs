//! What an administrator allows to be asked.

use std::net::IpAddr;
use std::path::PathBuf;

use ureq::tls::{Certificate, PemItem, parse_pem};

use super::network::{Network, is_public};
use super::place::Place;

/// Who vouches for hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The authorities that this machine trusts.
    System,
    /// Those in a PEM file, and no others.
    File(PathBuf),
}

/// What may be asked: nothing, unless it is listed.
#[derive(Clone, Debug)]
pub struct Policy {
    places: Vec<Place>,
    networks: Vec<Network>,
    /// Who vouches for hosts.
    pub roots: Roots,
}

/// The parts of a list with commas.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

impl Policy {
    /// Reads lists of hosts and of networks, parted by commas.
    ///
    /// # Errors
    /// The first part that is neither.
    pub fn new(hosts: &str, networks: &str, roots: Roots) -> Result<Self, String> {
        let places = parts(hosts)
            .map(|part| Place::from_text(part).ok_or_else(|| part.to_owned()))
            .collect::<Result<_, _>>()?;
        let networks = parts(networks)
            .map(|part| part.parse().map_err(|()| part.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { places, networks, roots })
    }

    /// Whether a place may be asked.
    pub fn allows(&self, place: &Place) -> bool {
        self.places.contains(place)
    }

    /// Whether an address may be connected to: a public one, or one of a network listed.
    pub fn reaches(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(address))
    }

    /// The certificates of those who vouch for hosts.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn certificates(&self) -> Result<Vec<Certificate<'static>>, String> {
        let found = match &self.roots {
            Roots::System => rustls_native_certs::load_native_certs()
                .certs
                .iter()
                .map(|certificate| Certificate::from_der(certificate).to_owned())
                .collect(),
            Roots::File(path) => {
                let text = std::fs::read(path)
                    .map_err(|error| format!("the file of authorities cannot be read ({error})"))?;
                let items: Result<Vec<_>, _> = parse_pem(&text).collect();
                let items = items.map_err(|error| format!("the file of authorities: {error}"))?;
                items
                    .into_iter()
                    .filter_map(|item| match item {
                        PemItem::Certificate(certificate) => Some(certificate),
                        _ => None,
                    })
                    .collect::<Vec<_>>()
            }
        };
        if found.is_empty() {
            return Err("there are no certificates of authorities to check it by".to_owned());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_unless_listed() {
        let place = |text: &str| Place::from_text(text).unwrap();
        let address = |text: &str| text.parse().unwrap();
        let none = Policy::new("", " , ", Roots::System).unwrap();
        assert!(!none.allows(&place("prices.example")));
        assert!(none.reaches(address("1.1.1.1")));
        assert!(!none.reaches(address("127.0.0.1")));
        let some =
            Policy::new("Prices.example, http://x:80", "127.0.0.0/8", Roots::System).unwrap();
        assert!(some.allows(&place("prices.example")));
        assert!(some.allows(&place("http://x")));
        assert!(!some.allows(&place("x")));
        assert!(!some.allows(&place("prices.example:8443")));
        assert!(!some.allows(&place("a.prices.example")));
        assert!(some.reaches(address("127.1.2.3")));
        assert!(!some.reaches(address("10.0.0.1")));
        assert_eq!(Policy::new("a, b/c", "", Roots::System).unwrap_err(), "b/c");
        assert_eq!(Policy::new("a", "b", Roots::System).unwrap_err(), "b");
    }
}
