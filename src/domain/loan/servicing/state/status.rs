//! Where a loan stands after an operation.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::loan::Loan;
use super::refusal::ServicingError;
use super::standing::LoanStatus;
use super::transaction::{Transaction, TransactionKind};

impl Loan {
    /// Where the loan stands after an operation, and since when it is closed or overpaid.
    pub(crate) fn settle_status(&mut self, sequence: u32) -> Result<(), ServicingError> {
        let status = self.status_now()?;
        if status != self.status {
            let ended = matches!(status, LoanStatus::Closed | LoanStatus::WrittenOff);
            let since = self.moved_on(sequence);
            self.closed_on = since.filter(|_| ended);
            self.overpaid_on = since.filter(|_| status == LoanStatus::Overpaid);
        }
        self.status = status;
        if status == LoanStatus::Approved {
            self.show_agreed_lines()?;
        }
        Ok(())
    }

    fn status_now(&self) -> Result<LoanStatus, ServicingError> {
        let given_up = |one: &Transaction| one.stands() && one.kind == TransactionKind::WriteOff;
        Ok(if !self.is_lent() {
            LoanStatus::Approved
        } else if self.owes_anything()? {
            LoanStatus::Active
        } else if self.transactions.iter().any(given_up) {
            LoanStatus::WrittenOff
        } else if self.overpaid > Decimal::ZERO {
            LoanStatus::Overpaid
        } else {
            LoanStatus::Closed
        })
    }

    /// Whether anything is outstanding in all.
    fn owes_anything(&self) -> Result<bool, ServicingError> {
        if self.charged_off_on.is_some() {
            // What was paid beyond what is still asked for counts against the rest.
            return Ok(self.outstanding()?.total()? > Decimal::ZERO);
        }
        for line in self.lines.iter().rev() {
            if !line.owes_nothing()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The day from which an operation moved something; for one that only undid what was, the day
    /// of the last transaction that is left.
    fn moved_on(&self, sequence: u32) -> Option<NaiveDate> {
        let moved = |one: &&Transaction| one.stands() && !one.kind.is_recognition();
        let all = || self.transactions.iter().filter(moved);
        let own = all().rfind(|one| one.sequence == sequence).map(|one| one.on);
        own.or_else(|| all().map(|one| one.on).max())
    }
}
