//! What proves to a host who is asking, kept in a file of the administrator's.
//!
//! ```text
//! # for whom it is; it is sent to no other host
//! host: api.prices.example
//! authorization: Bearer 6f1d…
//! ?api_key=6f1d…
//! ```
//!
//! A line is the name of a host, a header, or a part of the query that is added to the URL.

use std::fmt;
use std::io::Read;
use std::path::Path;

use ureq::http::{HeaderName, HeaderValue};

use super::failure::Failure;
use super::place::Place;

/// Most bytes of a file.
const BYTES_MAX: u64 = 16 * 1024;
/// Most letters of the name of one.
const NAME_MAX: usize = 64;

/// Headers and parts of a query, for hosts.
#[derive(Clone, Default)]
pub struct Credential {
    pub(super) reference: String,
    places: Vec<Place>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Vec<String>,
}

/// What it holds is never shown.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("reference", &self.reference)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

fn refused(reference: &str, reason: String) -> Failure {
    Failure::Credential { reference: reference.chars().take(NAME_MAX).collect(), reason }
}

/// The text of the file of a name in a folder. The name is plain, so that it cannot lead elsewhere.
///
/// # Errors
/// [`Failure::Credential`], which says nothing of what the file holds.
pub fn credential_text(folder: Option<&Path>, reference: &str) -> Result<String, Failure> {
    let refused = |reason: String| refused(reference, reason);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if reference.is_empty()
        || reference.len() > NAME_MAX
        || reference.starts_with('.')
        || !reference.chars().all(plain)
    {
        return Err(refused(
            "a name has letters, digits, dots, underscores and hyphens".to_owned(),
        ));
    }
    let folder = folder.ok_or_else(|| refused("no folder of credentials is set".to_owned()))?;
    let mut text = String::new();
    std::fs::File::open(folder.join(reference))
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| refused(format!("the file cannot be read ({})", error.kind())))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(refused(format!("the file has more than {BYTES_MAX} bytes")));
    }
    Ok(text)
}

impl Credential {
    /// Reads the file of a name in a folder. The name is plain, so that it cannot lead elsewhere.
    ///
    /// # Errors
    /// [`Failure::Credential`], which says nothing of what the file holds.
    pub fn read(folder: Option<&Path>, reference: &str) -> Result<Self, Failure> {
        let text = credential_text(folder, reference)?;
        let read = Self::from_text(&text)
            .map_err(|line| refused(reference, format!("line {line} is not of its form")))?;
        Ok(Self { reference: reference.to_owned(), ..read })
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    /// The number of the line that cannot be read, from one; one after the last where no host is named.
    fn from_text(text: &str) -> Result<Self, usize> {
        let mut read = Self::default();
        let mut number = 0;
        for line in text.lines().map(str::trim) {
            number += 1;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            read.take(line).ok_or(number)?;
        }
        if read.places.is_empty() { Err(number + 1) } else { Ok(read) }
    }

    fn take(&mut self, line: &str) -> Option<()> {
        if let Some(part) = line.strip_prefix('?') {
            let fits = |byte: u8| byte.is_ascii_graphic() && !b"#&?\"<>\\^`{|}".contains(&byte);
            let (name, _) = part.split_once('=')?;
            if name.is_empty() || !part.bytes().all(fits) {
                return None;
            }
            self.query.push(part.to_owned());
            return Some(());
        }
        let (name, value) = line.split_once(':')?;
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("host") {
            self.places.push(Place::from_text(value)?);
            return Some(());
        }
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        self.headers.push((HeaderName::from_bytes(name.as_bytes()).ok()?, value));
        Some(())
    }

    /// Whether it is for a place.
    pub(super) fn is_for(&self, place: &Place) -> bool {
        self.places.contains(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# of the desk\nhost: api.prices.example\n\nAuthorization: Bearer secret\n\
                        ?api_key=secret\n";

    #[test]
    fn a_file_is_for_its_hosts_and_shows_nothing() {
        let read = Credential::from_text(TEXT).unwrap();
        assert!(read.is_for(&Place::from_text("api.prices.example").unwrap()));
        assert!(!read.is_for(&Place::from_text("http://api.prices.example").unwrap()));
        assert!(!read.is_for(&Place::from_text("prices.example").unwrap()));
        assert_eq!(read.headers.len(), 1);
        assert_eq!(read.query, ["api_key=secret"]);
        assert!(!format!("{read:?}").contains("secret"));
    }

    #[test]
    fn a_line_of_another_form_is_named_by_its_number() {
        for (text, line) in [
            ("", 1),
            ("authorization: x", 2),
            ("host: a/b", 1),
            ("host: a\nsecret", 2),
            ("host: a\n?secret", 2),
            ("host: a\n?a=b&c", 2),
            ("host: a\nbad name: x", 2),
        ] {
            assert_eq!(Credential::from_text(text).unwrap_err(), line, "{text}");
        }
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        let folder = std::env::temp_dir().join(format!("credentials-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("desk"), TEXT).unwrap();
        assert!(Credential::read(Some(&folder), "desk").is_ok());
        for name in ["", ".", "..", "../desk", "/etc/passwd", "a/b", "nobody", ".hidden", "a\0"] {
            let failure = Credential::read(Some(&folder), name).unwrap_err();
            assert_eq!(failure.code(), "LN308", "{name}");
        }
        assert!(Credential::read(None, "desk").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
