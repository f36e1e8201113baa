//! How often something falls due.

use std::fmt;
use std::num::NonZeroU16;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::civil::is_last_day_of_month;
use super::{CalendarError, Fraction, RollRule};
use crate::domain::decimal;
use crate::domain::error::by_name;

/// The two days of the month of a semi-monthly frequency, such as the 1st and the 15th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SemiMonthDays {
    first: u8,
    second: u8,
}

impl SemiMonthDays {
    /// Two days of the month, the first before the second; 31 stands for the last day.
    ///
    /// # Errors
    /// [`CalendarError::Contradiction`] if they are not in order from 1 to 31, or the first is
    /// after the 27th, as the two would then be one day in February.
    pub fn new(first: u8, second: u8) -> Result<Self, CalendarError> {
        if (1..=27).contains(&first) && first < second && second <= 31 {
            Ok(Self { first, second })
        } else {
            Err(CalendarError::Contradiction {
                reason: "The days of a semi-monthly frequency are two days of the month in order, \
                         the first from 1 to 27 and the second up to 31.",
            })
        }
    }

    /// The days of a series whose seed is one of them: the seed's day and the day fifteen days from
    /// it; the 15th and the last day if the series keeps to month ends and its seed is on either.
    pub(super) fn of_seed(seed: NaiveDate, roll: RollRule) -> Self {
        let day = seed.day() as u8;
        if roll == RollRule::LastDay && (day == 15 || is_last_day_of_month(seed)) {
            Self { first: 15, second: 31 }
        } else if day <= 15 {
            Self { first: day, second: day + 15 }
        } else {
            Self { first: day - 15, second: day }
        }
    }

    /// The earlier day, from 1 to 27.
    pub const fn first(self) -> u8 {
        self.first
    }

    /// The later day, up to 31, which stands for the last day of the month.
    pub const fn second(self) -> u8 {
        self.second
    }
}

/// How often something falls due.
///
/// It reads and writes as text: `"monthly"`, `"every 15 days"`, `"semimonthly 1,15"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Frequency {
    /// Every so many days.
    Days(NonZeroU16),
    /// Every so many weeks.
    Weeks(NonZeroU16),
    /// Twice a month: on the two days given, or on the seed's day and the day half a month from
    /// it.
    SemiMonthly(Option<SemiMonthDays>),
    /// Every so many months; a year is twelve.
    Months(NonZeroU16),
}

/// Names of frequencies, the first of each the one it is written with; the last shows the form of
/// all others to who reads the list in a refusal.
const NAMES: [(&str, Frequency); 26] = [
    ("daily", Frequency::DAILY),
    ("weekly", Frequency::WEEKLY),
    ("biweekly", Frequency::BIWEEKLY),
    ("four_weekly", Frequency::FOUR_WEEKLY),
    ("semimonthly", Frequency::SEMIMONTHLY),
    ("monthly", Frequency::MONTHLY),
    ("bimonthly", Frequency::BIMONTHLY),
    ("quarterly", Frequency::QUARTERLY),
    ("semi_annual", Frequency::SEMI_ANNUAL),
    ("annual", Frequency::ANNUAL),
    ("bi-weekly", Frequency::BIWEEKLY),
    ("fortnightly", Frequency::BIWEEKLY),
    ("four-weekly", Frequency::FOUR_WEEKLY),
    ("four weekly", Frequency::FOUR_WEEKLY),
    ("semi-monthly", Frequency::SEMIMONTHLY),
    ("semi_monthly", Frequency::SEMIMONTHLY),
    ("twice a month", Frequency::SEMIMONTHLY),
    ("bi-monthly", Frequency::BIMONTHLY),
    ("semiannual", Frequency::SEMI_ANNUAL),
    ("semi-annual", Frequency::SEMI_ANNUAL),
    ("semiannually", Frequency::SEMI_ANNUAL),
    ("half-yearly", Frequency::SEMI_ANNUAL),
    ("half_yearly", Frequency::SEMI_ANNUAL),
    ("yearly", Frequency::ANNUAL),
    ("annually", Frequency::ANNUAL),
    ("every 15 days", Frequency::Days(count(15))),
];

