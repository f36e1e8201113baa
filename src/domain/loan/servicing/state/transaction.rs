//! Transactions: what an operation did to the loan.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::amounts::Amounts;

/// What a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Money lent.
    Disbursement,
    /// The part of a disbursement paid back on the day it is lent.
    DownPayment,
    /// A charge withheld from a disbursement.
    RepaymentAtDisbursement,
    /// A payment by the borrower.
    Repayment,
    /// A merchant gave money back for returned goods.
    MerchantRefund,
    /// A payout was returned.
    PayoutRefund,
    /// The lender credits the borrower out of goodwill.
    GoodwillCredit,
    /// The lender pays interest of the borrower's.
    InterestPaymentWaiver,
    /// Interest given back because of a refund.
    InterestRefund,
    /// A charge that was paid is given back and pays the loan.
    ChargeRefund,
    /// A charge is lowered after it was charged.
    ChargeAdjustment,
    /// A payment of one charge.
    ChargePayment,
    /// Interest forgiven.
    InterestWaiver,
    /// Charges forgiven.
    ChargeWaiver,
    /// Everything outstanding given up.
    WriteOff,
    /// Money received after giving up.
    Recovery,
    /// The loan is taken for lost in the books, though still owed.
    ChargeOff,
    /// A payment is taken back by the payer's bank.
    Chargeback,
    /// An overpayment is given back.
    CreditBalanceRefund,
    /// Money is given back to the borrower out of what was paid.
    Refund,
    /// Income recognised as it is earned.
    Accrual,
    /// Income recognised that was not earned after all, taken back.
    AccrualAdjustment,
    /// A note of what a period earned.
    AccrualActivity,
    /// Income added to the principal, to be earned over the term.
    CapitalisedIncome,
    /// A part of capitalised income that is earned.
    CapitalisedIncomeAmortisation,
    /// Arrears spread over new instalments.
    ReAge,
    /// Arrears spread over the remaining instalments.
    ReAmortise,
    /// The loan belongs to another owner.
    OwnerTransfer,
    /// The contract is ended before its time.
    Termination,
}

impl TransactionKind {
    /// Whether it pays what is owed, as the borrower's money would.
    pub fn is_payment(self) -> bool {
        matches!(
            self,
            Self::DownPayment
                | Self::Repayment
                | Self::MerchantRefund
                | Self::PayoutRefund
                | Self::GoodwillCredit
                | Self::InterestPaymentWaiver
                | Self::InterestRefund
                | Self::ChargeRefund
                | Self::ChargeAdjustment
                | Self::ChargePayment
                | Self::InterestWaiver
                | Self::RepaymentAtDisbursement
        )
    }

    /// Whether it leaves what is outstanding of principal as it is, and changes only when it is
    /// asked for, or how the books see it.
    pub fn leaves_balance(self) -> bool {
        matches!(
            self,
            Self::ReAge
                | Self::ReAmortise
                | Self::ChargeOff
                | Self::OwnerTransfer
                | Self::Termination
        )
    }

    /// Its place among what one operation does: what is withheld from a disbursement and what pays
    /// it down come after it, interest is given back after the refund that made it needless, and
    /// what a payment left over after the payment.
    pub(crate) fn place_in_operation(self) -> u8 {
        match self {
            Self::DownPayment | Self::InterestRefund => 1,
            Self::RepaymentAtDisbursement | Self::CreditBalanceRefund => 2,
            _ => 0,
        }
    }

    /// Whether it only recognises income and moves nothing that is owed.
    pub fn is_recognition(self) -> bool {
        matches!(
            self,
            Self::Accrual
                | Self::AccrualAdjustment
                | Self::AccrualActivity
                | Self::CapitalisedIncomeAmortisation
        )
    }
}

/// How a transaction came to stand no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// The operation that did it.
    pub sequence: u32,
    /// Whether somebody asked for it; if not, a replay put another in its place.
    pub asked: bool,
}

/// What a transaction paid (or took back, where negative) of one line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// The due date of the line.
    pub due_date: NaiveDate,
    /// The number of the line when it was paid.
    pub line: u32,
    /// How much, by component.
    pub amounts: Amounts,
}

/// What a transaction paid of one charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargePart {
    /// The charge.
    pub charge: String,
    /// The number of the line it is in.
    pub line: u32,
    /// How much.
    pub amount: Decimal,
}

/// One transaction. It never changes once made but for its reversal: a replay that comes to
/// something else makes another in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// Counted from one in the order made.
    pub id: u32,
    /// The operation it came of: its place among everything recorded.
    pub sequence: u32,
    /// What it is.
    pub kind: TransactionKind,
    /// The day it counts from.
    pub on: NaiveDate,
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// How much in all.
    pub amount: Decimal,
    /// Of what.
    #[serde(default)]
    pub portions: Amounts,
    /// The part that nothing was owed for.
    #[serde(default)]
    pub overpaid: Decimal,
    /// Principal outstanding after it, zero for recognitions.
    #[serde(default)]
    pub balance: Decimal,
    /// What it paid, line by line.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
    /// What it paid of charges.
    #[serde(default)]
    pub charges: Vec<ChargePart>,
    /// The transaction it takes back, adjusts or belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// The transaction a replay put it in the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
    /// How it came to stand no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed: Option<Reversal>,
}

impl Transaction {
    /// One of an operation, by its place among everything recorded, that has not been run yet.
    pub(crate) fn new(
        kind: TransactionKind,
        amount: Decimal,
        on: NaiveDate,
        sequence: u32,
        recorded_on: NaiveDate,
    ) -> Self {
        Self {
            id: 0,
            sequence,
            kind,
            on,
            recorded_on,
            amount,
            portions: Amounts::ZERO,
            overpaid: Decimal::ZERO,
            balance: Decimal::ZERO,
            allocations: Vec::new(),
            charges: Vec::new(),
            of: None,
            replaces: None,
            reversed: None,
        }
    }

    /// Whether another one comes to the same.
    pub(crate) fn came_to_same(&self, other: &Self) -> bool {
        self.amount == other.amount
            && self.portions == other.portions
            && self.overpaid == other.overpaid
    }

    /// Whether it is of a kind that does not stand once it comes to nothing.
    pub(crate) fn came_to_nothing(&self) -> bool {
        let kinds = [
            TransactionKind::AccrualActivity,
            TransactionKind::ChargeOff,
            TransactionKind::InterestRefund,
            TransactionKind::RepaymentAtDisbursement,
        ];
        self.amount.is_zero() && kinds.contains(&self.kind)
    }

    /// The same as if it had never been reversed.
    pub(crate) fn standing_again(&self) -> Self {
        Self { reversed: None, ..self.clone() }
    }

    /// Whether it stands.
    pub fn stands(&self) -> bool {
        self.reversed.is_none()
    }
}
