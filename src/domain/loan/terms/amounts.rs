//! How much is lent and how it is repaid.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How principal is repaid.
///
/// A balloon, steps, custom instalments and grace combine with the methods; they are terms of
/// their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Equal instalments of interest on the outstanding balance and the rest principal.
    #[default]
    Annuity,
    /// Equal parts of principal, and interest on the outstanding balance.
    EqualPrincipal,
    /// Equal parts of principal, and equal parts of the interest on the amount lent over the whole
    /// term.
    Flat,
    /// Equal parts of the total payable: principal × (1 + annual rate × calendar months / 12).
    SimpleInterest,
    /// Interest on every due date, the principal on the last.
    InterestOnly,
    /// Nothing before the last due date, then principal and all interest. Interest is not
    /// compounded unless `interest.capitalise` says so.
    Bullet,
}

/// What happens when an instalment is smaller than the interest of its period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeAmortisation {
    /// The terms are refused.
    #[default]
    Refuse,
    /// The interest not covered is added to the principal and bears interest.
    Capitalise,
    /// The interest not covered is carried without interest and collected by later instalments
    /// before principal.
    Defer,
}

/// What a step changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepTarget {
    /// The whole instalment (for annuities).
    #[default]
    Instalment,
    /// The part of principal (for equal principal and flat).
    Principal,
}

/// A regular growth (step up) or fall (step down) of the instalment or of its principal.
///
/// Exactly one of `amount` and `fraction` is given; negative values step down. The first amount is
/// solved so that the loan is repaid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How many instalments apart the steps are: 12 for once a year with monthly instalments.
    pub every: u32,
    /// The change at each step in currency units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// The change at each step as a fraction of the amount before it, compounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<Decimal>,
    /// What changes; by default the instalment for annuities and the principal otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<StepTarget>,
}

/// One instalment that does not follow the method.
///
/// Exactly one of `instalment`, `principal` and `skip` is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomInstalment {
    /// Which instalment, counted from one without down payments.
    pub number: u32,
    /// The whole instalment without fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instalment: Option<Decimal>,
    /// The principal of the instalment; its interest comes on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Decimal>,
    /// Nothing is paid. The interest of the period follows `negative_amortisation`, and is carried
    /// to the next instalment where that refuses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip: bool,
}

/// A part of every disbursement that is due on the day it is lent.
///
/// Exactly one of `amount` and `fraction` is given. It is rounded to the instalment multiple.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownPayment {
    /// In currency units, of the first disbursement only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// As a fraction of each disbursement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<Decimal>,
}

/// A tranche lent after the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disbursement {
    /// The day it is lent. On a due date it counts from the next period on; in the cumulative
    /// family the instalment of that day repays a part of it already.
    pub on: NaiveDate,
    /// The amount in currency units.
    pub amount: Decimal,
    /// Whether it is income added to the principal: no down payment is made on it. No term of its
    /// own; servicing says so.
    #[serde(skip)]
    pub capitalised: bool,
}

impl Disbursement {
    /// Money lent on a day.
    pub fn new(on: NaiveDate, amount: Decimal) -> Self {
        Self { on, amount, capitalised: false }
    }
}
