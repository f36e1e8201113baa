//! Transactions as the source lists them.

use loan_engine::domain::loan::servicing::{Action, Loan, Transaction, TransactionKind};

/// The transactions that are listed, in the order listed: those that stand and those somebody
/// asked to reverse, but none that a replay put another in the place of, and none of a disbursement
/// that was undone.
pub fn listed(loan: &Loan) -> Vec<&Transaction> {
    let unlent = |sequence: u32| {
        let of = loan.operations().iter().find(|one| one.sequence == sequence);
        of.is_some_and(|one| matches!(one.operation.action, Action::UndoDisbursement { .. }))
    };
    let mut all: Vec<&Transaction> = loan
        .transactions()
        .iter()
        .filter(|one| {
            one.reversed.is_none_or(|reversal| reversal.asked && !unlent(reversal.sequence))
        })
        .collect();
    all.sort_by_key(|one| (one.on, one.id));
    all
}

/// Whether a listed transaction is shown as reversed.
pub fn is_reverted(one: &Transaction) -> bool {
    one.reversed.is_some()
}

/// The name a kind is listed under.
pub fn name(kind: TransactionKind) -> &'static str {
    match kind {
        TransactionKind::Disbursement => "Disbursement",
        TransactionKind::DownPayment => "Down Payment",
        TransactionKind::RepaymentAtDisbursement => "Repayment (at time of disbursement)",
        TransactionKind::Repayment => "Repayment",
        TransactionKind::MerchantRefund => "Merchant Issued Refund",
        TransactionKind::PayoutRefund => "Payout Refund",
        TransactionKind::GoodwillCredit => "Goodwill Credit",
        TransactionKind::InterestPaymentWaiver => "Interest Payment Waiver",
        TransactionKind::InterestRefund => "Interest Refund",
        TransactionKind::ChargeRefund => "Charge Refund",
        TransactionKind::ChargeAdjustment => "Charge Adjustment",
        TransactionKind::ChargePayment => "Charge Payment",
        TransactionKind::InterestWaiver => "Waive interest",
        TransactionKind::ChargeWaiver => "Waive loan charges",
        TransactionKind::WriteOff => "Close (as written-off)",
        TransactionKind::Recovery => "Repayment (after write-off)",
        TransactionKind::ChargeOff => "Charge-off",
        TransactionKind::Chargeback => "Chargeback",
        TransactionKind::CreditBalanceRefund => "Credit Balance Refund",
        TransactionKind::Refund => "Refund",
        TransactionKind::Accrual => "Accrual",
        TransactionKind::AccrualAdjustment => "Accrual Adjustment",
        TransactionKind::AccrualActivity => "Accrual Activity",
        TransactionKind::CapitalisedIncome => "Capitalized Income",
        TransactionKind::CapitalisedIncomeAmortisation => "Capitalized Income Amortization",
        TransactionKind::ReAge => "Re-age",
        TransactionKind::ReAmortise => "Re-amortize",
        TransactionKind::OwnerTransfer => "Owner Transfer",
        TransactionKind::Termination => "Contract Termination",
    }
}

/// The kind that a code of transaction types names.
pub fn kind(code: &str) -> Result<TransactionKind, String> {
    Ok(match code {
        "DISBURSEMENT" => TransactionKind::Disbursement,
        "REPAYMENT" => TransactionKind::Repayment,
        "DOWN_PAYMENT" => TransactionKind::DownPayment,
        "GOODWILL_CREDIT" => TransactionKind::GoodwillCredit,
        "PAYOUT_REFUND" | "REFUND_BY_CASH" => TransactionKind::PayoutRefund,
        "MERCHANT_ISSUED_REFUND" => TransactionKind::MerchantRefund,
        "CREDIT_BALANCE_REFUND" => TransactionKind::CreditBalanceRefund,
        "CHARGEBACK" => TransactionKind::Chargeback,
        "ACCRUAL" => TransactionKind::Accrual,
        "CHARGE_OFF" => TransactionKind::ChargeOff,
        "CHARGE_ADJUSTMENT" => TransactionKind::ChargeAdjustment,
        "INTEREST_PAYMENT_WAIVER" => TransactionKind::InterestPaymentWaiver,
        "REPAYMENT_AT_DISBURSEMENT" => TransactionKind::RepaymentAtDisbursement,
        "CAPITALIZED_INCOME" => TransactionKind::CapitalisedIncome,
        other => return Err(format!("unknown transaction type {other}")),
    })
}
