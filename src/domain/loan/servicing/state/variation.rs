//! Changes of what is agreed.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A change of what is agreed, with the day from which it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// The operation it came of: its place among everything recorded.
    pub sequence: u32,
    /// The day it counts from.
    pub on: NaiveDate,
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// What changes.
    pub change: Change,
    /// Whether it still stands.
    pub active: bool,
}

/// What a variation changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The annual rate, a fraction.
    Rate(Decimal),
    /// No interest until a day, that day included.
    InterestPause(NaiveDate),
    /// The due date that fell on the day falls on this one.
    DueDate(NaiveDate),
    /// So many instalments more.
    ExtraInstalments(u32),
    /// So many instalments from the day on without principal.
    PrincipalGrace(u32),
    /// So many instalments from the day on whose interest is asked for later.
    InterestGrace(u32),
    /// Nothing is due until a day.
    Holiday(NaiveDate),
    /// The instalment of the day is added at the end.
    Skip,
    /// Delinquency is not counted until a day.
    DelinquencyPause(NaiveDate),
}
