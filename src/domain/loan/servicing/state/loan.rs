//! The state of a loan.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::terms::LoanTerms;
use super::amounts::Amounts;
use super::charge::Charge;
use super::line::Line;
use super::movement::Movement;
use super::operation::Operation;
use super::past::Past;
use super::standing::LoanStatus;
use super::transaction::Transaction;
use super::variation::Variation;
use crate::domain::loan::ProgressiveModel;

/// An operation as it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its place among everything recorded, counted from one.
    pub sequence: u32,
    /// The day it was recorded.
    pub recorded_on: NaiveDate,
    /// What it was.
    pub operation: Operation,
    /// Whether a later operation undid it.
    #[serde(default)]
    pub undone: bool,
}

/// What looking at today changes: lines, calculator, and the day overdue principal was carried to.
pub(crate) type Bare = (Vec<Line>, Option<ProgressiveModel>, Option<NaiveDate>);

/// A place in value order: the day, whether it is a note of that day, the day it was recorded, and
/// its place among everything recorded.
pub(crate) type InTime = (NaiveDate, bool, NaiveDate, u32);

/// A loan: its terms, everything recorded, and what follows from them.
///
/// Lines, model, balances and status are a projection: [`Loan::refold`] computes them anew from
/// terms, variations, charges and transactions, and comes to the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loan {
    /// What the parties agreed.
    pub(crate) terms: LoanTerms,
    /// Everything recorded, in that order.
    pub(crate) operations: Vec<Recorded>,
    /// Changes of what is agreed.
    pub(crate) variations: Vec<Variation>,
    /// Charges, in the order recorded.
    pub(crate) charges: Vec<Charge>,
    /// Transactions, in the order made. Those that stand and those that were reversed.
    pub(crate) transactions: Vec<Transaction>,
    /// Double-entry movements, in the order posted.
    pub(crate) journal: Vec<Movement>,
    /// The schedule as it is served, in order of due date.
    pub(crate) lines: Vec<Line>,
    /// The calculator of a progressive loan once money is lent.
    pub(crate) model: Option<ProgressiveModel>,
    /// The last day overdue principal was carried forward to.
    pub(crate) carried_to: Option<NaiveDate>,
    /// Lines, model and the day carried to before today was looked at, where that changed them.
    pub(crate) bare: Option<Box<Bare>>,
    /// The place in value order of the last effect that was run.
    pub(crate) latest: Option<InTime>,
    /// Principal outstanding after the last transaction.
    pub(crate) principal: Decimal,
    /// Money of the borrower's that nothing is owed for.
    pub(crate) overpaid: Decimal,
    /// Where the loan stands.
    pub(crate) status: LoanStatus,
    /// The day it was closed.
    pub(crate) closed_on: Option<NaiveDate>,
    /// The day from which money of the borrower's was held, where nothing is owed.
    pub(crate) overpaid_on: Option<NaiveDate>,
    /// The day up to which income was recognised.
    pub(crate) recognised_to: Option<NaiveDate>,
    /// The day it was charged off, unless that was undone.
    pub(crate) charged_off_on: Option<NaiveDate>,
    /// The day since which lines stand as they are, whatever the calculator says: that of a
    /// charge-off, of a write-off or of the contract's end.
    pub(crate) stands_since: Option<NaiveDate>,
    /// Whether it was obtained by fraud.
    pub(crate) fraud: bool,
    /// The latest day anything was recorded on.
    pub(crate) today: NaiveDate,
    /// What of its history is not at hand.
    #[serde(skip)]
    pub(crate) past: Past,
}

impl Loan {
    /// What the parties agreed.
    pub fn terms(&self) -> &LoanTerms {
        &self.terms
    }

    /// The schedule as it is served, in order of due date.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Transactions in the order made, reversed ones too.
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Charges in the order recorded, withdrawn ones too.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// Double-entry movements in the order posted.
    pub fn journal(&self) -> &[Movement] {
        &self.journal
    }

    /// Changes of what is agreed.
    pub fn variations(&self) -> &[Variation] {
        &self.variations
    }

    /// Everything recorded, in that order.
    pub fn operations(&self) -> &[Recorded] {
        &self.operations
    }

    /// Money of the borrower's that nothing is owed for.
    pub fn overpaid(&self) -> Decimal {
        self.overpaid
    }

    /// Where the loan stands.
    pub fn status(&self) -> LoanStatus {
        self.status
    }

    /// The day it was closed.
    pub fn closed_on(&self) -> Option<NaiveDate> {
        self.closed_on
    }

    /// The day since which it is overpaid.
    pub fn overpaid_on(&self) -> Option<NaiveDate> {
        self.overpaid_on
    }

    /// The day it was charged off.
    pub fn charged_off_on(&self) -> Option<NaiveDate> {
        self.charged_off_on
    }

    /// Whether it was obtained by fraud.
    pub fn is_fraud(&self) -> bool {
        self.fraud
    }

    /// The last due date of an instalment.
    pub fn maturity(&self) -> Option<NaiveDate> {
        self.lines.iter().map(|line| line.due_date).max()
    }

    /// What is outstanding of all lines, by component.
    ///
    /// # Errors
    /// [`ArithmeticError`](crate::domain::decimal::ArithmeticError) beyond the exact range.
    pub fn outstanding(&self) -> Result<Amounts, crate::domain::decimal::ArithmeticError> {
        self.lines.iter().try_fold(Amounts::ZERO, |sum, line| sum.plus(&line.outstanding()?))
    }
}
