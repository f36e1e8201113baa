//! When instalments are due.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// The distance of due dates: every so many units.
///
/// In JSON a name, such as `"monthly"`, or an object, `{"every": 2, "unit": "week"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "FrequencyForm", into = "FrequencyForm")]
pub struct Frequency {
    /// How many units apart.
    pub every: u32,
    /// The unit.
    pub unit: FrequencyUnit,
}

impl Default for Frequency {
    fn default() -> Self {
        Self { every: 1, unit: FrequencyUnit::Month }
    }
}

/// The unit in which due dates are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrequencyUnit {
    /// Calendar days.
    Day,
    /// Seven days.
    Week,
    /// Twice a month: the day of the first due date and the day fifteen later, and so on.
    HalfMonth,
    /// Calendar months.
    Month,
    /// Calendar years.
    Year,
}

const FREQUENCIES: [(&str, u32, FrequencyUnit); 9] = [
    ("daily", 1, FrequencyUnit::Day),
    ("weekly", 1, FrequencyUnit::Week),
    ("biweekly", 2, FrequencyUnit::Week),
    ("four_weekly", 4, FrequencyUnit::Week),
    ("semimonthly", 1, FrequencyUnit::HalfMonth),
    ("monthly", 1, FrequencyUnit::Month),
    ("quarterly", 3, FrequencyUnit::Month),
    ("semiannual", 6, FrequencyUnit::Month),
    ("annual", 1, FrequencyUnit::Year),
];

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum FrequencyForm {
    Name(String),
    #[serde(rename_all = "snake_case")]
    Units {
        every: u32,
        unit: FrequencyUnit,
    },
}

impl TryFrom<FrequencyForm> for Frequency {
    type Error = String;
    fn try_from(form: FrequencyForm) -> Result<Self, String> {
        match form {
            FrequencyForm::Units { every, unit } => Ok(Self { every, unit }),
            FrequencyForm::Name(given) => {
                let wanted = given.trim().to_ascii_lowercase().replace(['-', ' '], "_");
                FREQUENCIES
                    .iter()
                    .find(|(name, ..)| *name == wanted)
                    .map(|&(_, every, unit)| Self { every, unit })
                    .ok_or_else(|| {
                        let known: Vec<&str> = FREQUENCIES.iter().map(|row| row.0).collect();
                        format!("unknown frequency \"{given}\"; known: {}", known.join(", "))
                    })
            }
        }
    }
}

impl From<Frequency> for FrequencyForm {
    fn from(frequency: Frequency) -> Self {
        let Frequency { every, unit } = frequency;
        FREQUENCIES
            .iter()
            .find(|row| row.1 == every && row.2 == unit)
            .map_or(Self::Units { every, unit }, |row| Self::Name(row.0.into()))
    }
}

/// How due dates fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DueDates {
    /// Where a due date falls whose day the month does not have.
    pub month_end: MonthEndRule,
    /// Where a due date moves that is not a business day.
    pub business_day: BusinessDayRule,
    /// Whether interest is counted to the moved date (shift, then calculate). If not, dates move
    /// and interest does not.
    pub interest_follows: bool,
    /// Days of the week without business; empty means Saturday and Sunday.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekend: Vec<Weekday>,
    /// Days without business.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<NaiveDate>,
    /// All due dates, where they follow no frequency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explicit: Vec<NaiveDate>,
}

impl Default for DueDates {
    fn default() -> Self {
        Self {
            month_end: MonthEndRule::default(),
            business_day: BusinessDayRule::default(),
            interest_follows: true,
            weekend: Vec::new(),
            holidays: Vec::new(),
            explicit: Vec::new(),
        }
    }
}

/// Where a due date falls whose day the month does not have. Every due date is computed from the
/// first one, never from the one before: 31 January, 28 February, 31 March.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonthEndRule {
    /// On the last day of the month.
    #[default]
    LastDayOfMonth,
    /// On the first day of the next month.
    FirstDayOfNextMonth,
    /// On the last day of every month, where the first due date is a last day of its month.
    EndOfMonth,
}

/// Where a due date moves that is not a business day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusinessDayRule {
    /// It does not move.
    #[default]
    None,
    /// To the next business day.
    Following,
    /// To the next business day, unless that is in the next month: then to the one before.
    ModifiedFollowing,
    /// To the business day before.
    Preceding,
    /// To the business day before, unless that is in the month before: then to the next.
    ModifiedPreceding,
    /// To the nearer of the two, the earlier on a tie.
    Nearest,
}
