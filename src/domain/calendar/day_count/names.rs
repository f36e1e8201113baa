//! What the conventions are called.

use super::DayCount;
use crate::domain::calendar::CalendarError;
use crate::domain::error::by_name;

/// A convention with the names it goes by.
#[derive(Clone, Copy, Debug)]
pub struct DayCountName {
    /// The convention.
    pub convention: DayCount,
    /// The name it is written with.
    pub name: &'static str,
    /// Other names it is read by.
    pub aliases: &'static [&'static str],
}

/// Every convention with its names, in the order of the documentation.
pub fn day_count_names() -> &'static [DayCountName] {
    &NAMES
}

const fn n(
    convention: DayCount,
    name: &'static str,
    aliases: &'static [&'static str],
) -> DayCountName {
    DayCountName { convention, name, aliases }
}

/// In the order of the variants of [`DayCount`], so that a convention finds its own row.
#[rustfmt::skip]
static NAMES: [DayCountName; DAY_COUNTS] = [
    n(DayCount::OneOne, "1/1", &["one/one"]),
    n(DayCount::ActActIsda, "ACT/ACT ISDA", &[
        "ACT/ACT", "AA", "A/A ISDA", "ACT/ACT Historical", "ACT/365 ISDA",
    ]),
    n(DayCount::ActActIcma, "ACT/ACT ICMA", &[
        "ACT/ACT ISMA", "ACT/ACT Bond", "A/A ICMA", "A/A ISMA", "ISMA-99", "ICM/ACT",
    ]),
    n(DayCount::ActActAfb, "ACT/ACT AFB", &["ACT/ACT Euro", "A/A AFB", "EXA/EXA", "Exact/Exact"]),
    n(DayCount::ActActYear, "ACT/ACT Year", &["A/A Year"]),
    n(DayCount::Act365Fixed, "ACT/365F", &[
        "ACT/365", "ACT/365 Fixed", "ACT/Fixed 365", "A/365", "A/365F", "A/365 Fixed", "AFI/365",
        "English",
    ]),
    n(DayCount::Act360, "ACT/360", &["A/360", "French"]),
    n(DayCount::Act364, "ACT/364", &["A/364"]),
    n(DayCount::Act366, "ACT/366", &["A/366"]),
    n(DayCount::Act336, "ACT/336", &["A/336"]),
    n(DayCount::Act36525, "ACT/365.25", &["A/365.25"]),
    n(DayCount::Act365Actual, "ACT/365A", &["ACT/365 Actual", "A/365 Actual"]),
    n(DayCount::Act365L, "ACT/365L", &["ACT/365 Leap year", "A/365L", "ISMA-Year"]),
    n(DayCount::Act365Canadian, "ACT/365 Canadian", &["ACT/365 Canadian Bond"]),
    n(DayCount::Nl365, "NL/365", &["ACT/NL", "ACT/365 No leap year", "ACT/365 No leap", "ACT/365NL"]),
    n(DayCount::Nl360, "NL/360", &["ACT/360 No leap year", "ACT/360NL"]),
    n(DayCount::Thirty360Isda, "30/360 ISDA", &[
        "30/360", "30/360 Bond Basis", "30/360 ISDA Bond Basis", "Bond Basis", "360/360",
        "30/360 NASD",
    ]),
    n(DayCount::Thirty360Us, "30/360 US", &[
        "30US/360", "30U/360 EOM", "30/360 SIA", "30/360 US EOM", "30/360 US SIA",
    ]),
    n(DayCount::Thirty360UsFlag, "30U/360", &["30/360 US flag"]),
    n(DayCount::Thirty360Psa, "30/360 PSA", &["PSA", "BMA 30/360", "DAYS360"]),
    n(DayCount::ThirtyE360, "30E/360", &[
        "30/360 ICMA", "30/360 ISMA", "30S/360", "Eurobond Basis", "30/360 Eurobond Basis",
        "30/360 European", "Special German", "EBD/360",
    ]),
    n(DayCount::ThirtyE360Isda, "30E/360 ISDA", &["30E/360 German", "30/360 German", "German"]),
    n(DayCount::ThirtyEPlus360, "30E+/360", &["30/360 E+"]),
    n(DayCount::Thirty360Italian, "30/360 Italian", &["30/360 IT"]),
    n(DayCount::Thirty365, "30/365", &["30/365 ISO 20022"]),
    n(DayCount::ThirtyE365, "30E/365", &["30/365 German", "30E/365 German"]),
    n(DayCount::TwentyEightE336, "28E/336", &["28/336"]),
    n(DayCount::Bus252, "BUS/252", &["B/252", "Business/252"]),
];