/// A count known to be positive.
const fn count(value: u16) -> NonZeroU16 {
    match NonZeroU16::new(value) {
        Some(count) => count,
        None => NonZeroU16::MIN,
    }
}

impl Frequency {
    /// Every day.
    pub const DAILY: Self = Self::Days(count(1));
    /// Every week.
    pub const WEEKLY: Self = Self::Weeks(count(1));
    /// Every two weeks.
    pub const BIWEEKLY: Self = Self::Weeks(count(2));
    /// Every four weeks.
    pub const FOUR_WEEKLY: Self = Self::Weeks(count(4));
    /// Twice a month, the days following from the seed.
    pub const SEMIMONTHLY: Self = Self::SemiMonthly(None);
    /// Every month.
    pub const MONTHLY: Self = Self::Months(count(1));
    /// Every two months.
    pub const BIMONTHLY: Self = Self::Months(count(2));
    /// Every three months.
    pub const QUARTERLY: Self = Self::Months(count(3));
    /// Every six months.
    pub const SEMI_ANNUAL: Self = Self::Months(count(6));
    /// Every twelve months.
    pub const ANNUAL: Self = Self::Months(count(12));

    /// The frequency of a text: a name such as `monthly`, `bimonthly` (every two months) or
    /// `biweekly` (every two weeks); `every 15 days`; a period of ISO 8601 such as `P1M`, `P2W`
    /// or `P1Y6M`; or `semimonthly 1,15` and `semimonthly 15,last` with the two days.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the names there are; [`CalendarError::CountOutOfBounds`]
    /// refuses a count of zero or beyond 65,535.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let unknown = match by_name("frequency", text, &NAMES) {
            Ok(frequency) => return Ok(frequency),
            Err(unknown) => unknown,
        };
        let lower = text.trim().to_ascii_lowercase();
        match parse_period(&lower)
            .or_else(|| parse_semimonthly(&lower))
            .or_else(|| parse_every(&lower))
        {
            Some(parsed) => parsed,
            None => Err(CalendarError::Name(unknown)),
        }
    }

    /// Every `number` days, weeks, months or years.
    ///
    /// # Errors
    /// [`CalendarError::CountOutOfBounds`] for zero, a negative or an overlong count.
    pub fn every(number: i64, unit: FrequencyUnit) -> Result<Self, CalendarError> {
        let refusal = |max| CalendarError::CountOutOfBounds {
            what: "the count of a frequency",
            count: number,
            max,
        };
        let (scale, max) = match unit {
            FrequencyUnit::Year => (12, i64::from(u16::MAX / 12)),
            _ => (1, i64::from(u16::MAX)),
        };
        if number > max {
            return Err(refusal(max));
        }
        let count = u16::try_from(number * scale)
            .ok()
            .and_then(NonZeroU16::new)
            .ok_or_else(|| refusal(max))?;
        Ok(match unit {
            FrequencyUnit::Day => Self::Days(count),
            FrequencyUnit::Week => Self::Weeks(count),
            FrequencyUnit::Month | FrequencyUnit::Year => Self::Months(count),
        })
    }

    /// The months of a period, if it is a number of months.
    pub const fn months(self) -> Option<u16> {
        match self {
            Self::Months(count) => Some(count.get()),
            _ => None,
        }
    }

    /// The days of a period, if it is a number of days or weeks.
    pub const fn days(self) -> Option<i64> {
        match self {
            Self::Days(count) => Some(count.get() as i64),
            Self::Weeks(count) => Some(count.get() as i64 * 7),
            _ => None,
        }
    }

    /// What part of a year one period is by name: n of 12 months, of 52 weeks or of 365 days, and
    /// 1 of 24 half months.
    pub const fn period_of_year(self) -> Fraction {
        let (numerator, denominator) = match self {
            Self::Days(count) => (count.get(), 365),
            Self::Weeks(count) => (count.get(), 52),
            Self::SemiMonthly(_) => (1, 24),
            Self::Months(count) => (count.get(), 12),
        };
        Fraction { numerator: numerator as i64, denominator }
    }

    /// Periods a year: 12 for monthly, 26 for biweekly, 24 for semimonthly, 365 for daily.
    ///
    /// # Errors
    /// None in practice: the quotient is at most 365.
    pub fn per_year(self) -> Result<Decimal, CalendarError> {
        let period = self.period_of_year();
        Ok(decimal::div(Decimal::from(period.denominator), Decimal::from(period.numerator))?)
    }
}

