//! A schedule: what is due, and when.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::decimal::{self, ArithmeticError};

/// What a row of a schedule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A regular instalment.
    #[default]
    Instalment,
    /// A part of a disbursement due on the day it is lent.
    DownPayment,
}

/// One row of a schedule. Amounts are in currency units.
///
/// `closing_balance = opening_balance + disbursed - principal`, each row opens where the one
/// before closed, and `total = principal + interest + fees`. The first row opens with the first
/// disbursement. Interest added to the balance instead of being paid is shown as interest with as
/// much negative principal, so its row has a total of what is really paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instalment {
    /// Counted from one, down payments included.
    pub number: u32,
    /// Whether it is a regular instalment or a down payment.
    pub kind: RowKind,
    /// The first day of the period, the due date before.
    pub period_start: NaiveDate,
    /// The day it is due.
    pub due_date: NaiveDate,
    /// Principal outstanding before the row.
    pub opening_balance: Decimal,
    /// Tranches lent within the period, from its start to the day before its end; in the cumulative
    /// family from the day after its start to its end.
    pub disbursed: Decimal,
    /// Principal due; negative where interest is added to the balance.
    pub principal: Decimal,
    /// Interest due.
    pub interest: Decimal,
    /// What of the interest due other periods bore; below zero where a later row asks for what this
    /// one's period bore.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub carried_over: Decimal,
    /// Fees due.
    pub fees: Decimal,
    /// Everything due: principal, interest and fees.
    pub total: Decimal,
    /// Principal outstanding after the row.
    pub closing_balance: Decimal,
}

impl Instalment {
    /// What is owed before the instalment is paid: the opening balance with what is lent within
    /// the period.
    pub fn owed(&self) -> Decimal {
        // Both were added without overflow when the row was made.
        self.opening_balance.saturating_add(self.disbursed)
    }

    /// The interest its period bears, asked for here or later.
    pub(crate) fn interest_borne(&self) -> Result<Decimal, ArithmeticError> {
        decimal::sub(self.interest, self.carried_over)
    }
}

/// A whole schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// What is due, in order of date.
    pub rows: Vec<Instalment>,
    /// What is lent, in order of date: the day, the amount and the fees charged with it.
    pub disbursements: Vec<DisbursementRow>,
    /// The regular instalment without fees, as solved or agreed; the first where it changes.
    pub instalment: Decimal,
}

/// One disbursement of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisbursementRow {
    /// The day it is lent.
    pub on: NaiveDate,
    /// The amount lent.
    pub amount: Decimal,
    /// Fees charged with the disbursement.
    pub fees: Decimal,
}
