//! The rules by which people are paid, and how they are written.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, Weekday};

use super::PayCycleError;
use crate::domain::calendar::civil::{DAY_NUMBER_2000_01_01, date_of, day_number};

/// What becomes of a pay day on which there is no business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Roll {
    /// Paid on the business day before.
    Preceding,
    /// Paid on the business day after.
    Following,
    /// Paid all the same.
    Unrolled,
}

impl Roll {
    /// All of them, the market's usual first.
    pub const ALL: [Self; 3] = [Self::Preceding, Self::Following, Self::Unrolled];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preceding => "preceding",
            Self::Following => "following",
            Self::Unrolled => "unrolled",
        }
    }
}

/// How often people are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// On every business day.
    Daily,
    /// Once a week.
    Weekly,
    /// Every second week.
    Biweekly,
    /// Every fourth week.
    FourWeekly,
    /// On two days of each month.
    Semimonthly,
    /// Once a month.
    Monthly,
    /// Every third month.
    Quarterly,
    /// Every sixth month.
    Semiannual,
    /// Once a year.
    Annual,
    /// By no rule.
    Irregular,
}

impl Kind {
    /// All of them, from the most frequent.
    pub const ALL: [Self; 10] = [
        Self::Daily,
        Self::Weekly,
        Self::Biweekly,
        Self::FourWeekly,
        Self::Semimonthly,
        Self::Monthly,
        Self::Quarterly,
        Self::Semiannual,
        Self::Annual,
        Self::Irregular,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Biweekly => "biweekly",
            Self::FourWeekly => "four_weekly",
            Self::Semimonthly => "semimonthly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Semiannual => "semiannual",
            Self::Annual => "annual",
            Self::Irregular => "irregular",
        }
    }
}

/// A day of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MonthDay {
    /// By its number; the last day of a month that has fewer.
    Day(u8),
    /// The n-th of a weekday, 0 for Monday; the last for -1.
    Weekday(u8, i8),
    /// The n-th business day, counted from the end when negative.
    Business(i8),
}

/// On which days people are paid, before business days are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Every business day.
    Daily,
    /// Every so many weeks, on the days whose number since 2000-01-01 leaves this remainder.
    Weeks(u8, u8),
    /// Two days of each month.
    Semimonthly(u8, u8),
    /// A day of every so many months, of those whose number since year 0 leaves this remainder.
    Months(u8, u8, MonthDay),
}

/// A rule and what it does about days without business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cycle {
    /// The rule.
    pub rule: Rule,
    /// What becomes of days without business.
    pub roll: Roll,
}

impl Rule {
    /// How often it pays.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Daily => Kind::Daily,
            Self::Weeks(1, _) => Kind::Weekly,
            Self::Weeks(2, _) => Kind::Biweekly,
            Self::Weeks(..) => Kind::FourWeekly,
            Self::Semimonthly(..) => Kind::Semimonthly,
            Self::Months(1, ..) => Kind::Monthly,
            Self::Months(3, ..) => Kind::Quarterly,
            Self::Months(6, ..) => Kind::Semiannual,
            Self::Months(..) => Kind::Annual,
        }
    }

    /// Whether its days are business days by themselves, so that nothing is rolled.
    pub const fn is_business(self) -> bool {
        matches!(self, Self::Daily | Self::Months(_, _, MonthDay::Business(_)))
    }

    /// How many days of its month or weeks it names.
    pub const fn days(self) -> u32 {
        match self {
            Self::Semimonthly(..) => 2,
            _ => 1,
        }
    }

    /// Mean days from one pay day to the next.
    pub const fn mean_gap(self) -> f64 {
        match self {
            Self::Daily => 1.4,
            Self::Weeks(weeks, _) => 7.0 * weeks as f64,
            Self::Semimonthly(..) => 15.2,
            Self::Months(months, ..) => 30.44 * months as f64,
        }
    }
}

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];
const WEEKDAY_NAMES: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn weekday_name(weekday: u8) -> &'static str {
    WEEKDAY_NAMES.get(usize::from(weekday)).copied().unwrap_or("monday")
}

