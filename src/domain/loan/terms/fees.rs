//! Fees charged with a loan.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One fee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// What the lender calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Currency units for a flat fee, else the fraction of its basis.
    pub value: Decimal,
    /// What the fee is a fraction of.
    #[serde(default)]
    pub basis: FeeBasis,
    /// When it is charged.
    #[serde(default)]
    pub charged: FeeTiming,
    /// The day it is charged, for a fee on a date: it falls into the instalment whose period,
    /// start excluded and end included, contains the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
}

/// What a fee is a fraction of. For a fee per instalment these are the amounts of the instalment,
/// for one on a date those of the whole loan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeBasis {
    /// Of nothing: the value is the fee.
    #[default]
    Flat,
    /// Of principal.
    Amount,
    /// Of interest.
    Interest,
    /// Of principal and interest.
    AmountAndInterest,
    /// Of the amount disbursed.
    Disbursement,
}

/// When a fee is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeTiming {
    /// With every instalment.
    #[default]
    PerInstalment,
    /// When the loan is disbursed; a fraction of the disbursement at every tranche. It is withheld
    /// or paid then and is in no instalment.
    AtDisbursement,
    /// Once, on the day `on`.
    OnDate,
}
