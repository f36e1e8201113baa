//! The charges that sequences name.

use loan_engine::domain::loan::servicing::{Action, ChargeTiming};
use loan_engine::domain::loan::terms::FeeBasis;
use rust_decimal::Decimal;

use crate::schedule::percent;

/// What a lender has written down about a charge.
#[derive(Clone)]
pub struct Definition {
    pub code: &'static str,
    pub name: &'static str,
    pub penalty: bool,
    pub timing: ChargeTiming,
    pub basis: FeeBasis,
}

const fn charge(
    code: &'static str,
    name: &'static str,
    penalty: bool,
    timing: ChargeTiming,
    basis: FeeBasis,
) -> Definition {
    Definition { code, name, penalty, timing, basis }
}

/// All of them, as they are before a sequence changes one.
pub const DEFINITIONS: [Definition; 8] = [
    charge(
        "PERCENT_PROCESSING_FEE",
        "% Processing fee",
        false,
        ChargeTiming::OnDate,
        FeeBasis::AmountAndInterest,
    ),
    charge(
        "LOAN_FIXED_RETURNED_PAYMENT_FEE",
        "Fixed Returned payment fee",
        false,
        ChargeTiming::OnDate,
        FeeBasis::Flat,
    ),
    charge("LOAN_SNOOZE_FEE", "Snooze fee", false, ChargeTiming::OnDate, FeeBasis::Flat),
    charge("LOAN_NSF_FEE", "NSF fee", true, ChargeTiming::OnDate, FeeBasis::Flat),
    charge(
        "LOAN_DISBURSEMENT_PERCENTAGE_FEE",
        "Disbursement percentage fee",
        false,
        ChargeTiming::AtDisbursement,
        FeeBasis::Amount,
    ),
    charge(
        "LOAN_TRANCHE_DISBURSEMENT_PERCENTAGE_FEE",
        "Tranche Disbursement percentage fee",
        false,
        ChargeTiming::AtDisbursement,
        FeeBasis::Disbursement,
    ),
    charge(
        "LOAN_INSTALLMENT_PERCENTAGE_FEE",
        "Installment percentage fee",
        false,
        ChargeTiming::PerInstalment,
        FeeBasis::AmountAndInterest,
    ),
    charge(
        "LOAN_DISBURSEMENT_CHARGE",
        "Disbursement Charge",
        false,
        ChargeTiming::AtDisbursement,
        FeeBasis::Flat,
    ),
];

/// The basis that a way of calculation names.
pub fn basis(name: &str) -> Result<FeeBasis, String> {
    match name {
        "FLAT" => Ok(FeeBasis::Flat),
        "PERCENTAGE_AMOUNT" => Ok(FeeBasis::Amount),
        "PERCENTAGE_LOAN_AMOUNT_PLUS_INTEREST" => Ok(FeeBasis::AmountAndInterest),
        "PERCENTAGE_INTEREST" => Ok(FeeBasis::Interest),
        "PERCENTAGE_DISBURSEMENT_AMOUNT" => Ok(FeeBasis::Disbursement),
        other => Err(format!("unknown calculation {other}")),
    }
}

/// What the source shows for a basis.
pub fn basis_shown(basis: FeeBasis) -> &'static str {
    match basis {
        FeeBasis::Flat => "Flat",
        FeeBasis::Amount => "% Amount",
        FeeBasis::AmountAndInterest => "% Loan Amount + Interest",
        FeeBasis::Interest => "% Interest",
        FeeBasis::Disbursement => "% Disbursement Amount",
    }
}

/// What the source shows for the time a charge falls due.
pub fn timing_shown(timing: ChargeTiming, basis: FeeBasis) -> &'static str {
    match (timing, basis) {
        (ChargeTiming::AtDisbursement, FeeBasis::Disbursement) => "Tranche Disbursement",
        (ChargeTiming::AtDisbursement, _) => "Disbursement",
        (ChargeTiming::OnDate, _) => "Specified due date",
        (ChargeTiming::PerInstalment, _) => "Installment Fee",
        (ChargeTiming::Overdue, _) => "Overdue Fees",
    }
}

impl Definition {
    /// The charge with a value in currency units or per cent.
    pub fn action(&self, value: Decimal, due_on: Option<chrono::NaiveDate>) -> Action {
        let value = if self.basis == FeeBasis::Flat { value } else { percent(value) };
        let due_on = due_on.filter(|_| self.timing == ChargeTiming::OnDate);
        let (name, penalty) = (self.name.to_owned(), self.penalty);
        Action::Charge { name, value, basis: self.basis, timing: self.timing, due_on, penalty }
    }
}
