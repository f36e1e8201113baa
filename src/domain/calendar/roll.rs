//! On which day of the month the dates of a series fall.

use std::fmt;

use chrono::Weekday;
use serde::{Deserialize, Serialize};

use super::CalendarError;
use crate::domain::error::by_name;

/// Which of a month's Mondays, Tuesdays and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nth {
    /// The first.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The last, fourth or fifth.
    Last,
}

/// On which day of the month a date of a monthly series falls.
///
/// It reads and writes as text: `"same_day"`, `"second tuesday"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum RollRule {
    /// On the seed's day, or the last day of a month that is too short.
    #[default]
    SameDay,
    /// On the last day of the month if the seed is on one (the end-of-month rule), else as
    /// [`Self::SameDay`]: 30 April is followed by 31 May.
    LastDay,
    /// On the seed's day, or the first day of the month after one that is too short: 31 January is
    /// followed by 1 March, 31 March and 1 May.
    FirstDayOfNextMonth,
    /// On a weekday of the month, such as the second Tuesday or the last Friday.
    NthWeekday {
        /// Which of them.
        nth: Nth,
        /// The weekday.
        weekday: Weekday,
    },
}

/// Names of rules, with two of the thirty-five n-th weekdays to show their form in a refusal.
const NAMES: [(&str, RollRule); 9] = [
    ("same_day", RollRule::SameDay),
    ("last_day", RollRule::LastDay),
    ("first_day_of_next_month", RollRule::FirstDayOfNextMonth),
    ("second tuesday", RollRule::NthWeekday { nth: Nth::Second, weekday: Weekday::Tue }),
    ("last friday", RollRule::NthWeekday { nth: Nth::Last, weekday: Weekday::Fri }),
    ("SD", RollRule::SameDay),
    ("EOM", RollRule::LastDay),
    ("end_of_month", RollRule::LastDay),
    ("first_of_next_month", RollRule::FirstDayOfNextMonth),
];

const ORDINALS: [(&str, Nth); 5] = [
    ("first", Nth::First),
    ("second", Nth::Second),
    ("third", Nth::Third),
    ("fourth", Nth::Fourth),
    ("last", Nth::Last),
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

impl RollRule {
    /// The rule of a text: `same_day`, `last_day`, `first_day_of_next_month`, the ACTUS codes `SD`
    /// and `EOM`, or an n-th weekday from `first monday` to `last sunday`.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the names there are.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let unknown = match by_name("month-end rule", text, &NAMES) {
            Ok(rule) => return Ok(rule),
            Err(unknown) => unknown,
        };
        text.trim()
            .split_once([' ', '_'])
            .and_then(|(nth, weekday)| {
                let nth = by_name("ordinal", nth, &ORDINALS).ok()?;
                let weekday = by_name("weekday", weekday, &WEEKDAYS).ok()?;
                Some(Self::NthWeekday { nth, weekday })
            })
            .ok_or(CalendarError::Name(unknown))
    }
}

impl fmt::Display for RollRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name_of = |nth: Nth| ORDINALS.iter().find(|(_, known)| *known == nth).map(|row| row.0);
        let day_of = |day| WEEKDAYS.iter().find(|(_, known)| *known == day).map(|row| row.0);
        match *self {
            Self::SameDay => f.write_str("same_day"),
            Self::LastDay => f.write_str("last_day"),
            Self::FirstDayOfNextMonth => f.write_str("first_day_of_next_month"),
            Self::NthWeekday { nth, weekday } => {
                let (nth, weekday) = (name_of(nth), day_of(weekday));
                write!(f, "{} {}", nth.unwrap_or_default(), weekday.unwrap_or_default())
            }
        }
    }
}

impl From<RollRule> for String {
    fn from(rule: RollRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for RollRule {
    type Error = CalendarError;
    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_and_write_as_text() {
        for (text, rule) in NAMES {
            assert_eq!(RollRule::parse(&text.to_uppercase()), Ok(rule));
            assert_eq!(RollRule::parse(&rule.to_string()), Ok(rule));
        }
        for (nth, _) in ORDINALS {
            for (weekday, _) in WEEKDAYS {
                let text = format!("{nth} {weekday}");
                assert_eq!(RollRule::parse(&text).unwrap().to_string(), text);
            }
        }
        for text in ["", "fifth monday", "first", "first of the month", "monday"] {
            assert!(RollRule::parse(text).is_err(), "{text}");
        }
    }
}