/// How many conventions there are.
const DAY_COUNTS: usize = 28;

/// The canonical names alone, for what looks names up and what lists them in a refusal.
static CANONICAL: [(&str, DayCount); DAY_COUNTS] = {
    let mut table = [("", DayCount::OneOne); DAY_COUNTS];
    let mut index = 0;
    while index < DAY_COUNTS {
        table[index] = (NAMES[index].name, NAMES[index].convention);
        index += 1;
    }
    table
};

impl DayCount {
    /// The convention of a name such as `30E/360`, `Actual/365 (Fixed)` or `A360`.
    ///
    /// Case, blanks and punctuation do not matter, and `Actual` is `ACT`. Where a name means
    /// different things to different people, one choice holds: `30/360` alone is the bond basis
    /// of ISDA 2006 section 4.16(f), `ACT/365` is `ACT/365F` and `ACT/ACT` is `ACT/ACT ISDA`.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the names there are.
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        match Key::of(name).and_then(Key::convention) {
            Some(convention) => Ok(convention),
            None => Ok(by_name("day count", name, &CANONICAL)?),
        }
    }

    /// The canonical name.
    pub const fn name(self) -> &'static str {
        CANONICAL[self as usize].0
    }
}

impl std::fmt::Display for DayCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for DayCount {
    type Err = CalendarError;
    fn from_str(name: &str) -> Result<Self, CalendarError> {
        Self::parse(name)
    }
}

impl From<DayCount> for &'static str {
    fn from(convention: DayCount) -> Self {
        convention.name()
    }
}

impl TryFrom<String> for DayCount {
    type Error = CalendarError;
    fn try_from(name: String) -> Result<Self, CalendarError> {
        Self::parse(&name)
    }
}

/// A name reduced to what distinguishes it: capital letters, digits and plus signs, with `ACTUAL`
/// shortened to `ACT`.
#[derive(Clone, Copy)]
struct Key {
    bytes: [u8; Key::LENGTH_MAX],
    length: usize,
}

/// How many names there are, canonical ones and aliases.
const NAMES_AND_ALIASES: usize = {
    let (mut count, mut row) = (0, 0);
    while row < DAY_COUNTS {
        count += 1 + NAMES[row].aliases.len();
        row += 1;
    }
    count
};

/// The keys of all names, made when the library is compiled.
static KEYS: [(Option<Key>, DayCount); NAMES_AND_ALIASES] = {
    let mut keys = [(None, DayCount::OneOne); NAMES_AND_ALIASES];
    let (mut at, mut row) = (0, 0);
    while row < DAY_COUNTS {
        let DayCountName { convention, name, aliases } = NAMES[row];
        keys[at] = (Key::of(name), convention);
        at += 1;
        let mut alias = 0;
        while alias < aliases.len() {
            keys[at] = (Key::of(aliases[alias]), convention);
            at += 1;
            alias += 1;
        }
        row += 1;
    }
    keys
};

impl Key {
    const LENGTH_MAX: usize = 24;
    const ACTUAL: &[u8; 6] = b"ACTUAL";

    /// `None` for what is longer than any name, is not ASCII, or is so short that only its
    /// punctuation tells it from a number, as in `1/1`.
    const fn of(name: &str) -> Option<Self> {
        let (given, mut at) = (name.as_bytes(), 0);
        let mut key = Self { bytes: [0; Self::LENGTH_MAX], length: 0 };
        while at < given.len() {
            let byte = given[at];
            at += 1;
            if !byte.is_ascii() {
                return None;
            }
            if !byte.is_ascii_alphanumeric() && byte != b'+' {
                continue;
            }
            if key.length == Self::LENGTH_MAX {
                return None;
            }
            key.bytes[key.length] = byte.to_ascii_uppercase();
            key.length += 1;
            key.shorten_actual();
        }
        let says_enough = key.length > 1 && !(key.length == 2 && key.bytes[0] == b'1');
        if says_enough { Some(key) } else { None }
    }

