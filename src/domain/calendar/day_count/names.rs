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
        let unknown = match by_name("day count", name, &CANONICAL) {
            Ok(convention) => return Ok(convention),
            Err(unknown) => unknown,
        };
        Self::by_key(name).ok_or(CalendarError::Name(unknown))
    }

    fn by_key(name: &str) -> Option<Self> {
        let wanted = Key::of(name)?;
        NAMES
            .iter()
            .find(|row| wanted.is(row.name) || row.aliases.iter().any(|alias| wanted.is(alias)))
            .map(|row| row.convention)
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
struct Key {
    bytes: [u8; Key::LENGTH_MAX],
    length: usize,
}

impl Key {
    const LENGTH_MAX: usize = 32;

    /// `None` for what is longer than any name, or so short that only its punctuation would tell
    /// it from a plain number.
    fn of(name: &str) -> Option<Self> {
        let mut key = Self { bytes: [0; Self::LENGTH_MAX], length: 0 };
        let significant = name.bytes().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'+');
        for byte in significant {
            *key.bytes.get_mut(key.length)? = byte.to_ascii_uppercase();
            key.length += 1;
            if key.bytes.get(..key.length)?.ends_with(b"ACTUAL") {
                key.length -= b"UAL".len();
            }
        }
        (key.length > 1 && name.is_ascii() && key.as_bytes() != b"11").then_some(key)
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        Self::of(name).is_some_and(|key| key.as_bytes() == self.as_bytes())
    }
}