/// The first day since 2000-01-01 of a remainder, which is how a phase is written.
fn anchor(phase: u8) -> NaiveDate {
    date_of(DAY_NUMBER_2000_01_01 + i32::from(phase)).unwrap_or_default()
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.kind().name())?;
        match self.rule {
            Rule::Daily => return Ok(()),
            Rule::Weeks(1, phase) => {
                use chrono::Datelike;
                let weekday = anchor(phase).weekday().num_days_from_monday();
                write!(f, " {}", weekday_name(weekday as u8))?;
            }
            Rule::Weeks(_, phase) => write!(f, " {}", anchor(phase))?,
            Rule::Semimonthly(first, second) => write!(f, " {first} {second}")?,
            Rule::Months(every, phase, on) => {
                if every > 1 {
                    write!(f, " month {}", phase + 1)?;
                }
                match on {
                    MonthDay::Day(day) => write!(f, " {day}")?,
                    MonthDay::Weekday(weekday, nth) => {
                        write!(f, " {} {nth}", weekday_name(weekday))?;
                    }
                    MonthDay::Business(nth) => return write!(f, " business {nth}"),
                }
            }
        }
        write!(f, " {}", self.roll.name())
    }
}

impl FromStr for Cycle {
    type Err = PayCycleError;

    fn from_str(text: &str) -> Result<Self, PayCycleError> {
        read(text).ok_or_else(|| PayCycleError::UnknownCycle(text.chars().take(80).collect()))
    }
}

/// Reads what [`Cycle`] writes.
fn read(text: &str) -> Option<Cycle> {
    let mut words = text.split_ascii_whitespace();
    let name = words.next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let rule = match kind {
        Kind::Daily => Rule::Daily,
        Kind::Irregular => return None,
        Kind::Weekly => {
            let wanted = WEEKDAY_NAMES.iter().position(|name| Some(*name) == words.clone().next());
            words.next();
            Rule::Weeks(1, first_of(*WEEKDAYS.get(wanted?)?))
        }
        Kind::Biweekly => Rule::Weeks(2, phase_of(words.next()?, 14)?),
        Kind::FourWeekly => Rule::Weeks(4, phase_of(words.next()?, 28)?),
        Kind::Semimonthly => {
            let (first, second) = (day_of(words.next()?)?, day_of(words.next()?)?);
            (first < second).then_some(Rule::Semimonthly(first, second))?
        }
        Kind::Monthly => Rule::Months(1, 0, month_day(&mut words)?),
        Kind::Quarterly => months(3, &mut words)?,
        Kind::Semiannual => months(6, &mut words)?,
        Kind::Annual => months(12, &mut words)?,
    };
    let roll = if rule.is_business() {
        Roll::Preceding
    } else {
        let word = words.next()?;
        Roll::ALL.into_iter().find(|roll| roll.name() == word)?
    };
    words.next().is_none().then_some(Cycle { rule, roll })
}

/// Days from 2000-01-01, a Saturday, to the first of a weekday.
fn first_of(weekday: Weekday) -> u8 {
    ((weekday.num_days_from_monday() + 2) % 7) as u8
}

fn phase_of(word: &str, days: i32) -> Option<u8> {
    let date: NaiveDate = word.parse().ok()?;
    u8::try_from((day_number(date) - DAY_NUMBER_2000_01_01).rem_euclid(days)).ok()
}

fn day_of(word: &str) -> Option<u8> {
    word.parse().ok().filter(|day| (1..=31).contains(day))
}

fn month_day<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<MonthDay> {
    let word = words.next()?;
    if word == "business" {
        let nth: i8 = words.next()?.parse().ok()?;
        return (nth != 0 && nth.abs() <= 10).then_some(MonthDay::Business(nth));
    }
    if let Some(weekday) = WEEKDAY_NAMES.iter().position(|name| *name == word) {
        let nth: i8 = words.next()?.parse().ok()?;
        return (nth == -1 || (1..=4).contains(&nth))
            .then_some(MonthDay::Weekday(weekday as u8, nth));
    }
    day_of(word).map(MonthDay::Day)
}

fn months<'a>(every: u8, words: &mut impl Iterator<Item = &'a str>) -> Option<Rule> {
    if words.next()? != "month" {
        return None;
    }
    let month: u8 = words.next()?.parse().ok()?;
    (1..=every).contains(&month).then_some(())?;
    Some(Rule::Months(every, month - 1, month_day(words)?))
}