    /// Drops the end of a trailing `ACTUAL`.
    const fn shorten_actual(&mut self) {
        let mut matched = 0;
        while matched < Self::ACTUAL.len() {
            if matched == self.length
                || self.bytes[self.length - 1 - matched] != Self::ACTUAL[5 - matched]
            {
                return;
            }
            matched += 1;
        }
        let mut dropped = 0;
        while dropped < b"UAL".len() {
            self.length -= 1;
            self.bytes[self.length] = 0;
            dropped += 1;
        }
    }

    fn convention(self) -> Option<DayCount> {
        KEYS.iter()
            .find(|(key, _)| key.is_some_and(|key| key.bytes == self.bytes))
            .map(|&(_, convention)| convention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convention_finds_its_own_row() {
        for (index, row) in NAMES.iter().enumerate() {
            assert_eq!(row.convention as usize, index, "{}", row.name);
            assert_eq!(row.convention.name(), row.name);
        }
    }

    #[test]
    fn every_name_means_one_convention() {
        let all = || {
            NAMES.iter().flat_map(|row| {
                row.aliases.iter().chain([&row.name]).map(move |name| (*name, row.convention))
            })
        };
        for (name, convention) in all() {
            assert_eq!(DayCount::parse(name), Ok(convention), "{name}");
            assert_eq!(DayCount::parse(&format!("  {} ", name.to_lowercase())), Ok(convention));
            let bytes = |name| Key::of(name).map(|key| key.bytes);
            for (other, another) in all().filter(|(_, another)| *another != convention) {
                assert!(bytes(name).is_none() || bytes(name) != bytes(other), "{name} {another}");
            }
        }
    }

    #[test]
    fn the_spellings_of_the_market_are_read() {
        for (given, want) in [
            ("30/360", "30/360 ISDA"),
            ("ACT/365", "ACT/365F"),
            ("ACT/ACT", "ACT/ACT ISDA"),
            ("Actual/Actual (ISDA)", "ACT/ACT ISDA"),
            ("A/A (ICMA)", "ACT/ACT ICMA"),
            ("ACT/ACT.ISMA", "ACT/ACT ICMA"),
            ("Actual/Actual (Bond)", "ACT/ACT ICMA"),
            ("Actual/365 (Fixed)", "ACT/365F"),
            ("ACT/365.FIXED", "ACT/365F"),
            ("actual / 360", "ACT/360"),
            ("Actual/365 (Actual)", "ACT/365A"),
            ("Actual/365L", "ACT/365L"),
            ("ACT_365_25", "ACT/365.25"),
            ("NL365", "NL/365"),
            ("30E/360.ISDA", "30E/360 ISDA"),
            ("30/360 (ICMA)", "30E/360"),
            ("30/360 ISDA (Bond Basis)", "30/360 ISDA"),
            ("360/360", "30/360 ISDA"),
            ("30u/360", "30U/360"),
            ("30e+/360", "30E+/360"),
            // The codes of ACTUS.
            ("AA", "ACT/ACT ISDA"),
            ("A360", "ACT/360"),
            ("A365", "ACT/365F"),
            ("30E360ISDA", "30E/360 ISDA"),
            ("30E360", "30E/360"),
            ("28E336", "28E/336"),
            ("B252", "BUS/252"),
        ] {
            assert_eq!(DayCount::parse(given).map(DayCount::name), Ok(want), "{given}");
        }
        for given in ["", " ", "11", "/", "30", "ACT", "rubbish", "Ａ360", &"A".repeat(100)] {
            assert!(matches!(DayCount::parse(given), Err(CalendarError::Name(_))), "{given}");
        }
    }

    #[test]
    fn a_convention_reads_and_writes_as_its_name() {
        for row in &NAMES {
            let text = serde_json::to_string(&row.convention).unwrap();
            assert_eq!(text, format!("\"{}\"", row.name));
            assert_eq!(serde_json::from_str::<DayCount>(&text).unwrap(), row.convention);
        }
        assert!(serde_json::from_str::<DayCount>("\"31/360\"").is_err());
    }
}
