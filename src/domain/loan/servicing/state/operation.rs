//! Operations: what happens to a loan, as it is recorded.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::charge::ChargeTiming;
use super::transaction::TransactionKind;
use crate::domain::calendar::Frequency;
use crate::domain::loan::terms::FeeBasis;

/// One operation: what, from which day, and when it was recorded.
///
/// ```json
/// {"type": "repay", "on": "2024-02-01", "amount": "17.01"}
/// ```
///
/// Operations are given in the order they were recorded. They take effect in order of `on`; those
/// of one day in the order recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The day it takes effect.
    pub on: NaiveDate,
    /// The day it was recorded; `on`, or the latest day so far if that is later, when not given.
    pub recorded_on: Option<NaiveDate>,
    /// By what name later operations refer to it; two operations of one name are refused.
    pub id: Option<String>,
    /// ISO 4217 code of its amounts, where it is given.
    pub currency: Option<String>,
    /// What happens.
    pub action: Action,
}

/// How a payment came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// The borrower paid.
    #[default]
    Repayment,
    /// The borrower paid the down payment of a disbursement.
    DownPayment,
    /// A merchant gave money back for returned goods.
    MerchantRefund,
    /// A payout was returned.
    PayoutRefund,
    /// The lender credits the borrower out of goodwill.
    GoodwillCredit,
    /// The lender pays interest of the borrower's.
    InterestPaymentWaiver,
    /// A charge that was paid is given back and pays the loan.
    ChargeRefund,
    /// Money received after the loan was given up.
    Recovery,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Money is lent.
    Disburse {
        /// How much, in currency units.
        amount: Decimal,
    },
    /// The last disbursement, or with `all` every one, did not happen.
    UndoDisbursement {
        /// Whether all of them did not.
        #[serde(default)]
        all: bool,
    },
    /// Something is paid towards the loan.
    Repay {
        /// How much, in currency units.
        amount: Decimal,
        /// How it came about.
        #[serde(default)]
        kind: PaymentKind,
    },
    /// The borrower pays exactly what ends the loan on the day.
    PayOff,
    /// Money is given back to the borrower: of an overpayment, or with `paid` of what was paid.
    Refund {
        /// How much, in currency units.
        amount: Decimal,
        /// Whether it is taken out of what was paid.
        #[serde(default)]
        paid: bool,
    },
    /// A payment is taken back by the payer's bank.
    Chargeback {
        /// The name of the operation that paid.
        of: String,
        /// How much of it, in currency units.
        amount: Decimal,
    },
    /// Outstanding interest is forgiven.
    WaiveInterest {
        /// How much, in currency units.
        amount: Decimal,
    },
    /// A charge is made.
    Charge {
        /// What the lender calls it.
        name: String,
        /// Currency units for a flat charge, else the fraction of its basis.
        value: Decimal,
        /// What the value is a fraction of.
        #[serde(default)]
        basis: FeeBasis,
        /// When it falls due.
        timing: ChargeTiming,
        /// The day it falls due, for one that has a day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_on: Option<NaiveDate>,
        /// Whether it punishes lateness.
        #[serde(default)]
        penalty: bool,
    },
    /// What is outstanding of a charge is forgiven.
    WaiveCharge {
        /// The name of the operation that charged it.
        charge: String,
    },
    /// A charge is lowered; what it was lowered by pays the loan.
    AdjustCharge {
        /// The name of the operation that charged it.
        charge: String,
        /// By how much, in currency units.
        amount: Decimal,
    },
    /// One charge is paid; what is more than is owed of it pays the loan.
    PayCharge {
        /// The name of the operation that charged it.
        charge: String,
        /// How much, in currency units.
        amount: Decimal,
    },
    /// A charge was not made.
    UndoCharge {
        /// The name of the operation that charged it.
        charge: String,
    },
    /// The annual rate changes from the day on; in the cumulative family from the start of the
    /// period the day is in.
    ChangeRate {
        /// The new rate as a fraction.
        annual_rate: Decimal,
    },
    /// The instalment due on the day is due on another day, and those after it move along.
    ChangeDueDate {
        /// The new day.
        to: NaiveDate,
    },
    /// Instalments are added, or principal or interest is not asked for, from the day on.
    Reschedule {
        /// Instalments added at the end.
        #[serde(default)]
        extra_instalments: u32,
        /// Instalments from the day on without principal.
        #[serde(default)]
        principal_grace: u32,
        /// Instalments from the day on whose interest is asked for later.
        #[serde(default)]
        interest_grace: u32,
    },
    /// Everything outstanding of principal is spread over new instalments after the last one, on a
    /// progressive loan whose last instalment is due. Instalments before give up what is not paid
    /// of principal and interest. Of a loan that bears interest the new instalments are solved with
    /// interest from the day on; interest that is not paid bears none itself and is asked for with
    /// the first of them. Fees and penalties stay where they are.
    ReAge {
        /// The first due date.
        from: NaiveDate,
        /// How many instalments.
        instalments: u32,
        /// How often.
        frequency: Frequency,
    },
    /// Principal past due is spread over the instalments to come, on a progressive loan. Of a loan
    /// that bears interest those are solved anew; interest past due bears none itself and is asked
    /// for with the first of them. Fees and penalties stay where they are.
    ReAmortise,
    /// No interest is borne from the day to another, both included. Instalments stay as they are and
    /// the last one takes the difference; where interest is a part of a total known from the start,
    /// each instalment loses the share of the days.
    PauseInterest {
        /// The last day.
        to: NaiveDate,
    },
    /// Nothing is asked for between the day and another: due dates in between move behind it, to
    /// the next of their series, and later ones along. Interest runs on.
    PaymentHoliday {
        /// The last day.
        to: NaiveDate,
    },
    /// The instalment due on the day is not asked for; it is added at the end. Interest runs on.
    SkipInstalment,
    /// Income is added to the principal, and owed like money lent but for down payments.
    CapitaliseIncome {
        /// How much, in currency units.
        amount: Decimal,
    },
    /// Everything outstanding is given up.
    WriteOff,
    /// The loan is taken for lost in the books.
    ChargeOff {
        /// Why, for the accounts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether it was obtained by fraud.
        #[serde(default)]
        fraud: bool,
    },
    /// The loan is not taken for lost any more.
    UndoChargeOff,
    /// The contract is ended: everything falls due on the day.
    Terminate,
    /// The loan belongs to another owner from the day on.
    TransferOwner {
        /// The new owner.
        owner: String,
    },
    /// Delinquency is not counted from the day to another.
    PauseDelinquency {
        /// The last day.
        to: NaiveDate,
    },
    /// An earlier operation did not happen.
    Reverse {
        /// The name of the operation.
        of: String,
        /// The kind of transaction of it that alone did not happen, such as the down payment of a
        /// disbursement.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<TransactionKind>,
    },
    /// The day ends: penalties are charged and income is recognised up to it.
    EndOfDay,
}
