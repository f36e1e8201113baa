//! Double-entry movements, by abstract account.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Abstract accounts, which a book maps to its chart of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// Where money lent comes from and money received goes to.
    FundSource,
    /// Principal owed by the borrower.
    Principal,
    /// Interest recognised and not yet received.
    InterestReceivable,
    /// Fees recognised and not yet received.
    FeeReceivable,
    /// Penalties recognised and not yet received.
    PenaltyReceivable,
    /// Interest earned.
    InterestIncome,
    /// Fees earned.
    FeeIncome,
    /// Penalties earned.
    PenaltyIncome,
    /// Money of the borrower's that nothing is owed for.
    Overpayment,
    /// Losses by write-off.
    WriteOff,
    /// Losses by charge-off.
    ChargeOffExpense,
    /// Losses by charge-off for fraud.
    ChargeOffFraudExpense,
    /// Interest earned that is given up: taken for lost, or credited out of goodwill.
    InterestIncomeChargeOff,
    /// Fees earned that are given up.
    FeeIncomeChargeOff,
    /// Penalties earned that are given up.
    PenaltyIncomeChargeOff,
    /// Money received of what was given up.
    Recoveries,
    /// What goodwill costs.
    GoodwillExpense,
    /// Income added to the principal and not yet earned.
    DeferredIncome,
    /// Assets on the way to another owner.
    Suspense,
}

impl Account {
    /// Its name, as in the JSON form.
    pub fn name(self) -> &'static str {
        match self {
            Self::FundSource => "fund_source",
            Self::Principal => "principal",
            Self::InterestReceivable => "interest_receivable",
            Self::FeeReceivable => "fee_receivable",
            Self::PenaltyReceivable => "penalty_receivable",
            Self::InterestIncome => "interest_income",
            Self::FeeIncome => "fee_income",
            Self::PenaltyIncome => "penalty_income",
            Self::Overpayment => "overpayment",
            Self::WriteOff => "write_off",
            Self::ChargeOffExpense => "charge_off_expense",
            Self::ChargeOffFraudExpense => "charge_off_fraud_expense",
            Self::InterestIncomeChargeOff => "interest_income_charge_off",
            Self::FeeIncomeChargeOff => "fee_income_charge_off",
            Self::PenaltyIncomeChargeOff => "penalty_income_charge_off",
            Self::Recoveries => "recoveries",
            Self::GoodwillExpense => "goodwill_expense",
            Self::DeferredIncome => "deferred_income",
            Self::Suspense => "suspense",
        }
    }
}

/// One side of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// The transaction it posts.
    pub transaction: u32,
    /// The day it is posted for.
    pub on: NaiveDate,
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// The account.
    pub account: Account,
    /// What is debited, or nothing.
    pub debit: Decimal,
    /// What is credited, or nothing.
    pub credit: Decimal,
    /// Whether it takes back an earlier one.
    #[serde(default)]
    pub reversal: bool,
}
