//! Periods at the start of a loan with less to pay.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Grace at the start of a loan, each counted in instalments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grace {
    /// Instalments without principal.
    #[serde(skip_serializing_if = "is_zero")]
    pub principal: u32,
    /// Instalments without interest payment. The interest is deferred without bearing interest
    /// and collected with the first instalment after the grace, unless `capitalise` says
    /// otherwise.
    #[serde(skip_serializing_if = "is_zero")]
    pub interest_payment: u32,
    /// Periods in which no interest is charged.
    #[serde(skip_serializing_if = "is_zero")]
    pub interest_free: u32,
    /// Instalments without any payment: grace on principal and on interest payment together.
    #[serde(skip_serializing_if = "is_zero")]
    pub moratorium: u32,
    /// After the grace on principal, instalments without principal between two with principal.
    #[serde(skip_serializing_if = "is_zero")]
    pub recurring_principal: u32,
    /// The day from which interest is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest_from: Option<NaiveDate>,
    /// Whether the interest of a flat loan that grace keeps from being paid is spread evenly over
    /// the instalments after it, rather than collected with the first of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spread: bool,
    /// Whether interest that is not paid during grace is added to the principal at each due date.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub capitalise: bool,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