/// What a frequency counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrequencyUnit {
    /// Calendar days.
    Day,
    /// Weeks of seven days.
    Week,
    /// Calendar months.
    Month,
    /// Calendar years, kept as twelve months.
    Year,
}

impl FrequencyUnit {
    fn of_word(word: &str) -> Option<Self> {
        match word.strip_suffix('s').unwrap_or(word) {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            _ => None,
        }
    }
}

/// `p1m`, `p2w`, `p1y6m`: a period of ISO 8601 in small letters, of one unit or of years and
/// months.
fn parse_period(text: &str) -> Option<Result<Frequency, CalendarError>> {
    let body = text.strip_prefix('p')?;
    let part = |part: &str| part.parse::<u32>().ok().map(i64::from);
    let every = |part: Option<i64>, unit| part.map(|number| Frequency::every(number, unit));
    let (years, rest) = body.split_once('y').unwrap_or(("", body));
    match (years, rest.strip_suffix('m')) {
        ("", Some(months)) => every(part(months), FrequencyUnit::Month),
        ("", None) => match (rest.strip_suffix('w'), rest.strip_suffix('d')) {
            (Some(weeks), _) => every(part(weeks), FrequencyUnit::Week),
            (_, Some(days)) => every(part(days), FrequencyUnit::Day),
            _ => None,
        },
        (years, None) if rest.is_empty() => every(part(years), FrequencyUnit::Year),
        (_, None) => None,
        (years, Some(months)) => {
            let total = part(years)?.saturating_mul(12).saturating_add(part(months)?);
            every(Some(total), FrequencyUnit::Month)
        }
    }
}

/// `semimonthly 1,15` and `semimonthly 15,last`.
fn parse_semimonthly(text: &str) -> Option<Result<Frequency, CalendarError>> {
    let rest = text.strip_prefix("semimonthly").or_else(|| text.strip_prefix("semi-monthly"))?;
    let (first, second) = rest.trim().trim_matches(['(', ')']).split_once(',')?;
    let first = first.trim().parse().ok()?;
    let second = match second.trim() {
        "last" => 31,
        day => day.parse().ok()?,
    };
    Some(SemiMonthDays::new(first, second).map(|days| Frequency::SemiMonthly(Some(days))))
}

/// `every 15 days`, `every month`, `15 days`.
fn parse_every(text: &str) -> Option<Result<Frequency, CalendarError>> {
    let mut words = text.split_ascii_whitespace().skip_while(|word| *word == "every");
    let (first, second, rest) = (words.next()?, words.next(), words.next());
    let (number, unit) = match second {
        Some(unit) => (first.parse::<i64>().ok()?, unit),
        None if text.starts_with("every") => (1, first),
        None => return None,
    };
    let unit = FrequencyUnit::of_word(unit)?;
    rest.is_none().then(|| Frequency::every(number, unit))
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMES.iter().find(|(_, frequency)| frequency == self) {
            return f.write_str(name);
        }
        match *self {
            Self::Days(count) => write!(f, "every {count} days"),
            Self::Weeks(count) => write!(f, "every {count} weeks"),
            Self::Months(count) if count.get() % 12 == 0 => {
                write!(f, "every {} years", count.get() / 12)
            }
            Self::Months(count) => write!(f, "every {count} months"),
            Self::SemiMonthly(None) => f.write_str("semimonthly"),
            Self::SemiMonthly(Some(days)) if days.second == 31 => {
                write!(f, "semimonthly {},last", days.first)
            }
            Self::SemiMonthly(Some(days)) => {
                write!(f, "semimonthly {},{}", days.first, days.second)
            }
        }
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> Self {
        frequency.to_string()
    }
}

