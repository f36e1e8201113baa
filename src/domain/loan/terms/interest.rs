//! How interest is counted.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::DayCount;

/// How interest is counted: the basis, and over what.
///
/// The basis is given as lending systems give it, days in the month over days in the year, or by
/// the name of a day-count standard in `day_count`. The default is 30/360.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Interest {
    /// How many days a month of a period counts.
    pub days_in_month: DaysInMonth,
    /// How many days a year counts.
    pub days_in_year: DaysInYear,
    /// Which periods have 366 days under actual days in the year.
    pub leap_day: LeapDay,
    /// Where a period that crosses a new year is split under actual days in the year.
    pub year_end: YearEnd,
    /// The name of a standard, such as `30/360 US` or `ACT/ACT ISDA`, in place of the two above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_count: Option<DayCount>,
    /// Over what interest is counted.
    pub period: InterestPeriod,
    /// Whether a period that is not a whole one bears interest in proportion, where interest is
    /// counted by whole repayment periods.
    pub partial_periods: bool,
    /// Whether interest that is not paid on a due date by the method itself (bullet) is added to
    /// the principal there.
    pub capitalise: bool,
}

impl Default for Interest {
    fn default() -> Self {
        Self {
            days_in_month: DaysInMonth::Thirty,
            days_in_year: DaysInYear::D360,
            leap_day: LeapDay::FullYear,
            year_end: YearEnd::December31,
            day_count: None,
            period: InterestPeriod::Daily,
            partial_periods: true,
            capitalise: false,
        }
    }
}

/// How many days a month of a period counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "NameOrNumber", into = "String")]
pub enum DaysInMonth {
    /// As many as it has: `actual`.
    Actual,
    /// Thirty: `30`.
    #[default]
    Thirty,
}

/// How many days a year counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "NameOrNumber", into = "String")]
pub enum DaysInYear {
    /// As many as it has: `actual`.
    Actual,
    /// `360`.
    #[default]
    D360,
    /// `364`, fifty-two weeks.
    D364,
    /// `365`.
    D365,
}

/// Which periods count 366 days under actual days in the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeapDay {
    /// Every day of a leap year.
    #[default]
    FullYear,
    /// Only the period that contains 29 February, its start excluded and its end included.
    #[serde(rename = "feb_29_period_only")]
    Feb29PeriodOnly,
}

/// Where a period that crosses a new year changes from one year's length to the next, under actual
/// days in the year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YearEnd {
    /// At 31 December: the night to 1 January counts in the new year (interest accrues at the end
    /// of a day).
    #[default]
    #[serde(rename = "december_31")]
    December31,
    /// At 1 January: that night counts in the old year (interest accrues at the start of a day).
    #[serde(rename = "january_1")]
    January1,
}

/// Over what interest is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterestPeriod {
    /// Over days.
    #[default]
    Daily,
    /// Over repayment periods: a month is a twelfth of a year, a week a fifty-second.
    SameAsRepayment,
}

/// `"30"`, `30` or `"actual"`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum NameOrNumber {
    Number(Decimal),
    Name(String),
}

impl NameOrNumber {
    fn name(&self) -> String {
        match self {
            Self::Number(number) => number.normalize().to_string(),
            Self::Name(name) => name.trim().to_ascii_lowercase(),
        }
    }
}

impl TryFrom<NameOrNumber> for DaysInMonth {
    type Error = String;
    fn try_from(given: NameOrNumber) -> Result<Self, String> {
        match given.name().as_str() {
            "actual" => Ok(Self::Actual),
            "30" => Ok(Self::Thirty),
            other => Err(format!("unknown days in month \"{other}\": give actual or 30")),
        }
    }
}

impl From<DaysInMonth> for String {
    fn from(days: DaysInMonth) -> Self {
        match days {
            DaysInMonth::Actual => "actual".into(),
            DaysInMonth::Thirty => "30".into(),
        }
    }
}

impl TryFrom<NameOrNumber> for DaysInYear {
    type Error = String;
    fn try_from(given: NameOrNumber) -> Result<Self, String> {
        match given.name().as_str() {
            "actual" => Ok(Self::Actual),
            "360" => Ok(Self::D360),
            "364" => Ok(Self::D364),
            "365" => Ok(Self::D365),
            other => Err(format!("unknown days in year \"{other}\": give actual, 360, 364 or 365")),
        }
    }
}

impl From<DaysInYear> for String {
    fn from(days: DaysInYear) -> Self {
        match days {
            DaysInYear::Actual => "actual".into(),
            DaysInYear::D360 => "360".into(),
            DaysInYear::D364 => "364".into(),
            DaysInYear::D365 => "365".into(),
        }
    }
}