impl TryFrom<String> for Frequency {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for Frequency {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_periods_are_read() {
        for (text, want) in [
            ("Monthly", Frequency::MONTHLY),
            (" every month ", Frequency::MONTHLY),
            ("P1M", Frequency::MONTHLY),
            ("p3m", Frequency::QUARTERLY),
            ("P1Y", Frequency::ANNUAL),
            ("P1Y6M", Frequency::Months(count(18))),
            ("P2W", Frequency::BIWEEKLY),
            ("P10D", Frequency::Days(count(10))),
            ("every 15 days", Frequency::Days(count(15))),
            ("45 days", Frequency::Days(count(45))),
            ("every 2 weeks", Frequency::BIWEEKLY),
            ("every 1 year", Frequency::ANNUAL),
            ("fortnightly", Frequency::BIWEEKLY),
            ("four_weekly", Frequency::FOUR_WEEKLY),
            ("half-yearly", Frequency::SEMI_ANNUAL),
        ] {
            assert_eq!(Frequency::parse(text), Ok(want), "{text}");
        }
        for (text, first, second) in
            [("semimonthly 1,15", 1, 15), ("semi-monthly (15, last)", 15, 31)]
        {
            let days = SemiMonthDays::new(first, second).unwrap();
            assert_eq!(Frequency::parse(text), Ok(Frequency::SemiMonthly(Some(days))));
        }
    }

    #[test]
    fn what_is_no_frequency_is_refused() {
        for text in [
            "",
            "P",
            "PM",
            "P1",
            "P1M2D",
            "P-1M",
            "every",
            "every 2",
            "every 2 moons",
            "every 2 days or so",
            "month",
            "semimonthly 15",
            "monthly 1,15",
        ] {
            assert!(matches!(Frequency::parse(text), Err(CalendarError::Name(_))), "{text}");
        }
        for text in ["every 0 days", "P0M", "every -1 weeks", "P70000D", "every 9999 years"] {
            assert!(
                matches!(Frequency::parse(text), Err(CalendarError::CountOutOfBounds { .. })),
                "{text}"
            );
        }
        for text in
            ["semimonthly 15,1", "semimonthly 0,15", "semimonthly 15,32", "semimonthly 28,29"]
        {
            assert!(
                matches!(Frequency::parse(text), Err(CalendarError::Contradiction { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn periods_a_year_are_the_customary_ones() {
        for (frequency, want) in [
            (Frequency::DAILY, 365),
            (Frequency::WEEKLY, 52),
            (Frequency::BIWEEKLY, 26),
            (Frequency::FOUR_WEEKLY, 13),
            (Frequency::SEMIMONTHLY, 24),
            (Frequency::MONTHLY, 12),
            (Frequency::BIMONTHLY, 6),
            (Frequency::QUARTERLY, 4),
            (Frequency::SEMI_ANNUAL, 2),
            (Frequency::ANNUAL, 1),
        ] {
            assert_eq!(frequency.per_year(), Ok(Decimal::from(want)), "{frequency}");
        }
    }

    fn any_frequency() -> impl Strategy<Value = Frequency> {
        let any_count = || (1_u16..=u16::MAX).prop_map(count);
        prop_oneof![
            any_count().prop_map(Frequency::Days),
            any_count().prop_map(Frequency::Weeks),
            any_count().prop_map(Frequency::Months),
            (1_u8..=27, 1_u8..=30).prop_map(|(first, more)| {
                let days = SemiMonthDays::new(first, (first + more).min(31)).unwrap();
                Frequency::SemiMonthly(Some(days))
            }),
            Just(Frequency::SEMIMONTHLY),
        ]
    }

    proptest! {
        #[test]
        fn a_frequency_reads_and_writes_as_text(frequency in any_frequency()) {
            let text = serde_json::to_string(&frequency).unwrap();
            prop_assert_eq!(serde_json::from_str::<Frequency>(&text).unwrap(), frequency);
            prop_assert!(frequency.per_year().unwrap() > Decimal::ZERO);
        }
    }
}
